import { setTimeout as delay } from 'node:timers/promises'
import { StoreError } from '../errors.js'

/** The abort of a signal as something to wait for. */
export class Ending {
  /** Rejects when the signal aborts: with `CLOSED` if that is its reason, else `ABORTED`. */
  readonly reached: Promise<never>
  readonly #signal: AbortSignal
  #onAbort = (): void => undefined

  constructor(signal: AbortSignal) {
    this.#signal = signal
    this.reached = new Promise((_, reject) => {
      this.#onAbort = (): void => reject(endOf(signal))
    })
    if (signal.aborted) this.#onAbort()
    else signal.addEventListener('abort', this.#onAbort)
  }

  /** Lets go of the signal. */
  dispose(): void {
    this.#signal.removeEventListener('abort', this.#onAbort)
  }
}

/** What a wait rejects with that a signal has ended. */
export function endOf(signal: AbortSignal): StoreError {
  const { reason } = signal as { readonly reason: unknown }
  if (reason instanceof StoreError && reason.code === 'CLOSED') return reason
  return new StoreError('ABORTED', 'aborted by its signal', { cause: reason })
}

/** What to reject with for an error: what a signal has ended says why it did. */
export function asEnd(error: unknown, signal: AbortSignal | undefined): unknown {
  const isEnd = error instanceof StoreError && error.code === 'ABORTED'
  return isEnd && signal?.aborted === true ? endOf(signal) : error
}

/** Waits; rejects as {@link endOf} says when a signal aborts. */
export async function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await delay(ms, undefined, { signal })
  } catch (error) {
    throw signal === undefined ? error : endOf(signal)
  }
}
