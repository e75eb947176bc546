import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { gatherBody } from '../body.js'
import { checkCall, checkChange, checkListing, checkRemoval, checkWrite } from '../call-options.js'
import type { CheckedWrite } from '../call-options.js'
import { requireNoAbort } from '../drivers/abort.js'
import { keyHasObject, otherVersion, StoreError, toStoreError } from '../errors.js'
import { checkKey, MAX_KEY_BYTES } from '../key.js'
import { MemoryObjects } from '../memory-objects.js'
import { isExpired, type ObjectInfo } from '../object-info.js'
import type {
  Body,
  CallOptions,
  ChangeOptions,
  ListOptions,
  ObjectStore,
  RemoveOptions,
  StoredObject,
  Supports,
  WriteOptions,
} from '../object-store.js'
import { checkOptionNames } from '../options.js'

/** How a store in memory is made. */
export interface MemoryOptions {
  /** Another one, whose objects it shares; default: it begins empty. */
  readonly from?: MemoryStore | undefined
}

interface Entry {
  readonly info: ObjectInfo
  readonly bytes: Buffer
}

/** The objects of one or more stores in memory. */
class Entries {
  readonly #byKey = new Map<string, Entry>()
  /** With so many objects the expired ones are removed again. */
  #cleanAt = 1024

  /** What a key has now: an expired object is absent. */
  get(key: string): Entry | undefined {
    const entry = this.#byKey.get(key)
    if (entry === undefined || !isExpired(entry.info, Date.now())) return entry
    this.#byKey.delete(key)
    return undefined
  }

  set(entry: Entry): void {
    this.#byKey.set(entry.info.key, entry)
    if (this.#byKey.size < this.#cleanAt) return
    for (const key of this.#byKey.keys()) this.get(key)
    // As many again must come first, so that it costs each write little.
    this.#cleanAt = Math.max(1024, this.#byKey.size * 2)
  }

  delete(key: string): void {
    this.#byKey.delete(key)
  }

  /** The keys there are now, whatever becomes of them meanwhile. */
  keys(): string[] {
    return [...this.#byKey.keys()]
  }
}

/**
 * Objects in the memory of this process: for tests, for what need not last, and under layers. It
 * does all that a directory does, and conditions; `durability` is checked and promises nothing.
 * Any number of them can share the same objects ({@link MemoryOptions.from}).
 */
export class MemoryStore implements ObjectStore {
  /** All there is; keys may be as long as `maxKeyBytes` says. */
  readonly supports: Supports = {
    list: true,
    metadata: true,
    expiry: true,
    versions: true,
    conditions: true,
    maxKeyBytes: MAX_KEY_BYTES,
  }
  readonly #entries: Entries
  readonly #open = new MemoryObjects()
  #isClosed = false

  /** @internal Made by {@link memoryStore}. */
  constructor({ from }: MemoryOptions) {
    this.#entries = from === undefined ? new Entries() : from.#entries
  }

  read(key: string, options: CallOptions = {}): Promise<StoredObject | undefined> {
    return this.#run('read', key, () => {
      checkKey(key)
      checkCall(options)
      requireNoAbort(options.signal)
      return this.#objectOf(this.#entries.get(key))
    })
  }

  stat(key: string, options: CallOptions = {}): Promise<ObjectInfo | undefined> {
    return this.#run('stat', key, () => {
      checkKey(key)
      checkCall(options)
      requireNoAbort(options.signal)
      return this.#entries.get(key)?.info
    })
  }

  async write(key: string, body: Body, options: WriteOptions = {}): Promise<ObjectInfo> {
    const how = await this.#run('write', key, () => {
      checkKey(key)
      return checkWrite(options)
    })
    const bytes = await gatherBody(body, options.signal)
    // Nothing happens between this look and the change: no other call runs meanwhile.
    return await this.#run('write', key, () => {
      requireCondition(this.#entries.get(key), how)
      const info = infoOf(key, bytes, how)
      this.#entries.set({ info, bytes })
      return info
    })
  }

  remove(key: string, options: RemoveOptions = {}): Promise<boolean> {
    return this.#run('remove', key, () => {
      checkKey(key)
      const ifVersion = checkRemoval(options)
      requireNoAbort(options.signal)
      const entry = this.#entries.get(key)
      requireVersion(entry, ifVersion)
      this.#entries.delete(key)
      return entry !== undefined
    })
  }

  take(key: string, options: ChangeOptions = {}): Promise<StoredObject | undefined> {
    return this.#run('take', key, () => {
      checkKey(key)
      checkChange(options)
      requireNoAbort(options.signal)
      const entry = this.#entries.get(key)
      this.#entries.delete(key)
      return this.#objectOf(entry)
    })
  }

  async *list(options: ListOptions = {}): AsyncGenerator<ObjectInfo> {
    const prefix = await this.#run('list', undefined, () => checkListing(options))
    for (const key of this.#entries.keys()) {
      const entry = await this.#run('list', undefined, () => {
        requireNoAbort(options.signal)
        return key.startsWith(prefix) ? this.#entries.get(key) : undefined
      })
      if (entry !== undefined) yield entry.info
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#open.close()
  }

  #objectOf(entry: Entry | undefined): StoredObject | undefined {
    return entry === undefined ? undefined : this.#open.open(entry.info, entry.bytes)
  }

  #run<T>(operation: string, key: string | undefined, act: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      try {
        if (this.#isClosed) throw new StoreError('CLOSED', 'the store is closed')
        resolve(act())
      } catch (error) {
        reject(toStoreError(error, operation, key))
      }
    })
  }
}

/** Makes an empty store in memory, or one more on the objects of another. */
export function memoryStore(options: MemoryOptions = {}): MemoryStore {
  checkOptionNames(options, ['from'])
  const { from } = options
  if (from === undefined || from instanceof MemoryStore) return new MemoryStore(options)
  throw new TypeError('from must be a store that memoryStore has made')
}

function infoOf(key: string, bytes: Buffer, how: CheckedWrite): ObjectInfo {
  const writtenAtMs = Date.now()
  return {
    key,
    sizeBytes: bytes.length,
    version: randomBytes(16).toString('hex'),
    writtenAtMs,
    writtenBy: hostname(),
    expiresAtMs: how.ttlMs === undefined ? undefined : writtenAtMs + how.ttlMs,
    contentType: how.contentType,
    metadata: how.metadata,
  }
}

function requireCondition(entry: Entry | undefined, how: CheckedWrite): void {
  if (how.ifAbsent && entry !== undefined) throw keyHasObject()
  requireVersion(entry, how.ifVersion)
}

function requireVersion(entry: Entry | undefined, ifVersion: string | undefined): void {
  if (ifVersion !== undefined && entry?.info.version !== ifVersion) throw otherVersion()
}
