import type { Job } from '../../../index.js'
import { hasCode } from '../failure.js'

/** How often a lease is extended in its time. */
const EXTENSIONS = 3

/** Extends the lease of a job in the background, as long as it is not disposed of. */
export class LeaseKeeper implements Disposable {
  readonly #job: Job
  readonly #leaseMs: number
  readonly #onLost: () => void
  readonly #timer: NodeJS.Timeout
  #extendedMs = performance.now()
  #isExtending = false
  #isOver = false
  #isLost = false

  /** `onLost` is called once, when somebody else may have the job. */
  constructor(job: Job, leaseMs: number, onLost: () => void) {
    this.#job = job
    this.#leaseMs = leaseMs
    this.#onLost = onLost
    this.#timer = setInterval(() => void this.#extend(), leaseMs / EXTENSIONS)
  }

  /** Whether somebody else may have the job. */
  get isLost(): boolean {
    return this.#isLost
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    clearInterval(this.#timer)
  }

  async #extend(): Promise<void> {
    const startMs = performance.now()
    if (this.#isExtending) return this.#lose(startMs)
    this.#isExtending = true
    try {
      await this.#job.extend()
      this.#extendedMs = startMs
    } catch (error) {
      // What else went wrong may go right the next time.
      this.#lose(hasCode(error, 'LEASE_LOST') ? Infinity : performance.now())
    } finally {
      this.#isExtending = false
    }
  }

  #lose(nowMs: number): void {
    if (this.#isOver || nowMs - this.#extendedMs < this.#leaseMs) return
    this[Symbol.dispose]()
    this.#isLost = true
    this.#onLost()
  }
}

/** For how long a job is its consumer's, unless `--lease` says otherwise. */
export const LEASE_MS = 30_000
