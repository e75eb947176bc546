import { orAbort } from '../../drivers/abort.js'

/** So many calls may be under way at a time; the rest wait their turn, in order. */
export class Places {
  #free: number
  readonly #waiting = new Set<() => void>()

  constructor(count: number) {
    this.#free = count
  }

  /** Makes a call when there is a place for it. An abort ends the wait. */
  async during<T>(signal: AbortSignal | undefined, call: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1
    else await this.#turn(signal)
    try {
      return await call()
    } finally {
      this.#leave()
    }
  }

  /** Lets all go on that wait, for good. */
  open(): void {
    this.#free = Infinity
    for (const proceed of this.#waiting) proceed()
    this.#waiting.clear()
  }

  async #turn(signal: AbortSignal | undefined): Promise<void> {
    let proceed = (): void => undefined
    const turn = new Promise<void>((resolve) => (proceed = resolve))
    this.#waiting.add(proceed)
    try {
      await orAbort(turn, signal)
    } catch (error) {
      // Its turn may have come at the same moment: then the place is the next one's.
      if (!this.#waiting.delete(proceed)) this.#leave()
      throw error
    }
  }

  #leave(): void {
    const [next] = this.#waiting
    if (next === undefined) {
      this.#free += 1
      return
    }
    this.#waiting.delete(next)
    next()
  }
}
