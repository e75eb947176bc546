import type { Durability, ObjectInfo, SetOptions, Store } from '../../../index.js'
import { hasCode } from '../failure.js'
import { isSameBytes } from './same-bytes.js'
import { hasAttributes, isSettledObject, type Wanted } from './sameness.js'

type Value = Parameters<Store['set']>[1]

/** How an import writes. */
export interface KeepHow {
  readonly durability: Durability | undefined
  /** Compare bytes, whatever size and time say. */
  readonly checksum: boolean
  readonly signal: AbortSignal
}

/** Something to be kept under a key, unless it is there already. */
export interface Candidate extends Wanted {
  readonly key: string
  /** The value, where it is at hand. */
  readonly value?: Buffer | undefined
  /** The value, where it can be read more than once. */
  readonly again?: (() => Promise<AsyncIterable<Buffer>>) | undefined
}

/** Writes the objects of an import, but for those that are there already. */
export class Keeper {
  readonly #store: Store
  readonly #how: KeepHow
  /** Whether anything may be there already. */
  readonly compares: boolean

  private constructor(store: Store, how: KeepHow, compares: boolean) {
    this.#store = store
    this.#how = how
    this.compares = compares
  }

  /** In an empty store there is nothing to compare with, and nobody has to look. */
  static async for(store: Store, how: KeepHow): Promise<Keeper> {
    const { signal } = how
    let isEmpty = true
    if (store.supports.list) {
      try {
        for await (const _ of store.list({ signal })) {
          isEmpty = false
          break
        }
      } catch (error) {
        if (!hasCode(error, 'CORRUPT')) throw error
        isEmpty = false
      }
    }
    return new Keeper(store, how, !isEmpty || !store.supports.list)
  }

  get keepsMetadata(): boolean {
    return this.#store.supports.metadata
  }

  /** Whether an object is there already and the same. */
  async isThere(candidate: Candidate): Promise<boolean> {
    if (!this.compares) return false
    const info = await this.#stat(candidate.key)
    if (info === undefined || !hasAttributes(info, candidate)) return false
    if (!this.#how.checksum && isSettledObject(info)) return true
    // To read a file for this costs more than to write it again, unless that was asked for.
    const mayCompare = this.#how.checksum || candidate.value !== undefined
    return mayCompare && (await this.#hasBytes(candidate))
  }

  async #hasBytes({ key, value, again }: Candidate): Promise<boolean> {
    const pieces = value === undefined ? await again?.() : [value]
    if (pieces === undefined) return false
    try {
      await using object = await this.#store.read(key, { signal: this.#how.signal })
      return object !== undefined && (await isSameBytes(pieces, object.stream()))
    } catch (error) {
      if (hasCode(error, 'CORRUPT')) return false
      throw error
    }
  }

  /** Writes an object, whatever is there. */
  async set(candidate: Candidate, value: Value): Promise<ObjectInfo> {
    const { durability, signal } = this.#how
    const { metadata, contentType, expiresAtMs } = candidate
    const ttlMs = expiresAtMs === undefined ? undefined : Math.max(1, expiresAtMs - Date.now())
    const attributes = { metadata, contentType, ttlMs }
    const options: SetOptions = { durability, signal, ...(this.keepsMetadata && attributes) }
    return await this.#store.set(candidate.key, value, options)
  }

  async #stat(key: string): Promise<ObjectInfo | undefined> {
    try {
      return await this.#store.stat(key, { signal: this.#how.signal })
    } catch (error) {
      // It is written again, which makes it whole.
      if (hasCode(error, 'CORRUPT')) return undefined
      throw error
    }
  }
}
