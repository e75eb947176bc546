import { publishNotice } from '../diagnostics.js'
import type { Effect, Operation } from './effects.js'
import { abortError, Run } from './run.js'

/** Node's callback convention. */
export type Callback = (error: unknown, result?: unknown) => void
type AsyncCall = (...values: unknown[]) => void

type Queued = Pick<Run<unknown>, 'start' | 'abandoned'>

/** How an operation is run. */
export interface RunOptions {
  readonly signal?: AbortSignal | undefined
  /**
   * Whether the operation may wait on the caller's own code (a body stream). Such an operation
   * takes no place among the {@link MAX_IN_FLIGHT}: it could wait there for one behind it.
   */
  readonly waitsOnCaller?: boolean
}

/**
 * Operations of one store that run at the same time; the rest wait their turn, in order. Node
 * works on four file-system calls at once, so more would only hold descriptors open.
 */
export const MAX_IN_FLIGHT = 64

/** Runs operations with the callback functions of a file system: one promise per operation. */
export class AsyncDriver {
  readonly #fs: Readonly<Record<string, AsyncCall | undefined>>
  #queue: Queued[] = []
  #queueHead = 0
  readonly #idle: (() => void)[] = []
  #inFlight = 0
  #unfinished = 0

  /** @param fs - anything with the callback functions of `node:fs` */
  constructor(fs: object) {
    this.#fs = fs as Readonly<Record<string, AsyncCall | undefined>>
  }

  /** Runs an operation; an abort makes it clean up and reject with `ABORTED`. */
  run<T>(operation: Operation<T>, options: RunOptions = {}): Promise<T> {
    const { signal, waitsOnCaller = false } = options
    if (signal?.aborted === true) return Promise.reject(abortError(signal))
    return new Promise((resolve, reject) => {
      const onEnd = waitsOnCaller ? this.#ended : this.#leave
      const run = new Run(this, operation, signal, resolve, reject, onEnd)
      this.#unfinished += 1
      if (waitsOnCaller || this.#inFlight < MAX_IN_FLIGHT) {
        if (!waitsOnCaller) this.#inFlight += 1
        run.start()
      } else {
        this.#queue.push(run)
      }
    })
  }

  /** Resolves when nothing runs any more, neither operations nor what they left in background. */
  drain(): Promise<void> {
    if (this.#unfinished === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  /** Performs one effect that takes time. Called by {@link Run}. */
  perform({ call, values }: Effect, done: Callback): void {
    switch (call) {
      case 'pull':
        pullLater(values[0] as AsyncIterator<unknown>, done)
        return
      case 'pause':
        setTimeout(done, values[0] as number, null)
        return
      default: {
        const asyncCall = this.#fs[call]
        if (asyncCall === undefined) throw new TypeError(`the file system has no ${call}`)
        asyncCall(...values, done)
      }
    }
  }

  /** Starts an operation that nobody awaits. Called by {@link Run}. */
  runInBackground(operation: Operation<void>): void {
    const report = (error: unknown): void => publishNotice('clean-up failed', error)
    this.#unfinished += 1
    new Run<void>(this, operation, undefined, ignore, report, this.#ended).start()
  }

  readonly #leave = (): void => {
    let next = this.#dequeue()
    for (; next?.abandoned === true; next = this.#dequeue()) this.#ended()
    if (next === undefined) this.#inFlight -= 1
    else next.start()
    this.#ended()
  }

  /** The oldest in the queue. `shift()` of an array this long would move all of it each time. */
  #dequeue(): Queued | undefined {
    const next = this.#queue[this.#queueHead]
    if (next === undefined) return undefined
    this.#queueHead += 1
    if (this.#queueHead * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#queueHead)
      this.#queueHead = 0
    }
    return next
  }

  readonly #ended = (): void => {
    this.#unfinished -= 1
    if (this.#unfinished === 0) for (const resolve of this.#idle.splice(0)) resolve()
  }
}

function pullLater(iterator: AsyncIterator<unknown>, done: Callback): void {
  Promise.resolve(iterator.next()).then(
    (result) => done(null, result),
    (error: unknown) => done(error || new TypeError('the body failed without saying why')),
  )
}

function ignore(): void {
  // Nobody waits for a background operation.
}
