/**
 * A driver of unstorage, for Nitro, Nuxt and all that takes one. Any key can be stored beside any
 * other, as `foo` beside `foo:bar`; readers see the old value or the new one, never a part.
 */
import type { Driver } from 'unstorage'
import type { Store } from '../../index.js'
import { OpenedStore, type AdapterOptions } from './opened-store.js'
import { clearUnder, keysUnder } from './prefixed-keys.js'
import { decodeValue, encodeValue } from './values.js'

export type { StoreGiven } from './opened-store.js'

/** Options of the driver. */
export interface LinkstoreDriverOptions extends AdapterOptions {
  /** What the keys of all objects begin with; default nothing: the driver has all of the store. */
  readonly base?: string | undefined
  /** Lifetime in seconds of what is set without a `ttl` of its own; default: for ever. */
  readonly ttl?: number | undefined
}

/** What `setItem` and its kind may be given besides. */
interface ItemOptions {
  /** Lifetime in seconds. */
  readonly ttl?: unknown
}

const MS = 1000

/**
 * The driver. `setItemRaw` takes what `structuredClone` takes, and `getItemRaw` gives it back;
 * of what was set as text it gives the bytes. Changes made by others are not watched for.
 *
 * @throws TypeError, also of its calls, for misuse; RangeError for a `ttl` that is not positive
 */
export default function linkstoreDriver(
  options: LinkstoreDriverOptions,
): Driver<LinkstoreDriverOptions, Promise<Store>> {
  const { store: given, base = '', ttl: defaultTtl, ...how } = options
  const opened = new OpenedStore(given, how)
  const lifetime = (itemOptions: ItemOptions | undefined): { ttlMs?: number } => {
    const ttl = itemOptions?.ttl ?? defaultTtl
    if (ttl === undefined) return {}
    if (typeof ttl === 'number' && ttl > 0) return { ttlMs: Math.ceil(ttl * MS) }
    throw new RangeError('ttl must be a positive number of seconds')
  }
  return {
    name: 'linkstore',
    options,
    flags: { ttl: true },
    getInstance: () => opened.get(),
    hasItem: async (key) => await (await opened.get()).has(base + key),
    getItem: async (key) => {
      const value = await (await opened.get()).get(base + key)
      return value?.toString() ?? null
    },
    getItemRaw: async (key) => {
      const store = await opened.get()
      await using object = await store.read(base + key)
      if (object === undefined) return null
      const value = await decodeValue(object)
      return typeof value === 'string' ? await object.bytes() : value
    },
    setItem: async (key, value, itemOptions) => {
      const store = await opened.get()
      await store.set(base + key, value, lifetime(itemOptions))
    },
    setItemRaw: async (key, value, itemOptions) => {
      const store = await opened.get()
      const { body, contentType } = encodeValue(value)
      await store.set(base + key, body, {
        contentType,
        ...lifetime(itemOptions),
      })
    },
    removeItem: async (key) => {
      const store = await opened.get()
      await store.delete(base + key)
    },
    getMeta: async (key) => {
      const info = await (await opened.get()).stat(base + key)
      if (info === undefined) return null
      const { sizeBytes, writtenAtMs, expiresAtMs, metadata } = info
      const ttl = expiresAtMs === undefined ? {} : { ttl: (expiresAtMs - Date.now()) / MS }
      return { ...metadata, ...ttl, size: sizeBytes, mtime: new Date(writtenAtMs) }
    },
    // For all there is, unstorage leaves it out.
    getKeys: async (under?: string) => {
      const store = await opened.get()
      const keys: string[] = []
      for await (const key of keysUnder(store, base))
        if (key.startsWith(under ?? '')) keys.push(key)
      return keys
    },
    clear: async (under?: string) => {
      await clearUnder(await opened.get(), base + (under ?? ''))
    },
    dispose: async () => await opened.close(),
  }
}
