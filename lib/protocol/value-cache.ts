import type { ObjectInfo } from '../object-info.js'
import type { ObjectPath } from './context.js'

/** A value that is kept in memory, and what it is proved current by. */
export interface CachedValue {
  /** Where its object lies, with its key. */
  readonly object: ObjectPath
  readonly info: ObjectInfo
  /** The value, whose crc was right. */
  readonly bytes: Buffer
  /** The private name that keeps its inode number from being given to another file. */
  readonly privatePath: string
  /** The id of the instance whose directory that name is in: lost with it. */
  readonly instanceId: string
  readonly file: FileFacts
}

/**
 * What a file is told by, all as numbers, or as bigints where its inode number does not fit into
 * one. What fits is compared exactly: no larger number is rounded to it.
 */
export interface FileFacts {
  readonly dev: number | bigint
  readonly ino: number | bigint
  /** When the server wrote it. */
  readonly mtimeMs: number | bigint
  /** How many names it has. */
  readonly nlink: number | bigint
}

/** How much is kept at most. */
export interface CacheLimits {
  /** Bytes of the values. */
  readonly maxBytes: number
  /** Values, each of which has a private name. */
  readonly maxValues: number
}

interface Entry {
  readonly hash: string
  readonly value: CachedValue
  /** Whether it was asked for since it was considered for eviction last. */
  hasChance: boolean
  /** Whether it was asked for since {@link ValueCache.takeUnused}. */
  isUsed: boolean
}

/**
 * The values that were used lately: to make room, the oldest that nobody has asked for since it
 * was passed over last goes (second chance). To ask for one costs one look-up and moves nothing.
 * It knows nothing of files: whoever drops a value unlinks its name.
 */
export class ValueCache {
  readonly limits: CacheLimits
  /** By hash of the key, in the order in which they are considered. */
  readonly #entries = new Map<string, Entry>()
  /** By key: to hash one takes longer. */
  readonly #byKey = new Map<string, Entry>()
  #bytes = 0

  constructor(limits: CacheLimits) {
    this.limits = limits
  }

  /** Another one that keeps the same. */
  copy(): ValueCache {
    const copy = new ValueCache(this.limits)
    for (const entry of this.#entries.values()) copy.#add({ ...entry })
    return copy
  }

  /** What the largest value has that is kept: one alone must not take the place of all. */
  get mostBytes(): number {
    return this.limits.maxBytes / 4
  }

  /** Where the object of a key lies, if its value is kept. */
  placeOf(key: unknown): ObjectPath | undefined {
    return this.#byKey.get(key as string)?.value.object
  }

  /** How many values are kept. */
  get size(): number {
    return this.#entries.size
  }

  /** How many bytes they have. */
  get bytes(): number {
    return this.#bytes
  }

  /** What is kept of a key, by its hash; it counts as used. */
  get(hash: string): CachedValue | undefined {
    return use(this.#entries.get(hash))
  }

  /** The same, by the key itself. */
  getByKey(key: unknown): CachedValue | undefined {
    return use(this.#byKey.get(key as string))
  }

  /** The same, but it does not count. */
  peek(hash: string): CachedValue | undefined {
    return this.#entries.get(hash)?.value
  }

  /** Keeps a value in place of another of its key; returns what is kept no longer. */
  put(hash: string, value: CachedValue): CachedValue[] {
    const dropped = [this.drop(hash)]
    this.#add({ hash, value, hasChance: false, isUsed: true })
    const { maxBytes, maxValues } = this.limits
    while (this.#bytes > maxBytes || this.size > maxValues) dropped.push(this.#evict(hash))
    return dropped.filter((each) => each !== undefined)
  }

  /** Keeps a key's value no longer; returns it. */
  drop(hash: string): CachedValue | undefined {
    const entry = this.#entries.get(hash)
    if (entry === undefined) return undefined
    const { value } = entry
    this.#entries.delete(hash)
    this.#byKey.delete(value.info.key)
    this.#bytes -= value.bytes.length
    return value
  }

  /** Drops what nobody has asked for since this was called last; returns it. */
  takeUnused(): CachedValue[] {
    const unused: CachedValue[] = []
    for (const { hash, value, isUsed } of [...this.#entries.values()]) {
      if (isUsed) continue
      this.drop(hash)
      unused.push(value)
    }
    for (const entry of this.#entries.values()) entry.isUsed = false
    return unused
  }

  /** All that is kept, what is considered for eviction first at the head. */
  values(): CachedValue[] {
    return [...this.#entries.values()].map(({ value }) => value)
  }

  /** Keeps nothing any more; returns what it kept. */
  clear(): CachedValue[] {
    const values = this.values()
    this.#entries.clear()
    this.#byKey.clear()
    this.#bytes = 0
    return values
  }

  #add(entry: Entry): void {
    const { hash, value } = entry
    this.#entries.set(hash, entry)
    this.#byKey.set(value.info.key, entry)
    this.#bytes += value.bytes.length
  }

  /** Makes room; the one that it is made for goes last. */
  #evict(newest: string): CachedValue | undefined {
    for (const entry of this.#entries.values()) {
      const { hash } = entry
      if (!entry.hasChance && (hash !== newest || this.size === 1)) return this.drop(hash)
      entry.hasChance = false
      this.#entries.delete(hash)
      this.#entries.set(hash, entry)
    }
    return undefined
  }
}

function use(entry: Entry | undefined): CachedValue | undefined {
  if (entry === undefined) return undefined
  entry.hasChance = true
  entry.isUsed = true
  return entry.value
}
