import { StoreError, toStoreError } from './errors.js'
import { checkKey } from './key.js'

/** The calls of one store: none is begun when it is closed, and closing waits for the others. */
export class CallsUnderWay {
  readonly #maxKeyBytes: number
  readonly #underWay = new Set<Promise<unknown>>()
  #hasEnded = false

  constructor(maxKeyBytes: number) {
    this.#maxKeyBytes = maxKeyBytes
  }

  /** Makes a call about a key, which is checked. Its errors tell both. */
  ofKey<T>(operation: string, key: string, act: () => T | Promise<T>): Promise<T> {
    return this.#run(operation, key, () => {
      checkKey(key, this.#maxKeyBytes)
      return act()
    })
  }

  /** Makes a call about no key in particular. */
  ofAll<T>(operation: string, act: () => T | Promise<T>): Promise<T> {
    return this.#run(operation, undefined, act)
  }

  /** From now on there is no other; waits for those that there are. */
  async end(): Promise<void> {
    this.#hasEnded = true
    await Promise.allSettled(this.#underWay)
  }

  async #run<T>(operation: string, key: string | undefined, act: () => T | Promise<T>): Promise<T> {
    try {
      if (this.#hasEnded) throw new StoreError('CLOSED', 'the store is closed')
      const acting = Promise.resolve(act())
      this.#underWay.add(acting)
      try {
        return await acting
      } finally {
        this.#underWay.delete(acting)
      }
    } catch (error) {
      // An error of the caller's value comes through as it is, even one of the system.
      throw error instanceof StoreError ? toStoreError(error, operation, key) : error
    }
  }
}
