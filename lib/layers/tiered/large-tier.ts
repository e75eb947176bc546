import { speakingOf, StoreError } from '../../errors.js'
import type { ObjectInfo } from '../../object-info.js'
import type { CallOptions, ObjectStore, StoredObject, WriteOptions } from '../../object-store.js'
import { MAX_TTL_MS } from '../../options.js'
import { renamedObject } from '../inner-object.js'
import { newName, ownInfo, type Pointer } from './pointer.js'

/**
 * By how much a value outlives its pointer, which is written after it and perhaps by another
 * clock: an hour.
 */
const OUTLIVES_BY_MS = 60 * 60 * 1000

/** The values that the small tier points to. Errors speak of the key of the caller. */
export class LargeTier {
  readonly #store: ObjectStore

  constructor(store: ObjectStore) {
    this.#store = store
  }

  /** Stores a value that nothing points to yet. */
  async write(
    key: string,
    body: AsyncIterable<Uint8Array>,
    { signal, durability, ttlMs }: WriteOptions,
  ): Promise<Pointer> {
    const name = newName(key)
    const isKept = ttlMs === undefined || !this.#store.supports.expiry
    const how = isKept ? {} : { ttlMs: Math.min(ttlMs + OUTLIVES_BY_MS, MAX_TTL_MS) }
    const write = (): Promise<ObjectInfo> =>
      this.#store.write(name, body, { signal, durability, ...how })
    const { sizeBytes } = await speakingOf(key, write)
    return { name, sizeBytes }
  }

  /**
   * Opens the value of an object of the small tier; undefined if it is not there.
   *
   * @throws StoreError `CORRUPT` if it is another one
   */
  async open(
    info: ObjectInfo,
    pointer: Pointer,
    call: CallOptions,
  ): Promise<StoredObject | undefined> {
    return await speakingOf(info.key, async () => {
      const object = await this.#store.read(pointer.name, call)
      if (object === undefined) return undefined
      if (object.info.sizeBytes === pointer.sizeBytes) {
        return renamedObject(object, ownInfo(info, pointer))
      }
      await object.close()
      throw valueIs(`of another size, of ${object.info.sizeBytes} bytes,`, pointer)
    })
  }

  /** Removes a value that nothing points to any more. What fails or is aborted, `verify` does. */
  async discard({ name }: Pointer, signal?: AbortSignal): Promise<void> {
    try {
      await this.#store.remove(name, { signal })
    } catch {
      // What the caller asked for was done without it.
    }
  }
}

/** What a read is told whose pointer leads nowhere. */
export function valueIs(what: string, { name, sizeBytes }: Pointer): StoreError {
  const message = `the value of ${sizeBytes} bytes is ${what} in the large tier, as ${name}`
  return new StoreError('CORRUPT', `${message}; is it the tier that belongs to this one?`)
}
