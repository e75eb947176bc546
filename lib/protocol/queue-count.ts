/**
 * Count: how many jobs of a queue are where.
 *
 *     1  list `claimed`, `ready`, `claimed` again and `dead`
 *
 * A job that is claimed, or given back, meanwhile is found in one of the first three listings and
 * counted once, so that a queue whose jobs are at work is never said to be empty. It writes
 * nothing, so a crash leaves nothing.
 */
import type { Operation } from '../drivers/effects.js'
import type { Context } from './context.js'
import { namesIn, parseClaimed, parseDead, parseReady, type QueueRooms } from './queue.js'

/** How many jobs of a queue are where. */
export interface QueueCounts {
  /** Those that are due, and wait for a consumer. */
  readonly ready: number
  /** Those that are not due yet. */
  readonly delayed: number
  /** Those that a consumer has, or had when it died. */
  readonly claimed: number
  /** Those that failed, or used up their attempts. */
  readonly dead: number
}

/** Counts the jobs of a queue. */
export function* countJobs(context: Context, queue: QueueRooms): Operation<QueueCounts> {
  const claimed = new Set<string>()
  for (const name of yield* namesIn(context, queue.claimed)) addId(claimed, parseClaimed(name))
  const nowMs = context.now()
  const ready = new Set<string>()
  const delayed = new Set<string>()
  for (const name of yield* namesIn(context, queue.ready)) {
    const job = parseReady(name)
    addId(job !== undefined && job.timeMs > nowMs ? delayed : ready, job)
  }
  for (const name of yield* namesIn(context, queue.claimed)) addId(claimed, parseClaimed(name))
  for (const id of claimed) {
    ready.delete(id)
    delayed.delete(id)
  }
  const dead = (yield* namesIn(context, queue.dead)).filter((name) => parseDead(name))
  return {
    ready: ready.size,
    delayed: delayed.size,
    claimed: claimed.size,
    dead: dead.length,
  }
}

function addId(ids: Set<string>, job: { readonly id: string } | undefined): void {
  if (job !== undefined) ids.add(job.id)
}
