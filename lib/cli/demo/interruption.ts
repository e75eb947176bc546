import { constants } from 'node:os'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Turns the signals that would end this process into an abort, so that it can clean up first. */
export class Interruption implements Disposable {
  readonly #controller = new AbortController()
  #name: NodeJS.Signals | undefined

  constructor() {
    for (const name of SIGNALS) process.on(name, this.#onSignal)
  }

  /** Aborted when a signal came. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** The exit status that says which signal it was, as shells do. */
  get status(): number {
    return this.#name === undefined ? 0 : 128 + constants.signals[this.#name]
  }

  /** What happened, in words. */
  get message(): string {
    return `interrupted by ${this.#name ?? 'nothing'}`
  }

  [Symbol.dispose](): void {
    for (const name of SIGNALS) process.removeListener(name, this.#onSignal)
  }

  readonly #onSignal = (name: NodeJS.Signals): void => {
    this.#name ??= name
    this.#controller.abort()
  }
}
