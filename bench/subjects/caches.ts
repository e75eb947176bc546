/** Packages that keep values in files of their own. */
import type { Driver } from 'unstorage'
import { load } from '../unavailable.js'
import type { Subject } from './subject.js'

/** What is used of `cacache`, which has no types. */
interface Cacache {
  put(cache: string, key: string, value: Buffer): Promise<unknown>
  get(cache: string, key: string): Promise<{ readonly data: Buffer }>
}

export async function cacacheSubject(directory: string): Promise<Subject> {
  const name: string = 'cacache'
  const { default: cacache } = await load(
    name,
    async () => (await import(name)) as { readonly default: Cacache },
  )
  return {
    get: async (key) => {
      try {
        return (await cacache.get(directory, key)).data
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
        throw error
      }
    },
    set: (key, value) => cacache.put(directory, key, value),
    close: () => undefined,
  }
}

export async function unstorageSubject(base: string): Promise<Subject> {
  const { createStorage } = await load('unstorage', () => import('unstorage'))
  const { default: files } = await load('unstorage', () => import('unstorage/drivers/fs'))
  // Its own declaration of this cannot be resolved.
  const driverOf = files as (options: { readonly base: string }) => Driver
  const storage = createStorage({ driver: driverOf({ base }) })
  return {
    get: async (key) => (await storage.getItemRaw<Buffer>(key)) ?? undefined,
    set: (key, value) => storage.setItemRaw(key, value),
    close: () => storage.dispose(),
  }
}

/** One file per key; otherwise it writes all keys again, a tenth of a second after a change. */
export async function keyvSubject(filename: string): Promise<Subject> {
  const { Keyv } = await load('keyv', () => import('keyv'))
  const { KeyvFile } = await load('keyv-file', () => import('keyv-file'))
  const keyv = new Keyv({ store: new KeyvFile({ filename, separatedFile: true }) })
  return {
    get: (key) => keyv.get<Buffer>(key),
    set: (key, value) => keyv.set(key, value),
    close: () => keyv.disconnect(),
  }
}

/** Everything is in memory, and in one file of JSON, which is written again at each change. */
export async function flatCacheSubject(cacheDir: string): Promise<Subject> {
  const { create } = await load('flat-cache', () => import('flat-cache'))
  const cache = create({ cacheId: 'values', cacheDir })
  const put = (key: string, value: Buffer): void => cache.set(key, value.toString('base64'))
  return {
    get: (key) => {
      const text = cache.get<string | undefined>(key)
      return text === undefined ? undefined : Buffer.from(text, 'base64')
    },
    set: (key, value) => {
      put(key, value)
      cache.save(true)
    },
    fill: (values) => {
      for (const [key, value] of values) put(key, value)
      cache.save(true)
    },
    close: () => cache.stopAutoPersist(),
  }
}
