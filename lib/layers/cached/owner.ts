import { randomUUID } from 'node:crypto'
import { StoreError } from '../../errors.js'
import type { CallOptions, ObjectStore } from '../../object-store.js'

const OWNER_KEY = 'owner'

/**
 * To whom a cache belongs: to the one who has opened it last. It does not keep others out, since
 * nobody could tell a process that is gone from a slow one; the one before finds out that it has
 * lost the cache before it would write old values over newer ones.
 */
export class Owner {
  readonly #cache: ObjectStore
  readonly #name = randomUUID()
  #isLost = false

  constructor(cache: ObjectStore) {
    this.#cache = cache
  }

  /** Makes the cache one's own. */
  async claim(): Promise<void> {
    await this.#cache.write(OWNER_KEY, this.#name)
  }

  /**
   * Makes sure that it still is.
   *
   * @throws StoreError `LEASE_LOST`
   */
  async require({ signal }: CallOptions): Promise<void> {
    const object = await this.#cache.read(OWNER_KEY, { signal })
    try {
      this.#isLost ||= (await object?.text()) !== this.#name
    } finally {
      await object?.close()
    }
    this.refuseIfLost()
  }

  /**
   * Refuses to go on once it was found to be somebody else's. Costs nothing.
   *
   * @throws StoreError `LEASE_LOST`
   */
  refuseIfLost(): void {
    if (!this.#isLost) return
    const message = 'the cache was opened once more, and a write-back cache belongs to one store'
    throw new StoreError('LEASE_LOST', `${message} alone; give each process a cache of its own`)
  }
}
