/** Processes that call subjects which others call, too. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Cost, Operation } from './subject.js'

const WORKER_PATH = join(import.meta.dirname, 'calling-worker.js')

/** What such a process is told; `entry` is a place in the table of subjects. */
export type Order =
  | {
      readonly kind: 'open'
      readonly entry: number
      readonly directory: string
      readonly valueBytes: number
      readonly keys: number
    }
  | {
      readonly kind: 'measure'
      readonly entry: number
      readonly operation: Operation
      readonly inFlight: number
      /** On the clock that all processes of a machine share. */
      readonly startMs: number
      readonly durationMs: number
    }
  | { readonly kind: 'close' }

/** An answer to the last order, or what went wrong. */
export type Reply = { readonly value: Cost | undefined } | { readonly error: string }

/** One process. */
export class CallingProcess {
  readonly #child: ChildProcess
  #answered: ((reply: Reply) => void) | undefined

  /** @param settings - variables of its environment, beside those of this process */
  constructor(settings: Readonly<Record<string, string>> = {}) {
    this.#child = fork(WORKER_PATH, { env: { ...process.env, ...settings } })
    this.#child.on('message', (reply: Reply) => this.#answered?.(reply))
    this.#child.on('exit', () => this.#answered?.({ error: 'a process that calls has died' }))
  }

  async do(order: Order): Promise<Cost | undefined> {
    const reply = await new Promise<Reply>((resolve) => {
      this.#answered = resolve
      this.#child.send(order)
    })
    if ('error' in reply) throw new Error(reply.error)
    return reply.value
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    await this.do({ kind: 'close' })
    this.#child.disconnect()
    await exited
  }
}
