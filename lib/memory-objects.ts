import type { ObjectInfo } from './object-info.js'
import type { StoredObject } from './object-store.js'
import { storedObject } from './stored-object.js'

/** The opened objects of one store whose values are in memory; they are closed with it. */
export class MemoryObjects {
  readonly #open = new Set<StoredObject>()

  /** Opens a value that nobody changes any more. */
  open(info: ObjectInfo, value: Buffer): StoredObject {
    const object = storedObject({
      info,
      // Copies: what the caller does with them is not done to the object.
      bytes: () => Promise.resolve(Buffer.from(value)),
      read: (start, end) => [Buffer.from(value.subarray(start, end))].values(),
      close: () => {
        this.#open.delete(object)
        return Promise.resolve()
      },
    })
    this.#open.add(object)
    return object
  }

  /** Closes those that are still open. */
  async close(): Promise<void> {
    for (const object of this.#open) await object.close()
  }
}
