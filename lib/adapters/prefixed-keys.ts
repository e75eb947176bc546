import type { Store } from '../../index.js'

/** The keys of a store that begin alike, without that beginning. */
export async function* keysUnder(store: Store, prefix: string): AsyncGenerator<string> {
  for await (const key of store.keys({ prefix })) yield key.slice(prefix.length)
}

/** Removes all objects whose keys begin with this; says how many there were. */
export async function clearUnder(store: Store, prefix: string): Promise<number> {
  return await store.deleteMany(store.keys({ prefix }))
}
