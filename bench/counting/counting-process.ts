/** The processes that count, each of which has all subjects open and does as it is told. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Tally } from './counter.js'

const WORKER_PATH = join(import.meta.dirname, 'counting-worker.js')

/** What such a process is told; `subject` is a place in the table. */
export type Order =
  | { readonly kind: 'open'; readonly subject: number }
  | { readonly kind: 'count'; readonly subject: number; startMs: number; endMs: number }
  | { readonly kind: 'read'; readonly subject: number }
  | { readonly kind: 'close' }

/** What it did. */
export interface Turn extends Tally {
  /** From its start to the end of its last increment. */
  readonly elapsedMs: number
}

/** What each order is answered by. */
interface Answers {
  /** Why it cannot take part. */
  readonly open: string | undefined
  readonly count: Turn
  readonly read: number
  readonly close: undefined
}

/** An answer to the last order, or what went wrong. */
export type Answer = { readonly value: unknown } | { readonly error: string }

/** One process. */
export class CountingProcess {
  readonly #child: ChildProcess
  #answered: ((answer: Answer) => void) | undefined

  constructor(scratch: string) {
    this.#child = fork(WORKER_PATH, [scratch])
    this.#child.on('message', (answer: Answer) => this.#answered?.(answer))
    this.#child.on('exit', () => this.#answered?.({ error: 'a process that counts has died' }))
  }

  async do<K extends Order['kind']>(order: Order & { kind: K }): Promise<Answers[K]> {
    const answer = await new Promise<Answer>((resolve) => {
      this.#answered = resolve
      this.#child.send(order)
    })
    if ('error' in answer) throw new Error(answer.error)
    return answer.value as Answers[K]
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    await this.do({ kind: 'close' })
    this.#child.disconnect()
    await exited
  }
}
