/**
 * A storage adapter of Keyv, and of all that takes one, as cache-manager and cacheable do.
 *
 * An object's key is `keyv/<namespace>/<key>`, the namespace percent-encoded, so that no two
 * namespaces share a beginning and other users of the directory are left alone.
 */
import { EventEmitter } from 'node:events'
import type { KeyvStoreAdapter, StoredData } from 'keyv'
import type { OpenOptions } from '../../index.js'
import { OpenedStore, type StoreGiven } from './opened-store.js'
import { clearUnder, keysUnder } from './prefixed-keys.js'
import { decodeValue, emitError, encodeValue, isUnreadable } from './values.js'

export type { StoreGiven } from './opened-store.js'

const ROOT = 'keyv'

/**
 * Keeps what one Keyv stores. Values expire with their objects; those that have expired are
 * removed by the sweep of the store. A damaged value is a miss, and is told by the event `error`.
 *
 * Each Keyv needs an adapter of its own, as the adapter knows the namespace; any number of them
 * can share a store.
 */
export class KeyvLinkstore extends EventEmitter implements Omit<KeyvStoreAdapter, 'setMany'> {
  /**
   * Keyv 5 iterates only over adapters whose dialect is one that it knows; nothing else depends
   * on it.
   */
  readonly opts = {
    /** Nothing: a directory has no URL. */
    url: '',
    /** One that Keyv 5 knows. */
    dialect: 'redis',
  }
  readonly #store: OpenedStore
  #namespace: string | undefined
  /** All that there have been: more than one where several Keyvs share this adapter. */
  readonly #namespaces = new Set<string>()

  /**
   * @param store - a store, or the path of its directory
   * @param options - how the directory is opened, where a path is given
   */
  constructor(store: StoreGiven, options?: OpenOptions) {
    super()
    this.#store = new OpenedStore(store, options)
  }

  /** Whose keys these are. */
  get namespace(): string | undefined {
    return this.#namespace
  }

  /** Keyv gives it one when it takes this adapter. */
  set namespace(namespace: string | undefined) {
    this.#namespace = namespace
    if (namespace !== undefined) this.#namespaces.add(namespace)
  }

  /** What is stored under a key; undefined if there is nothing, or what is there is damaged. */
  async get<Value>(key: string): Promise<StoredData<Value> | undefined> {
    return (await this.#readOrMiss(this.#place(key))) as StoredData<Value> | undefined
  }

  /** The same for several keys, in their order; all are read at once. */
  async getMany<Value>(keys: string[]): Promise<(StoredData<Value> | undefined)[]> {
    return await Promise.all(keys.map(async (key) => await this.get<Value>(key)))
  }

  /**
   * Stores a value, replacing any other.
   *
   * @param ttl - lifetime in milliseconds; default: for ever. One that is not above 0 removes the
   *   key
   * @throws TypeError for a value that cannot be cloned, such as a function
   */
  async set(key: string, value: unknown, ttl?: number): Promise<boolean> {
    const store = await this.#store.get()
    if (ttl !== undefined && ttl <= 0) {
      await store.delete(this.#place(key))
      return true
    }
    const { body, contentType } = encodeValue(value)
    const ttlMs = ttl === undefined ? undefined : Math.ceil(ttl)
    await store.set(this.#place(key), body, { contentType, ttlMs })
    return true
  }

  /** Keyv 6 counts only what has this method as an adapter that knows its namespace. */
  async setMany(
    entries: readonly { readonly key: string; readonly value: unknown; readonly ttl?: number }[],
  ): Promise<boolean[]> {
    return await Promise.all(entries.map(({ key, value, ttl }) => this.set(key, value, ttl)))
  }

  /** Removes a key; says whether it was there. */
  async delete(key: string): Promise<boolean> {
    return await (await this.#store.get()).delete(this.#place(key))
  }

  /** Removes several; says whether any of them was there. */
  async deleteMany(keys: string[]): Promise<boolean> {
    const store = await this.#store.get()
    return (await store.deleteMany(keys.map((key) => this.#place(key)))) > 0
  }

  /** Whether there is a value, without reading it. */
  async has(key: string): Promise<boolean> {
    return await (await this.#store.get()).has(this.#place(key))
  }

  /** The same for several keys, in their order. */
  async hasMany(keys: string[]): Promise<boolean[]> {
    return await Promise.all(keys.map(async (key) => await this.has(key)))
  }

  /** Removes all of this namespace, and nothing else. */
  async clear(): Promise<void> {
    if (this.#namespaces.size > 1) throw this.#ambiguous()
    await clearUnder(await this.#store.get(), prefixOf(this.#namespace))
  }

  /** Keys and values of a namespace, in no meaningful order; goes through the whole store. */
  async *iterator<Value>(
    namespace = this.#namespace,
  ): AsyncGenerator<(string | Awaited<Value> | undefined)[], void> {
    const prefix = prefixOf(namespace)
    for await (const key of keysUnder(await this.#store.get(), prefix)) {
      const value = await this.#readOrMiss(prefix + key)
      if (value !== undefined) yield [key, value as Awaited<Value>]
    }
  }

  /** Closes the store, if it was opened by its path. */
  async disconnect(): Promise<void> {
    await this.#store.close()
  }

  async #readOrMiss(objectKey: string): Promise<unknown> {
    try {
      const store = await this.#store.get()
      await using object = await store.read(objectKey)
      return object === undefined ? undefined : await decodeValue(object)
    } catch (error) {
      // Keyv reports what a write throws, and of what a read throws nothing.
      emitError(this, error)
      if (isUnreadable(error)) return undefined
      throw error
    }
  }

  /**
   * The object of a key. Keyv 5 puts the namespace before the key, so that it can be told even if
   * another Keyv was given this adapter since; with Keyv 6 it cannot.
   */
  #place(key: string): string {
    const hasIt = (namespace: string): boolean => key.startsWith(`${namespace}:`)
    const current = this.#namespace
    if (current !== undefined && hasIt(current)) return prefixOf(current) + key
    const other = [...this.#namespaces].find(hasIt)
    if (other !== undefined) return prefixOf(other) + key
    if (this.#namespaces.size > 1) throw this.#ambiguous()
    return prefixOf(current) + key
  }

  #ambiguous(): TypeError {
    const names = [...this.#namespaces].join(', ')
    return new TypeError(
      `one adapter cannot tell the namespaces ${names} apart: ` +
        'make a KeyvLinkstore for each Keyv; they can share a store',
    )
  }
}

function prefixOf(namespace: string | undefined): string {
  return `${ROOT}/${encodeURIComponent(namespace ?? '')}/`
}
