import { bytesInMemory } from '../../body.js'
import { checkCall, checkWriteCall } from '../../call-options.js'
import { StoreError, toStoreError } from '../../errors.js'
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
import { refuseMark } from '../marks.js'
import { drop, keep, MARK } from './entry.js'
import { CachedReads, type CacheHow } from './reading.js'
import { Visits } from './visits.js'

/**
 * Changes the store first and then the cache; a read asks the cache first.
 *
 * A change: 1. the store underneath; 2. the cache is given the new value, or loses the old one. A
 * crash between them leaves the old value there: found out by its version, or believed until it
 * is not fresh any more.
 */
export class WriteThroughStore implements ObjectStore {
  readonly supports: Supports
  readonly #inner: ObjectStore
  readonly #how: CacheHow
  readonly #visits = new Visits()
  readonly #reads: CachedReads
  #isClosed = false

  constructor(inner: ObjectStore, how: CacheHow) {
    this.#inner = inner
    this.#how = how
    this.#reads = new CachedReads(inner, how, this.#visits)
    const { list, metadata, expiry, versions, conditions } = inner.supports
    const maxKeyBytes = Math.min(inner.supports.maxKeyBytes, how.cache.supports.maxKeyBytes)
    this.supports = { list, metadata, expiry, versions, conditions, maxKeyBytes }
  }

  async read(key: string, options: CallOptions = {}): Promise<StoredObject | undefined> {
    this.#check('read', key, options)
    return await this.#reads.read(key, options)
  }

  async stat(key: string, options: CallOptions = {}): Promise<ObjectInfo | undefined> {
    this.#check('stat', key, options)
    return await this.#reads.stat(key, options)
  }

  async write(key: string, body: Body, options: WriteOptions = {}): Promise<ObjectInfo> {
    checkWriteCall(this.supports, key, options)
    refuseMark(options, MARK)
    this.#check('write', key)
    const given = bytesInMemory(body)
    const isKept = given !== undefined && given.length <= this.#how.maxValueBytes
    // A copy, so that the store and the cache get the same, whatever its owner does with it.
    const value = isKept ? Buffer.from(given) : undefined
    const seenAtMs = Date.now()
    return await this.#changing(
      key,
      () => this.#inner.write(key, value ?? body, options),
      value && ((info) => keep(this.#how.cache, info, value, seenAtMs)),
    )
  }

  async remove(key: string, options?: RemoveOptions): Promise<boolean> {
    this.#check('remove', key)
    return await this.#changing(key, () => this.#inner.remove(key, options))
  }

  async take(key: string, options?: ChangeOptions): Promise<StoredObject | undefined> {
    this.#check('take', key)
    return await this.#changing(key, () => this.#inner.take(key, options))
  }

  list(options?: ListOptions): AsyncIterable<ObjectInfo> {
    return this.#inner.list(options)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#reads.close()
    await Promise.all([this.#inner.close(), this.#how.cache.close()])
  }

  /** What the cache alone would not refuse. */
  #check(operation: string, key: string, options: CallOptions = {}): void {
    try {
      checkKey(key, this.supports.maxKeyBytes)
      checkCall(options)
      if (this.#isClosed) throw new StoreError('CLOSED', 'the store is closed')
    } catch (error) {
      throw toStoreError(error, operation, key)
    }
  }

  /** Changes a key of the store; whatever becomes of it, the cache has not the old value then. */
  async #changing<T>(
    key: string,
    change: () => Promise<T>,
    keepResult?: (result: T) => Promise<void>,
  ): Promise<T> {
    return await this.#visits.changing(key, async (isAlone) => {
      let keepIt: (() => Promise<void>) | undefined
      try {
        const result = await change()
        keepIt = keepResult && (() => keepResult(result))
        return result
      } finally {
        // Of changes at the same time nobody knows which was the last one.
        await this.#visits.inTurn(key, undefined, () =>
          keepIt !== undefined && isAlone() ? keepIt() : drop(this.#how.cache, key),
        )
      }
    })
  }
}
