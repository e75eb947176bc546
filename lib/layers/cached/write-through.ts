import { bytesInMemory } from '../../body.js'
import { checkWriteCall } from '../../call-options.js'
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
import { storedObject } from '../../stored-object.js'
import { renamedObject } from '../inner-object.js'
import { refuseMark } from '../marks.js'
import { drop, keep, lookUp, MARK, type Kept } from './kept.js'
import { Visits } from './visits.js'

/** How a cache is used. */
export interface CacheHow {
  readonly cache: ObjectStore
  readonly freshMs: number
  readonly maxValueBytes: number
}

/** Changes the store first and then the cache; a read asks the cache first. */
export class WriteThroughStore implements ObjectStore {
  readonly supports: Supports
  readonly #inner: ObjectStore
  readonly #how: CacheHow
  readonly #visits = new Visits()

  constructor(inner: ObjectStore, how: CacheHow) {
    this.#inner = inner
    this.#how = how
    const { list, metadata, expiry, versions, conditions } = inner.supports
    const maxKeyBytes = Math.min(inner.supports.maxKeyBytes, how.cache.supports.maxKeyBytes)
    this.supports = { list, metadata, expiry, versions, conditions, maxKeyBytes }
  }

  async read(key: string, options: CallOptions = {}): Promise<StoredObject | undefined> {
    const kept = await this.#lookUp(key, options)
    if (kept !== undefined && this.#isFresh(kept)) return kept.object
    return await this.#visits.reading(key, async (isUnchanged) => {
      const beganAtMs = Date.now()
      const current = kept && (await this.#ifCurrent(kept, options))
      const object = current ?? (await this.#inner.read(key, options))
      if (object === undefined || object.info.sizeBytes > this.#how.maxValueBytes) {
        if (isUnchanged()) await drop(this.#how.cache, key)
        return object
      }
      // What was compared just now needs no second copy, unless that is worth remembering.
      if (object === current && this.#how.freshMs === 0) return object
      return await this.#keepAndGive(object, beganAtMs, isUnchanged)
    })
  }

  async stat(key: string, options: CallOptions = {}): Promise<ObjectInfo | undefined> {
    if (this.#how.freshMs === 0) return await this.#inner.stat(key, options)
    const kept = await this.#lookUp(key, options)
    await kept?.object.close()
    if (kept !== undefined && this.#isFresh(kept)) return kept.object.info
    return await this.#inner.stat(key, options)
  }

  async write(key: string, body: Body, options: WriteOptions = {}): Promise<ObjectInfo> {
    checkWriteCall(this.supports, key, options)
    refuseMark(options, MARK)
    const given = bytesInMemory(body)
    const isKept = given !== undefined && given.length <= this.#how.maxValueBytes
    const bytes = isKept ? Buffer.from(given) : undefined
    return await this.#changing(key, async () => {
      const beganAtMs = Date.now()
      const info = await this.#inner.write(key, bytes ?? body, options)
      return { result: info, keep: bytes && (() => keep(this.#how.cache, info, bytes, beganAtMs)) }
    })
  }

  remove(key: string, options?: RemoveOptions): Promise<boolean> {
    return this.#changing(key, async () => ({ result: await this.#inner.remove(key, options) }))
  }

  take(key: string, options?: ChangeOptions): Promise<StoredObject | undefined> {
    return this.#changing(key, async () => ({ result: await this.#inner.take(key, options) }))
  }

  list(options?: ListOptions): AsyncIterable<ObjectInfo> {
    return this.#inner.list(options)
  }

  async close(): Promise<void> {
    await Promise.all([this.#inner.close(), this.#how.cache.close()])
  }

  async #lookUp(key: string, { signal }: CallOptions): Promise<Kept | undefined> {
    return typeof key === 'string' ? await lookUp(this.#how.cache, key, signal) : undefined
  }

  #isFresh({ seenAtMs }: Kept): boolean {
    const ageMs = Date.now() - seenAtMs
    return ageMs >= 0 && ageMs < this.#how.freshMs
  }

  /** What was kept, if the store still has that version. */
  async #ifCurrent(kept: Kept, options: CallOptions): Promise<StoredObject | undefined> {
    try {
      const info = await this.#inner.stat(kept.object.info.key, options)
      if (info?.version !== undefined && info.version === kept.object.info.version) {
        return renamedObject(kept.object, info)
      }
    } catch (error) {
      await kept.object.close()
      throw error
    }
    await kept.object.close()
    return undefined
  }

  async #keepAndGive(
    object: StoredObject,
    seenAtMs: number,
    isUnchanged: () => boolean,
  ): Promise<StoredObject> {
    const { info } = object
    let bytes: Buffer
    try {
      bytes = await object.bytes()
    } finally {
      await object.close()
    }
    if (isUnchanged()) await keep(this.#how.cache, info, bytes, seenAtMs)
    return storedObject({
      info,
      bytes: () => Promise.resolve(Buffer.from(bytes)),
      read: (start, end) => [Buffer.from(bytes.subarray(start, end))].values(),
      close: () => Promise.resolve(),
    })
  }

  /** Changes a key of the store; whatever becomes of it, the cache has not the old value then. */
  async #changing<T>(
    key: string,
    change: () => Promise<{ result: T; keep?: (() => Promise<void>) | undefined }>,
  ): Promise<T> {
    return await this.#visits.changing(key, async () => {
      let isKept = false
      try {
        const { result, keep } = await change()
        await keep?.()
        isKept = keep !== undefined
        return result
      } finally {
        if (!isKept && typeof key === 'string') await drop(this.#how.cache, key)
      }
    })
  }
}
