/**
 * Time that has passed, by two clocks of this process: the one that stands still while the
 * machine sleeps, and the one that people set. The larger counts, so that it is never too little.
 */
export class Stopwatch {
  readonly #monotonicMs = performance.now()
  readonly #wallMs = Date.now()

  elapsedMs(): number {
    return Math.max(performance.now() - this.#monotonicMs, Date.now() - this.#wallMs)
  }
}
