/** What a reader has seen, kept beyond its life, where nobody can change it who may replay. */
import type { ObjectStore } from '../../object-store.js'
import { notDecrypted } from './failures.js'

const MAX_BYTES = 64 * 1024

/** Small texts by their names, in a store. */
export class Recollection {
  readonly #store: ObjectStore
  readonly #writing = new Map<string, Promise<unknown>>()

  constructor(store: ObjectStore) {
    this.#store = store
  }

  /**
   * What was kept under a name, as JSON; undefined if nothing was.
   *
   * @throws StoreError `DECRYPT` for what cannot be read: to go on without it would be to forget
   */
  async recall(name: string): Promise<unknown> {
    await using object = await this.#store.read(name)
    if (object === undefined) return undefined
    if (object.info.sizeBytes > MAX_BYTES) throw notUnderstood(name)
    try {
      return await object.json()
    } catch {
      throw notUnderstood(name)
    }
  }

  /** Keeps what a function gives under a name; of several at once the last one stays. */
  async remember(name: string, valueOf: () => unknown): Promise<void> {
    const before = this.#writing.get(name)
    const writing = this.#writeAfter(before, name, valueOf)
    this.#writing.set(name, writing)
    try {
      await writing
    } finally {
      if (this.#writing.get(name) === writing) this.#writing.delete(name)
    }
  }

  async #writeAfter(
    before: Promise<unknown> | undefined,
    name: string,
    valueOf: () => unknown,
  ): Promise<void> {
    // Whoever waits for that one hears of its failure.
    await before?.catch(() => undefined)
    await this.#store.write(name, JSON.stringify(valueOf()))
  }
}

function notUnderstood(name: string): Error {
  return notDecrypted(`what the memory of this reader holds as ${name} is nothing that it has kept`)
}
