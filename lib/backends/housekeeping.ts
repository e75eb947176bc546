import { publishNotice } from '../diagnostics.js'
import { HEARTBEAT_MS } from '../protocol/heartbeat.js'

/** A piece of work that ends early when it is aborted. */
export type Chore = (signal: AbortSignal) => Promise<void>

/**
 * What an opened store does by itself, now and then, until it is closed. It keeps no process
 * alive, and a process that ends before the first time does none of it. What fails is published
 * on the channel `linkstore:notice`, and tried again the next time.
 */
export class Housekeeping {
  readonly #chores: readonly Chore[]
  readonly #abort = new AbortController()
  readonly #timer: NodeJS.Timeout
  #running: Promise<void> | undefined

  constructor(chores: readonly Chore[]) {
    this.#chores = chores
    this.#timer = setInterval(this.#tick, HEARTBEAT_MS)
    this.#timer.unref()
  }

  /** Ends it, and waits for what is under way. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#abort.abort(new Error('the store was closed'))
    await this.#running
  }

  readonly #tick = (): void => {
    this.#running ??= this.#runAll().finally(() => (this.#running = undefined))
  }

  async #runAll(): Promise<void> {
    for (const chore of this.#chores) {
      try {
        await chore(this.#abort.signal)
      } catch (error) {
        if (this.#abort.signal.aborted) return
        publishNotice('housekeeping failed', error)
      }
    }
  }
}
