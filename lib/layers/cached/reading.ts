import { MemoryObjects } from '../../memory-objects.js'
import type { ObjectInfo } from '../../object-info.js'
import type { CallOptions, ObjectStore, StoredObject } from '../../object-store.js'
import { drop, keep, lookUp, readEntry, statEntry, type Entry, type FullEntry } from './entry.js'
import type { Visits } from './visits.js'

/** How a cache is used. */
export interface CacheHow {
  readonly cache: ObjectStore
  readonly freshMs: number
  readonly maxValueBytes: number
}

/** Reads of a store through a cache: what it has, if that is current, and else what it gets. */
export class CachedReads {
  readonly #inner: ObjectStore
  readonly #how: CacheHow
  readonly #visits: Visits
  readonly #open = new MemoryObjects()

  constructor(inner: ObjectStore, how: CacheHow, visits: Visits) {
    this.#inner = inner
    this.#how = how
    this.#visits = visits
  }

  /** The object of a key. */
  async read(key: string, options: CallOptions): Promise<StoredObject | undefined> {
    const { cache, freshMs, maxValueBytes } = this.#how
    return await this.#visits.reading(key, async (isUnchanged) => {
      const kept = await lookUp(readEntry, cache, key, options)
      if (kept !== undefined && this.#isFresh(kept)) return this.open(kept)
      const seenAtMs = Date.now()
      const current = kept && (await this.#ifCurrent(kept, options))
      if (current !== undefined) {
        // It needs no second copy, unless it is worth remembering that it was current just now.
        if (freshMs > 0) await this.#keep(current, seenAtMs, isUnchanged)
        return this.open(current)
      }
      const object = await this.#inner.read(key, options)
      if (object === undefined || object.info.sizeBytes > maxValueBytes) {
        if (kept !== undefined) await this.#change(key, isUnchanged, () => drop(cache, key))
        return object
      }
      const found = await gather(object)
      await this.#keep(found, seenAtMs, isUnchanged)
      return this.open(found)
    })
  }

  /** What is known of an object. Without a time to be fresh it costs what it costs underneath. */
  async stat(key: string, options: CallOptions): Promise<ObjectInfo | undefined> {
    if (this.#how.freshMs > 0) {
      const kept = await lookUp(statEntry, this.#how.cache, key, options)
      if (kept !== undefined && this.#isFresh(kept)) return kept.info
    }
    return await this.#inner.stat(key, options)
  }

  /** Opens a value in memory. */
  open({ info, value }: Found): StoredObject {
    return this.#open.open(info, value)
  }

  /** Closes the objects that are still open. */
  close(): Promise<void> {
    return this.#open.close()
  }

  #isFresh({ seenAtMs }: Entry): boolean {
    const ageMs = Date.now() - seenAtMs
    return ageMs >= 0 && ageMs < this.#how.freshMs
  }

  /** What was kept, if the store still has that version. */
  async #ifCurrent({ info, value }: FullEntry, options: CallOptions): Promise<Found | undefined> {
    // Nothing but a version can prove it.
    if (info.version === undefined) return undefined
    const current = await this.#inner.stat(info.key, options)
    return current?.version === info.version ? { info: current, value } : undefined
  }

  #keep({ info, value }: Found, seenAtMs: number, isUnchanged: () => boolean): Promise<void> {
    const change = (): Promise<void> => keep(this.#how.cache, info, value, seenAtMs)
    return this.#change(info.key, isUnchanged, change)
  }

  /** Changes what the cache has, unless somebody has begun to; who begins now comes after it. */
  async #change(
    key: string,
    isUnchanged: () => boolean,
    change: () => Promise<void>,
  ): Promise<void> {
    if (isUnchanged()) await this.#visits.inTurn(key, undefined, change)
  }
}

interface Found {
  readonly info: ObjectInfo
  readonly value: Buffer
}

async function gather(object: StoredObject): Promise<Found> {
  try {
    return { info: object.info, value: await object.bytes() }
  } finally {
    await object.close()
  }
}
