import { StoreError } from '../errors.js'
import { toObjectKey } from '../key.js'
import type { Body, CallOptions, ChangeOptions, StoredObject } from '../object-store.js'
import { checkCount, checkNumber, checkOptionNames, MAX_TTL_MS } from '../options.js'
import type { QueueCounts } from '../protocol/queue-count.js'
import { consume } from './consumption.js'
import type { Job } from './job.js'
import { checkLease, type Visibility } from './visibility.js'

/** What a queue is like; every process that uses it should say the same. */
export interface QueueOptions {
  /** A job that came to nothing so often is put among the dead letters; default 5. */
  readonly maxAttempts?: number | undefined
}

/** Options of `push`. */
export interface PushOptions extends ChangeOptions {
  /** How long the job waits before it is given out, by the clock of this host; default 0. */
  readonly delayMs?: number | undefined
  /** Push only if no job with the same key waits or is claimed; default: always. */
  readonly dedupeKey?: string | undefined
}

/** Options of `consume`. */
export interface ConsumeOptions extends CallOptions {
  /** How many jobs may be out and not settled at a time; default 1. */
  readonly concurrency?: number | undefined
  /**
   * For how long a job is this consumer's, unless it extends that; default 30 s. At least 100 ms
   * on local file systems, 1 s on others, and there 120 s with `fresh: false`.
   */
  readonly leaseMs?: number | undefined
  /** How long it waits, on average, before it looks again at an empty queue; default 500 ms. */
  readonly pollMs?: number | undefined
}

/** Options of a job's `retry`. */
export interface RetryOptions {
  /** How long the job waits before it is given out again; default 0. */
  readonly delayMs?: number | undefined
}

/** A job that failed, or used up its attempts. It stays until it is requeued or discarded. */
export interface DeadLetter {
  /** Unique to the job, and what it had as one. */
  readonly id: string
  /** How often it was given out. */
  readonly attempts: number
  /** What `fail` was given, or which of the rules it fell under. */
  readonly reason: string
  /** The body of the job; undefined when it is not among the dead letters any more. */
  read(): Promise<StoredObject | undefined>
  /** Lets it wait again, as if it had just been pushed; says whether this call did it. */
  requeue(): Promise<boolean>
  /** Removes it; says whether this call did it. */
  discard(): Promise<boolean>
}

/** A job that its consumer has, as a backend gives it. */
export interface HeldJob {
  /** Unique to the job: the same in every attempt. */
  readonly id: string
  /** Which attempt this is; the first is 1. */
  readonly attempts: number
  /** What was pushed; pinned until the job is settled. */
  readonly body: StoredObject
  /** When the lease ends, on the clock of `performance.now()`. */
  readonly leaseEndsMs: number
  /** Whether nothing more can be done with it: it is settled, given back or lost. */
  readonly isOver: boolean
  /** Removes the job; `LEASE_LOST` where somebody else has it by then, as in the next three. */
  ack(): Promise<void>
  /** Lets the lease begin anew. */
  extend(): Promise<void>
  /** Lets it wait again, for so long at least. */
  retry(delayMs: number): Promise<void>
  /** Puts it among the dead letters. */
  bury(reason: string): Promise<void>
}

/** Where one consumer gets its jobs from. */
export interface JobSource {
  /** Aborted when the store is closed: there will be no more. */
  readonly closed: AbortSignal
  /** The next job that is due; or how long nothing is expected, in milliseconds, or Infinity. */
  next(): Promise<HeldJob | number>
  /** Gives back what is not settled. Ending twice is fine. */
  end(): Promise<void>
}

/** How a backend is asked to push. */
export interface PushRequest extends ChangeOptions {
  /** How long it is not given out, from the push on; 0: at once. */
  readonly delayMs: number
  /** The hash of the key that keeps out a second such job. */
  readonly dedupeHash: string | undefined
}

/** What a backend does for one queue. */
export interface QueueBackend {
  /** What leases can be told by. */
  readonly visibility: Visibility
  /** Stores a job; its id, or undefined where there is one with its key. */
  push(body: Body, request: PushRequest): Promise<string | undefined>
  /** Begins to consume. */
  jobs(leaseMs: number, maxAttempts: number): JobSource
  /** How many jobs are where. */
  counts(options: CallOptions): Promise<QueueCounts>
  /** The dead jobs, in the order in which they died. */
  deadLetters(options: CallOptions): AsyncIterable<DeadLetter>
}

/** A backend that has queues. */
export interface QueueStore {
  /**
   * The queue with a name; it need not exist.
   *
   * @throws StoreError `NOT_SUPPORTED` where jobs cannot be kept
   */
  queueBackend(name: string): QueueBackend
}

const DAY_MS = 24 * 60 * 60 * 1000

/**
 * A queue of jobs, shared by any number of processes and hosts: each job is given to one consumer
 * at a time, at least once, roughly in the order of being pushed. A consumer that dies has its
 * jobs given to others when their lease is over.
 */
export class Queue {
  readonly #backend: QueueBackend
  readonly #maxAttempts: number

  /** Made by `store.queue(name)`. */
  constructor(backend: QueueBackend, options: QueueOptions = {}) {
    checkOptionNames(options, ['maxAttempts'])
    this.#backend = backend
    this.#maxAttempts = checkCount('maxAttempts', options.maxAttempts ?? 5)
  }

  /**
   * Adds a job, and returns its id; undefined where a job with the same `dedupeKey` still waits
   * or is claimed.
   */
  async push(body: Body, options: PushOptions = {}): Promise<string | undefined> {
    checkOptionNames(options, ['signal', 'durability', 'delayMs', 'dedupeKey'])
    const { signal, durability, dedupeKey } = options
    const delayMs = checkDelay(options.delayMs)
    const dedupeHash = dedupeKey === undefined ? undefined : toObjectKey(dedupeKey).hash
    return await this.#backend.push(body, { signal, durability, delayMs, dedupeHash })
  }

  /**
   * Takes jobs, one after the other, as they become due; waits for more where there are none.
   * Each must be settled: by `ack`, `retry` or `fail`. While as many as `concurrency` are not,
   * and their leases are not over, none is given out. Leaving the loop, aborting the signal or
   * closing the store ends it: jobs that are not settled by then are given back at once.
   */
  consume(options: ConsumeOptions = {}): AsyncGenerator<Job, void, undefined> {
    checkOptionNames(options, ['signal', 'concurrency', 'leaseMs', 'pollMs'])
    const leaseMs = checkLease(this.#backend.visibility, 'leaseMs', options.leaseMs ?? 30_000)
    const how = {
      signal: options.signal,
      concurrency: checkCount('concurrency', options.concurrency ?? 1),
      pollMs: checkNumber('pollMs', options.pollMs ?? 500, 1, DAY_MS),
      maxAttempts: this.#maxAttempts,
    }
    return consume(() => this.#backend.jobs(leaseMs, how.maxAttempts), how)
  }

  /** How many jobs are not done: those that wait, are delayed, or claimed. */
  async size(options: CallOptions = {}): Promise<number> {
    const { ready, delayed, claimed } = await this.counts(options)
    return ready + delayed + claimed
  }

  /** How many jobs are where. */
  async counts(options: CallOptions = {}): Promise<QueueCounts> {
    checkOptionNames(options, ['signal'])
    return await this.#backend.counts(options)
  }

  /** The jobs that failed, or used up their attempts, in the order in which they did. */
  deadLetters(options: CallOptions = {}): AsyncIterable<DeadLetter> {
    checkOptionNames(options, ['signal'])
    return this.#backend.deadLetters(options)
  }
}

/** A delay in milliseconds, or none in place of undefined. */
export function checkDelay(value: unknown): number {
  return checkNumber('delayMs', value ?? 0, 0, MAX_TTL_MS)
}

/** The error of a store that has no queues. */
export function noQueues(why: string): StoreError {
  return new StoreError('NOT_SUPPORTED', why, { operation: 'queue' })
}
