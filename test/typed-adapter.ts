import { gatherBody } from '../lib/body.js'
import { checkKey } from '../lib/key.js'
import type { Body, ObjectInfo, ObjectStore, StoredObject } from '../index.js'
import type { Codec, TypedStore } from '../lib/layers/typed.js'
import type { TypedObject } from '../lib/layers/typed/value-store.js'
import { storedObject } from '../lib/stored-object.js'

/** Bytes as values, and nothing said of their type. */
export const bytesCodec: Codec<Buffer> = {
  encode: (bytes) => bytes,
  decode: (bytes) => bytes,
}

/**
 * A typed store of bytes as an object store, so that the conformance suite judges it like the
 * others. Streams are gathered first, since a value of a typed store is in memory.
 */
export function asBytes(store: TypedStore<Buffer>): ObjectStore {
  const { values } = store.underneath
  // What it has given out is closed with it, as the suite asks of every store.
  const open = new Set<StoredObject>()
  const opened = (object: TypedObject<Buffer> | undefined): StoredObject | undefined => {
    if (object === undefined) return undefined
    const made = asObject(object, () => open.delete(made))
    open.add(made)
    return made
  }
  return {
    supports: store.supports,
    read: async (key, options) => opened(await store.read(key, options)),
    stat: (key, options) => store.stat(key, options),
    write: async (key, body: Body, options): Promise<ObjectInfo> => {
      checkKey(key, store.supports.maxKeyBytes)
      return await store.set(key, await gatherBody(body, options?.signal), options)
    },
    remove: (key, options) => store.delete(key, options),
    take: async (key, options = {}) => opened(await values.take(key, options)),
    list: (options) => store.list(options),
    close: async () => {
      for (const object of open) await object.close()
      await store.close()
    },
  }
}

function asObject({ info, value }: TypedObject<Buffer>, onClose: () => unknown): StoredObject {
  return storedObject({
    info,
    bytes: () => Promise.resolve(Buffer.from(value)),
    read: (start, end) => [Buffer.from(value.subarray(start, end))].values(),
    close: async () => {
      onClose()
    },
  })
}
