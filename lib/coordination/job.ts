import type { Readable } from 'node:stream'
import type { ObjectInfo } from '../object-info.js'
import type { RangeOptions } from '../object-store.js'
import { checkOptionNames } from '../options.js'
import { checkDelay, type HeldJob, type RetryOptions } from './queue.js'

/**
 * A job that this consumer has. It can be read until it is settled, which is done once: by
 * {@link ack}, {@link retry} or {@link fail}. Each of these, and {@link extend}, rejects with
 * `LEASE_LOST` when the job has been given to somebody else, or back, by then.
 */
export class Job {
  readonly #held: HeldJob
  readonly #maxAttempts: number
  readonly #onSettled: () => void

  /** @internal Made by a queue's `consume`. */
  constructor(held: HeldJob, maxAttempts: number, onSettled: () => void) {
    this.#held = held
    this.#maxAttempts = maxAttempts
    this.#onSettled = onSettled
  }

  /** Unique to the job: the same in every attempt. */
  get id(): string {
    return this.#held.id
  }

  /** Which attempt this is; the first is 1. */
  get attempts(): number {
    return this.#held.attempts
  }

  /** What is known of the body; its `key` is the name of the queue. */
  get info(): ObjectInfo {
    return this.#held.body.info
  }

  /** The whole body. */
  bytes(): Promise<Buffer> {
    return this.#held.body.bytes()
  }

  /** The body as UTF-8 text. */
  text(): Promise<string> {
    return this.#held.body.text()
  }

  /** The body as JSON; `DECODE` if it is none. */
  json(): Promise<unknown> {
    return this.#held.body.json()
  }

  /** The body, or a part of it, as a Node stream. */
  stream(options?: RangeOptions): Readable {
    return this.#held.body.stream(options)
  }

  /** The job is done, and goes. */
  async ack(): Promise<void> {
    await this.#settle(() => this.#held.ack())
  }

  /** Begins the lease anew: from now on the job is this consumer's for another `leaseMs`. */
  async extend(): Promise<void> {
    await this.#settle(() => this.#held.extend())
  }

  /** This attempt came to nothing: the job is given out again, or was the last attempt's. */
  async retry(options: RetryOptions = {}): Promise<void> {
    checkOptionNames(options, ['delayMs'])
    const delayMs = checkDelay(options.delayMs)
    const isLast = this.attempts >= this.#maxAttempts
    const reason = `given up after ${this.attempts} attempts, the last of which asked for a retry`
    await this.#settle(() => (isLast ? this.#held.bury(reason) : this.#held.retry(delayMs)))
  }

  /** The job cannot be done: it goes to the dead letters. */
  async fail(reason: string): Promise<void> {
    if (typeof reason !== 'string') throw new TypeError('the reason must be a string')
    await this.#settle(() => this.#held.bury(reason))
  }

  async #settle(action: () => Promise<void>): Promise<void> {
    try {
      await action()
    } finally {
      this.#onSettled()
    }
  }
}
