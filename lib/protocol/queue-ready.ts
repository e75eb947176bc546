/**
 * What waits in a queue, as one consumer has listed it. A listing serves for many claims, so that
 * ten thousand jobs are not listed ten thousand times:
 *
 *     1  list the jobs that wait, the oldest first; nothing is written, so a crash leaves nothing
 *     2  pick the oldest; while others are found to have been faster, one at random among the
 *        oldest, the more of these the more often that happens
 *     3  list again when all that was due has been tried; when the failures cost more than a
 *        listing does; and after {@link LISTING_AGE_MS}
 */
import type { Operation } from '../drivers/effects.js'
import type { Context } from './context.js'
import { namesIn, parseReady, type JobName, type QueuePath } from './queue.js'

/** A listing older than this may miss what was given back, or has become due, before others. */
const LISTING_AGE_MS = 10_000

/** So many names are listed at the cost of one claim that fails. */
const NAMES_PER_FAILURE = 32
const MIN_FAILURES = 4

/** A random pick is among the oldest jobs: at most this part of all that were listed. */
const SPREAD_PART = 16

/** The jobs that waited when they were last listed, less those that were tried. */
export class ReadyJobs {
  #names: string[] = []
  #head = 0
  #listed = 0
  #listedAtMs = -Infinity
  #spread = 1
  #failures = 0

  /** When the next job is due; Infinity when there is none. */
  get nextDueMs(): number {
    return this.#jobAt(this.#head)?.timeMs ?? Infinity
  }

  /** Whether this does not tell any more what waits. */
  isStale(nowMs: number): boolean {
    const ageMs = nowMs - this.#listedAtMs
    // Clocks are set back now and then.
    if (ageMs < 0 || ageMs > LISTING_AGE_MS) return true
    return this.#failures > Math.max(MIN_FAILURES, this.#listed / NAMES_PER_FAILURE)
  }

  /** Step 1. */
  *list(context: Context, queue: QueuePath): Operation<void> {
    const names = yield* namesIn(context, queue.ready)
    this.#names = names.filter((name) => parseReady(name) !== undefined).sort()
    this.#head = 0
    this.#listed = this.#names.length
    this.#listedAtMs = context.now()
    this.#failures = 0
  }

  /** Step 2; undefined when none is due. */
  pick(context: Context): JobName | undefined {
    const nowMs = context.now()
    if (this.nextDueMs > nowMs) return undefined
    const limit = Math.max(1, Math.min(this.#spread, Math.ceil(this.#listed / SPREAD_PART)))
    let at = this.#head + (limit === 1 ? 0 : randomBelow(context, limit))
    const job = this.#jobAt(at)
    if (job === undefined || job.timeMs > nowMs) at = this.#head
    const picked = this.#jobAt(at)
    this.#names[at] = this.#names[this.#head] ?? ''
    this.#head += 1
    return picked
  }

  /** Tells whether the job that was picked could be claimed. */
  note(won: boolean): void {
    if (won) this.#spread = Math.max(1, this.#spread - 1)
    else {
      this.#failures += 1
      this.#spread = Math.min(this.#spread * 2, Math.max(1, this.#listed))
    }
  }

  #jobAt(index: number): JobName | undefined {
    const name = this.#names[index]
    return name === undefined ? undefined : parseReady(name)
  }
}

function randomBelow(context: Context, limit: number): number {
  return Number.parseInt(context.randomId().slice(0, 8), 16) % limit
}
