import { speakingOf } from '../errors.js'
import { checkKey } from '../key.js'
import type { ObjectInfo } from '../object-info.js'
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
} from '../object-store.js'
import { checkListing } from '../call-options.js'
import { renamedObject } from './inner-object.js'

/**
 * A part of a store that has its keys to itself. In the store underneath they begin with the
 * name, percent-encoded, and a slash: no name is the beginning of another one, so `a` never sees
 * what belongs to `ab`. One within another is a part of that: `a` lists the keys of `b` in `a` as
 * `b/…`.
 *
 * A listing costs what one of the whole store does. Closing it closes the store underneath.
 *
 * @param inner - the store to keep them in
 * @param name - any well-formed text but the empty one
 * @throws TypeError, or StoreError `INVALID_KEY`, for what is no name
 */
export function withNamespace(inner: ObjectStore, name: string): ObjectStore {
  return new NamespacedStore(inner, name)
}

class NamespacedStore implements ObjectStore {
  readonly supports: Supports
  readonly #inner: ObjectStore
  readonly #beginning: string

  constructor(inner: ObjectStore, name: string) {
    checkKey(name)
    if (name === '') throw new TypeError('a namespace must have a name; the empty text is none')
    this.#inner = inner
    this.#beginning = `${encodeURIComponent(name)}/`
    const { list, metadata, expiry, versions, conditions } = inner.supports
    const maxKeyBytes = inner.supports.maxKeyBytes - this.#beginning.length
    this.supports = { list, metadata, expiry, versions, conditions, maxKeyBytes }
  }

  async read(key: string, options?: CallOptions): Promise<StoredObject | undefined> {
    return this.#own(await this.#at(key, (inner) => this.#inner.read(inner, options)))
  }

  async stat(key: string, options?: CallOptions): Promise<ObjectInfo | undefined> {
    const info = await this.#at(key, (inner) => this.#inner.stat(inner, options))
    return info === undefined ? undefined : this.#ownInfo(info)
  }

  async write(key: string, body: Body, options?: WriteOptions): Promise<ObjectInfo> {
    return this.#ownInfo(await this.#at(key, (inner) => this.#inner.write(inner, body, options)))
  }

  remove(key: string, options?: RemoveOptions): Promise<boolean> {
    return this.#at(key, (inner) => this.#inner.remove(inner, options))
  }

  async take(key: string, options?: ChangeOptions): Promise<StoredObject | undefined> {
    return this.#own(await this.#at(key, (inner) => this.#inner.take(inner, options)))
  }

  async *list(options: ListOptions = {}): AsyncGenerator<ObjectInfo> {
    const prefix = this.#beginning + checkListing(options)
    for await (const info of this.#inner.list({ ...options, prefix })) yield this.#ownInfo(info)
  }

  close(): Promise<void> {
    return this.#inner.close()
  }

  async #at<T>(key: string, call: (innerKey: string) => Promise<T>): Promise<T> {
    checkKey(key, this.supports.maxKeyBytes)
    return await speakingOf(key, () => call(this.#beginning + key))
  }

  #own(object: StoredObject | undefined): StoredObject | undefined {
    return object === undefined ? undefined : renamedObject(object, this.#ownInfo(object.info))
  }

  #ownInfo(info: ObjectInfo): ObjectInfo {
    return { ...info, key: info.key.slice(this.#beginning.length) }
  }
}
