import { AsyncLocalStorage } from 'node:async_hooks'
import { publishNotice } from '../diagnostics.js'
import { abortError } from './abort.js'
import type { Effect, Operation } from './effects.js'
import { isCall, observed, type Counts } from './observed.js'
import type { QuickCalls } from './quick-calls.js'
import { Run } from './run.js'

/** Node's callback convention. */
export type Callback = (error: unknown, result?: unknown) => void
type AsyncCall = (...values: unknown[]) => void

interface Queued {
  readonly run: Pick<Run<unknown>, 'start' | 'abandoned'>
  readonly places: number
}

/** How an operation is run. */
export interface RunOptions {
  readonly signal?: AbortSignal | undefined
  /**
   * How many of the {@link MAX_IN_FLIGHT} places it takes; default 1. None for one that others
   * may be waiting for: it waits on the caller's own code (a body stream), or goes on with a
   * descriptor that is open already. See {@link TWO_DESCRIPTORS}.
   */
  readonly places?: number | undefined
  /**
   * Whether its calls may be made at once, where any are; default true. Not where several in one
   * process contend with each other: whoever never waits would leave the others nothing.
   */
  readonly atOnce?: boolean | undefined
}

/**
 * Operations of one store that run at the same time; the rest wait their turn, in order. Node
 * works on four file-system calls at once, so more would only hold descriptors open.
 */
export const MAX_IN_FLIGHT = 64

/**
 * The places of an operation that holds one descriptor while it waits for another. Where
 * descriptors run out, such operations wait for each other; so few that they never hold all.
 */
export const TWO_DESCRIPTORS = MAX_IN_FLIGHT / 8

/** Who does for a {@link Run} what takes time. */
export interface Worker {
  /** Performs one effect. */
  perform(effect: Effect, done: Callback): void
  /** Starts an operation that nobody awaits. */
  runInBackground(operation: Operation<void>): void
}

/** Runs operations with the callback functions of a file system: one promise per operation. */
export class AsyncDriver implements Worker {
  readonly #fs: Readonly<Record<string, AsyncCall | undefined>>
  #queue: Queued[] = []
  #queueHead = 0
  readonly #idle: (() => void)[] = []
  #inFlight = 0
  #isStarting = false
  #unfinished = 0
  /** What makes calls at once; undefined: all go to the thread pool. */
  quick: QuickCalls | undefined

  /** @param fs - anything with the callback functions of `node:fs` */
  constructor(fs: object) {
    this.#fs = fs as Readonly<Record<string, AsyncCall | undefined>>
  }

  /**
   * Runs an operation; an abort makes it clean up and reject with `ABORTED`.
   *
   * @param counts - where it is counted, if anybody wants to know
   */
  run<T>(operation: Operation<T>, options: RunOptions = {}, counts?: Counts): Promise<T> {
    const { signal, places = 1, atOnce = true } = options
    if (signal?.aborted === true) return Promise.reject(abortError(signal))
    return new Promise((resolve, reject) => {
      const onEnd = (): void => this.#leave(places)
      const quick = atOnce ? this.quick : undefined
      const watched = counts !== undefined
      const worker = watched ? new CountingWorker(this, counts) : this
      const task = watched ? observed(operation, counts) : operation
      const run = new Run(worker, task, quick, signal, resolve, reject, onEnd)
      this.#unfinished += 1
      if (places === 0) run.start()
      else {
        this.#queue.push({ run, places })
        this.#startNext()
      }
    })
  }

  /** Whether anything runs, or waits its turn. */
  get isBusy(): boolean {
    return this.#unfinished > 0
  }

  /** Resolves when nothing runs any more, neither operations nor what they left in background. */
  async drain(): Promise<void> {
    // Whoever awaits an operation learns of its end first, and may begin another.
    while (this.#unfinished > 0) await new Promise<void>((resolve) => this.#idle.push(resolve))
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
    new Run<void>(this, operation, this.quick, undefined, ignore, report, this.#ended).start()
  }

  #leave(places: number): void {
    this.#inFlight -= places
    this.#startNext()
    this.#ended()
  }

  /** Starts what is next in the queue, as far as there are places for it. */
  #startNext(): void {
    // One that ends before it has started comes here again; the loop goes on to the next then.
    if (this.#isStarting) return
    this.#isStarting = true
    for (let next = this.#dequeue(); next !== undefined; next = this.#dequeue()) {
      if (next.run.abandoned) this.#ended()
      else {
        this.#inFlight += next.places
        next.run.start()
      }
    }
    this.#isStarting = false
  }

  /** The oldest, if it can go. `shift()` of an array this long would move all of it each time. */
  #dequeue(): Queued | undefined {
    const next = this.#queue[this.#queueHead]
    if (next === undefined) return undefined
    if (!next.run.abandoned && this.#inFlight + next.places > MAX_IN_FLIGHT) return undefined
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

/** Counts what goes to another thread, and does it in the asynchronous context of the caller. */
class CountingWorker implements Worker {
  readonly #worker: Worker
  readonly #counts: Counts
  /** An operation that waited its turn, or for the event loop, is woken in that of others. */
  readonly #inContext = AsyncLocalStorage.snapshot()

  constructor(worker: Worker, counts: Counts) {
    this.#worker = worker
    this.#counts = counts
  }

  perform(effect: Effect, done: Callback): void {
    if (isCall(effect)) this.#counts.hops += 1
    this.#inContext(() => this.#worker.perform(effect, done))
  }

  runInBackground(operation: Operation<void>): void {
    this.#inContext(() => this.#worker.runInBackground(operation))
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
