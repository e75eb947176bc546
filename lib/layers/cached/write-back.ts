import { hostname } from 'node:os'
import { setImmediate } from 'node:timers/promises'
import {
  checkCall,
  checkChange,
  checkListing,
  checkRemoval,
  checkWriteCall,
  type CheckedWrite,
} from '../../call-options.js'
import { publishNotice } from '../../diagnostics.js'
import { requireNoAbort } from '../../drivers/abort.js'
import { isUnreadable, StoreError, toStoreError } from '../../errors.js'
import { checkKey } from '../../key.js'
import type { ObjectInfo } from '../../object-info.js'
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
} from '../../object-store.js'
import { renamedObject } from '../inner-object.js'
import { refuseMark } from '../marks.js'
import { withNamespace } from '../namespaced.js'
import { Backlog, isAbsent, lostEntry } from './backlog.js'
import { drop, MARK, readEntry, statEntry, writeEntry, type Entry } from './entry.js'
import { CachedReads, type CacheHow } from './reading.js'
import { smallBody, type SmallBody } from './small-body.js'
import { Visits } from './visits.js'

/** After so many calls others in this process have their turn. */
const CALLS_AT_ONCE = 32

/** How a write-back cache is used. */
export interface WriteBackHow extends CacheHow {
  readonly flushMs: number
  readonly maxUnflushed: number
}

/**
 * Changes the cache, and the store underneath later.
 *
 * A change: 1. the entry of the cache, which says that it is not flushed; 2. the call returns;
 * 3. the key is flushed, as `backlog.ts` says. A crash after 1 leaves what the next process that
 * opens the cache flushes.
 *
 * What must be decided where others look, and what is too large for the cache, is done underneath
 * instead, after the key was flushed: `take`, `ifAbsent`, large values.
 */
export class WriteBackStore implements ObjectStore {
  readonly supports: Supports
  readonly #inner: ObjectStore
  readonly #how: WriteBackHow
  readonly #entries: ObjectStore
  readonly #visits = new Visits()
  readonly #reads: CachedReads
  readonly #backlog: Backlog
  readonly #underWay = new Set<Promise<unknown>>()
  #calls = 0
  #opening: Promise<void> | undefined
  #closing: Promise<void> | undefined

  /** @internal Made by `withCache`. */
  constructor(inner: ObjectStore, how: WriteBackHow) {
    this.#inner = inner
    this.#how = how
    const entries = withNamespace(how.cache, 'entries')
    const visits = this.#visits
    this.#entries = entries
    this.#reads = new CachedReads(inner, { ...how, cache: entries }, visits)
    const { cache, flushMs } = how
    this.#backlog = new Backlog({ inner, cache, entries, visits, flushMs })
    const { list, metadata, expiry } = inner.supports
    const maxKeyBytes = Math.min(inner.supports.maxKeyBytes, entries.supports.maxKeyBytes)
    this.supports = { list, metadata, expiry, versions: false, conditions: false, maxKeyBytes }
    // What another process has left is to be flushed, even if nobody calls this one.
    this.#open().catch((error: unknown) => publishNotice('a cache could not be opened', error))
  }

  /** How many keys the store underneath has yet to be told of, as far as is known. */
  get unflushed(): number {
    return this.#backlog.size
  }

  /**
   * Resolves when the store underneath has all that was acknowledged before.
   *
   * @throws StoreError with the code of the first failure; its message says how many keys are left
   */
  async flush(options: CallOptions = {}): Promise<void> {
    checkCall(options)
    await this.#run('flush', undefined, () => this.#backlog.flush(options))
  }

  async read(key: string, options: CallOptions = {}): Promise<StoredObject | undefined> {
    this.#check('read', key, () => checkCall(options))
    return await this.#run('read', key, async () => {
      const found = await this.#find(key, () => readEntry(this.#entries, key, options))
      if (found !== SETTLED) return found && this.#reads.open(found)
      return ownObject(await this.#reads.read(key, options))
    })
  }

  async stat(key: string, options: CallOptions = {}): Promise<ObjectInfo | undefined> {
    this.#check('stat', key, () => checkCall(options))
    return await this.#run('stat', key, async () => {
      const found = await this.#find(key, () => statEntry(this.#entries, key, options))
      if (found !== SETTLED) return found?.info
      const info = await this.#reads.stat(key, options)
      return info && ownInfo(info)
    })
  }

  async write(key: string, body: Body, options: WriteOptions = {}): Promise<ObjectInfo> {
    const how = checkWriteCall(this.supports, key, options)
    refuseMark(options, MARK)
    this.#check('write', key, () => requireSupported(this.supports, options))
    const given = smallBody(body, this.#how.maxValueBytes, options.signal)
    try {
      return await this.#run('write', key, async () => {
        const small = await given.read()
        return await this.#write(key, small, how, options)
      })
    } catch (error) {
      given.stop()
      throw error
    }
  }

  async remove(key: string, options: RemoveOptions = {}): Promise<boolean> {
    this.#check('remove', key, () => refuseVersion(checkRemoval(options)))
    const { signal, durability } = options
    return await this.#run('remove', key, async () => {
      if (!this.#hasPlace(key)) {
        return await this.#through(key, options, () => this.#inner.remove(key, options))
      }
      return await this.#changing(key, signal, async () => {
        const pending = this.#backlog.get(key)
        const isThere = pending ? !isAbsent(pending, Date.now()) : await this.#isThere(key, signal)
        // Else there is nothing to remove, or its removal is to be flushed already.
        if (isThere) {
          const entry: Entry = { kind: 'removed', info: infoOf(key, 0, {}), seenAtMs: Date.now() }
          await this.#change(entry, Buffer.alloc(0), { signal, durability })
        }
        return isThere
      })
    })
  }

  async take(key: string, options: ChangeOptions = {}): Promise<StoredObject | undefined> {
    this.#check('take', key, () => checkChange(options))
    return await this.#run('take', key, async () => {
      for (;;) {
        const taken = await this.#backlog.settled(key, options, () => this.#take(key, options))
        if (taken !== 'changed again') return ownObject(taken)
      }
    })
  }

  async *list(options: ListOptions = {}): AsyncGenerator<ObjectInfo> {
    const { signal } = options
    const prefix = checkListing(options)
    await this.#run('list', undefined, () => Promise.resolve(requireNoAbort(signal)))
    const given = new Set(this.supports.list ? this.#backlog.keys() : [])
    for (const key of given) {
      const info = key.startsWith(prefix) ? await this.stat(key, { signal }) : undefined
      if (info !== undefined) yield info
    }
    for await (const info of this.#inner.list(options)) {
      const { key } = info
      if (given.has(key)) continue
      const isChanged = this.#backlog.get(key) !== undefined
      const current = isChanged ? await this.stat(key, { signal }) : ownInfo(info)
      if (current !== undefined) yield current
    }
  }

  /**
   * Flushes, and closes both stores.
   *
   * @throws StoreError as {@link flush}; both are closed all the same, and what is left is flushed
   *   when the cache is opened again
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#underWay)
    this.#backlog.stop()
    try {
      await this.#open()
      await this.#backlog.flush({})
    } finally {
      await this.#reads.close()
      await Promise.all([this.#inner.close(), this.#how.cache.close()])
    }
  }

  async #write(
    key: string,
    { value, body }: SmallBody,
    how: CheckedWrite,
    options: WriteOptions,
  ): Promise<ObjectInfo> {
    if (value === undefined || how.ifAbsent || !this.#hasPlace(key)) {
      const write = (): Promise<ObjectInfo> => this.#inner.write(key, body, options)
      return ownInfo(await this.#through(key, options, write))
    }
    const { signal, durability } = options
    return await this.#changing(key, signal, async () => {
      const info = infoOf(key, value.length, how)
      const entry: Entry = { kind: 'written', info, seenAtMs: info.writtenAtMs }
      await this.#change(entry, value, { signal, durability })
      return info
    })
  }

  async #take(
    key: string,
    options: ChangeOptions,
  ): Promise<StoredObject | undefined | 'changed again'> {
    return await this.#changing(key, options.signal, async () => {
      // After it was flushed, and before it was this one's turn.
      if (this.#backlog.get(key) !== undefined) return 'changed again'
      try {
        return await this.#inner.take(key, options)
      } finally {
        await drop(this.#entries, key)
      }
    })
  }

  /** What the cache has of a key that is not flushed; {@link SETTLED} where there is no such. */
  async #find<E extends Entry>(
    key: string,
    find: () => Promise<E | undefined>,
  ): Promise<E | undefined | typeof SETTLED> {
    for (;;) {
      const pending = this.#backlog.get(key)
      if (pending === undefined) return SETTLED
      if (isAbsent(pending, Date.now())) return undefined
      const entry = await find()
      if (entry?.kind === 'removed') return undefined
      if (entry !== undefined) return { ...entry, info: ownInfo(entry.info) }
      if (this.#backlog.get(key) === pending) throw lostEntry(key)
    }
  }

  /** Changes a key of the store underneath, which has all that was acknowledged before. */
  async #through<T>(key: string, options: CallOptions, change: () => Promise<T>): Promise<T> {
    return await this.#backlog.settled(key, options, () =>
      this.#visits.changing(key, async () => {
        try {
          return await change()
        } finally {
          await this.#visits.inTurn(key, undefined, async () => {
            if (this.#backlog.get(key) === undefined) await drop(this.#entries, key)
          })
        }
      }),
    )
  }

  #changing<T>(key: string, signal: AbortSignal | undefined, change: () => Promise<T>): Promise<T> {
    return this.#visits.changing(key, () => this.#visits.inTurn(key, signal, change))
  }

  async #change(entry: Entry, value: Buffer, options: ChangeOptions): Promise<void> {
    const { key } = entry.info
    try {
      await writeEntry(this.#entries, entry, value, options)
    } catch (error) {
      await this.#lookAgain(key)
      throw error
    }
    this.#backlog.add(entry)
  }

  /** A change that failed may yet have been made: then the next process would flush it. */
  async #lookAgain(key: string): Promise<void> {
    try {
      const entry = await statEntry(this.#entries, key, {})
      if (entry !== undefined && entry.kind !== 'clean') this.#backlog.add(entry)
    } catch (error) {
      publishNotice('whether a failed change is in the cache could not be found out', error)
    }
  }

  async #isThere(key: string, signal: AbortSignal | undefined): Promise<boolean> {
    try {
      return (await this.#inner.stat(key, { signal })) !== undefined
    } catch (error) {
      if (isUnreadable(error)) return true
      throw error
    }
  }

  /** Whether one more key may wait to be flushed, or this one does already. */
  #hasPlace(key: string): boolean {
    return this.#backlog.size < this.#how.maxUnflushed || this.#backlog.get(key) !== undefined
  }

  #open(): Promise<void> {
    this.#opening ??= this.#backlog.open().catch((error: unknown) => {
      // The next call tries again.
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  #check(operation: string, key: string, checkOptions: () => void): void {
    try {
      checkKey(key, this.supports.maxKeyBytes)
      checkOptions()
    } catch (error) {
      throw toStoreError(error, operation, key)
    }
  }

  async #run<T>(operation: string, key: string | undefined, act: () => Promise<T>): Promise<T> {
    const running = this.#begin(act)
    this.#underWay.add(running)
    try {
      return await running
    } catch (error) {
      throw toStoreError(error, operation, key)
    } finally {
      this.#underWay.delete(running)
    }
  }

  async #begin<T>(act: () => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) throw new StoreError('CLOSED', 'the store is closed')
    await this.#open()
    this.#backlog.refuseIfLost()
    this.#calls += 1
    // A cache in memory answers at once: who calls all the time would let no flush begin.
    if (this.#calls % CALLS_AT_ONCE === 0) await setImmediate()
    return await act()
  }
}

/** Said of a key of which the store underneath knows all. */
const SETTLED = Symbol('settled')

/** What the store underneath cannot keep must not be acknowledged. */
function requireSupported(supports: Supports, options: WriteOptions): void {
  refuseVersion(options.ifVersion)
  for (const name of ['metadata', 'contentType', 'ttlMs'] as const) {
    const isKept = name === 'ttlMs' ? supports.expiry : supports.metadata
    if (isKept || options[name] === undefined) continue
    throw new StoreError('NOT_SUPPORTED', `the store underneath keeps no ${name}`)
  }
}

function refuseVersion(ifVersion: string | undefined): void {
  if (ifVersion === undefined) return
  const message = 'a write-back cache has no ifVersion: a value gets its version when it is flushed'
  throw new StoreError('NOT_SUPPORTED', `${message}; use write-through`)
}

function infoOf(key: string, sizeBytes: number, how: Partial<CheckedWrite>): ObjectInfo {
  const writtenAtMs = Date.now()
  const { ttlMs, contentType, metadata = {} } = how
  return {
    key,
    sizeBytes,
    version: undefined,
    writtenAtMs,
    writtenBy: hostname(),
    expiresAtMs: ttlMs === undefined ? undefined : writtenAtMs + ttlMs,
    contentType,
    metadata,
  }
}

/** The versions of the store underneath come and go with flushes, so they are not shown. */
function ownInfo(info: ObjectInfo): ObjectInfo {
  return { ...info, version: undefined }
}

function ownObject(object: StoredObject | undefined): StoredObject | undefined {
  return object && renamedObject(object, ownInfo(object.info))
}
