import { setTimeout as sleep } from 'node:timers/promises'
import { requireNoAbort } from '../../drivers/abort.js'

/** What may pass at once, in milliseconds of the rate. */
const BURST_MS = 50

/** Lets bytes pass at a rate, in the order in which they came. */
export class Pace {
  readonly #bytesPerMs: number
  readonly #closing = new AbortController()
  /** When all that was let pass will have had its time. */
  #busyUntilMs = 0

  /** @param bytesPerSecond - the rate; Infinity: nobody waits */
  constructor(bytesPerSecond: number) {
    this.#bytesPerMs = bytesPerSecond / 1000
  }

  /** Waits until so many bytes may pass. An abort ends the wait. */
  async pass(sizeBytes: number, signal: AbortSignal | undefined): Promise<void> {
    const nowMs = performance.now()
    const beginMs = Math.max(nowMs, this.#busyUntilMs)
    this.#busyUntilMs = beginMs + sizeBytes / this.#bytesPerMs
    const waitMs = this.#busyUntilMs - BURST_MS - nowMs
    const { signal: closing } = this.#closing
    if (waitMs <= 0 || closing.aborted) return
    const either = signal === undefined ? closing : AbortSignal.any([signal, closing])
    await sleep(Math.ceil(waitMs), undefined, { signal: either }).catch(() => undefined)
    requireNoAbort(signal)
  }

  /** Lets all go on that wait, for good. */
  open(): void {
    this.#closing.abort()
  }
}
