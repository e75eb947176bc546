import { StoreError } from '../errors.js'
import { abortError, unwatch, watch } from './abort.js'
import type { Callback, Worker } from './async.js'
import type { Effect, Operation } from './effects.js'
import type { Answer, QuickCalls } from './quick-calls.js'

/** How long an aborted operation waits for the call it is in, before it gives up on it. */
export const ABORT_GRACE_MS = 1000

const NOTHING: Answer = {}

/** One operation on its way through the asynchronous driver. */
export class Run<T> {
  readonly #worker: Worker
  readonly #operation: Operation<T>
  readonly #quick: QuickCalls | undefined
  readonly #signal: AbortSignal | undefined
  readonly #resolve: (value: T) => void
  readonly #reject: (error: unknown) => void
  readonly #onEnd: () => void
  #started = false
  #settled = false
  /** Ends the effect under way with an abort; set while that can be done without harm. */
  #interrupt: (() => void) | undefined

  constructor(
    worker: Worker,
    operation: Operation<T>,
    quick: QuickCalls | undefined,
    signal: AbortSignal | undefined,
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
    onEnd: () => void,
  ) {
    this.#worker = worker
    this.#operation = operation
    this.#quick = quick
    this.#signal = signal
    this.#resolve = resolve
    this.#reject = reject
    this.#onEnd = onEnd
    if (signal !== undefined) watch(signal, this.#onAbort)
  }

  /** Whether it was aborted while it waited its turn: there is nothing left to start. */
  get abandoned(): boolean {
    return this.#settled && !this.#started
  }

  start(): void {
    this.#started = true
    this.#advance(null, undefined)
  }

  /** Steps the operation with the result of its last effect, until one takes time. */
  #advance(error: unknown, result: unknown): void {
    let answer: Answer | undefined = { error, result }
    while (answer !== undefined) {
      let step: IteratorResult<Effect, T>
      try {
        const { error, result } = answer
        step = error ? this.#operation.throw(error) : this.#operation.next(result)
      } catch (thrown) {
        this.#end(() => this.#reject(thrown))
        return
      }
      if (step.done === true) {
        const returned = step.value
        this.#end(() => this.#resolve(returned))
        return
      }
      answer = this.#answer(step.value)
    }
  }

  /** What an effect is answered at once; undefined: it takes time, and goes on by itself. */
  #answer(effect: Effect): Answer | undefined {
    const { call, values } = effect
    if (call === 'checkpoint') {
      return this.#signal?.aborted === true ? { error: abortError(this.#signal) } : NOTHING
    }
    if (call === 'background') {
      this.#worker.runInBackground(values[0] as Operation<void>)
      return NOTHING
    }
    const quick = this.#quick
    if (quick?.takes(effect) === true) {
      if (quick.isSpent) {
        quick.afterTurn(() => this.#advanceWith(quick.perform(effect), effect))
        return undefined
      }
      const answer = quick.perform(effect)
      if (answer !== undefined) return answer
    }
    this.#perform(effect)
    return undefined
  }

  #advanceWith(answer: Answer | undefined, effect: Effect): void {
    if (answer === undefined) this.#perform(effect)
    else this.#advance(answer.error, answer.result)
  }

  #perform(effect: Effect): void {
    let answered = false
    const done: Callback = (error, result) => {
      if (answered) return
      answered = true
      this.#interrupt = undefined
      this.#advance(error, result)
    }
    // Only what waits on the caller or on a timer can be left alone at once.
    if (this.#signal !== undefined && (effect.call === 'pull' || effect.call === 'pause')) {
      const signal = this.#signal
      if (signal.aborted) {
        done(abortError(signal))
        return
      }
      this.#interrupt = () => done(abortError(signal))
    }
    try {
      this.#worker.perform(effect, done)
    } catch (error) {
      done(error)
    }
    effect.meanwhile?.()
  }

  readonly #onAbort = (): void => {
    const signal = this.#signal as AbortSignal
    if (!this.#started) {
      this.#settle(() => this.#reject(abortError(signal)))
    } else if (this.#interrupt !== undefined) {
      this.#interrupt()
    } else {
      // The kernel cannot be interrupted: let it finish, so that nothing is left behind, unless
      // it hangs as a hard mount of a dead server does.
      setTimeout(this.#giveUp, ABORT_GRACE_MS).unref()
    }
  }

  readonly #giveUp = (): void => {
    const message = 'aborted while the file system did not answer; the call may still take effect'
    const hung = new StoreError('ABORTED', message, { cause: this.#signal?.reason })
    this.#settle(() => this.#reject(hung))
  }

  #settle(how: () => void): void {
    if (this.#settled) return
    this.#settled = true
    if (this.#signal !== undefined) unwatch(this.#signal, this.#onAbort)
    how()
  }

  #end(how: () => void): void {
    this.#settle(how)
    this.#onEnd()
  }
}
