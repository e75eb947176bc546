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

/**
 * The values that were used last. It knows nothing of files: whoever drops a value unlinks its
 * name.
 */
export class ValueCache {
  readonly limits: CacheLimits
  /** By hash of the key, the one used last at the end. */
  readonly #values = new Map<string, CachedValue>()
  #bytes = 0
  readonly #used = new Set<string>()
  /** Where objects lie whose values are kept, by key: to hash a key takes longer. */
  readonly #places = new Map<string, ObjectPath>()

  constructor(limits: CacheLimits) {
    this.limits = limits
  }

  /** What the largest value has that is kept: one alone must not take the place of all. */
  get mostBytes(): number {
    return this.limits.maxBytes / 4
  }

  /** Where the object of a key lies, if its value is kept. */
  placeOf(key: unknown): ObjectPath | undefined {
    return this.#places.get(key as string)
  }

  /** How many values are kept. */
  get size(): number {
    return this.#values.size
  }

  /** How many bytes they have. */
  get bytes(): number {
    return this.#bytes
  }

  /** What is kept of a key; it counts as used. */
  get(hash: string): CachedValue | undefined {
    const value = this.#values.get(hash)
    if (value === undefined) return undefined
    this.#values.delete(hash)
    this.#values.set(hash, value)
    this.#used.add(hash)
    return value
  }

  /** The same, but it does not count. */
  peek(hash: string): CachedValue | undefined {
    return this.#values.get(hash)
  }

  /** Keeps a value in place of another of its key; returns what is kept no longer. */
  put(hash: string, value: CachedValue): CachedValue[] {
    const dropped = [this.drop(hash)]
    this.#values.set(hash, value)
    this.#used.add(hash)
    this.#places.set(value.info.key, value.object)
    this.#bytes += value.bytes.length
    const { maxBytes, maxValues } = this.limits
    while (this.#bytes > maxBytes || this.size > maxValues) {
      const [oldest] = this.#values.keys()
      if (oldest === undefined) break
      dropped.push(this.drop(oldest))
    }
    return dropped.filter((each) => each !== undefined)
  }

  /** Keeps a key's value no longer; returns it. */
  drop(hash: string): CachedValue | undefined {
    const value = this.#values.get(hash)
    if (value === undefined) return undefined
    this.#values.delete(hash)
    this.#used.delete(hash)
    this.#places.delete(value.info.key)
    this.#bytes -= value.bytes.length
    return value
  }

  /** Drops what nobody has asked for since this was called last; returns it. */
  takeUnused(): CachedValue[] {
    const unused = [...this.#values.keys()].filter((hash) => !this.#used.has(hash))
    this.#used.clear()
    return unused.map((hash) => this.drop(hash)).filter((each) => each !== undefined)
  }

  /** What is kept, by hash of the key, what was used last at the end. */
  entries(): Iterable<[hash: string, value: CachedValue]> {
    return this.#values.entries()
  }

  /** Keeps nothing any more; returns what it kept. */
  clear(): CachedValue[] {
    const hashes = [...this.#values.keys()]
    return hashes.map((hash) => this.drop(hash)).filter((each) => each !== undefined)
  }
}
