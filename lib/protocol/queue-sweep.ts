/**
 * Sweeping queues: what crashes leave in them beside private names. No job is touched.
 *
 *     1  each key whose job is gone (queue-keys.ts): remove it
 *     2  each dead job that still has its key: finish its burial (queue-settle.ts)
 *     3  each reason without a dead job, older than the grace: remove it
 *
 * A crash leaves the rest for the next sweep. Abandoned claims are not its matter: the consumers
 * of the queue watch each other, and where there are none nobody waits for the job.
 */
import { checkpoint, type Operation } from '../drivers/effects.js'
import { find } from './absence.js'
import type { Context } from './context.js'
import { placesUnder } from './list.js'
import { isOrphan, keyPath, removeOrphan } from './queue-keys.js'
import { finishBurial } from './queue-settle.js'
import { namesIn, parseDead, parseReason, roomsOf, type QueueRooms } from './queue.js'
import { removeFile } from './removal.js'
import { QUEUES_NAME } from './root.js'
import type { SweepSum } from './sweep-sum.js'
import { unlessDenied, type SweepPlan } from './sweep.js'

const KEY_NAME = /^[0-9a-f]{64}$/

/** The directories of the queues of a store. */
export function* queuePaths(context: Context): Operation<string[]> {
  return yield* placesUnder(`${context.root}/${QUEUES_NAME}`)
}

/** Steps 1 to 3 for one queue. */
export function* sweepQueue(
  context: Context,
  plan: SweepPlan,
  path: string,
  sum: SweepSum,
): Operation<void> {
  const queue = roomsOf(path)
  for (const name of yield* namesIn(context, queue.keys)) {
    yield* checkpoint()
    if (KEY_NAME.test(name)) yield* unlessDenied(sum, sweepKey(context, plan, queue, name, sum))
  }
  const dead = yield* namesIn(context, queue.dead)
  const buried = new Set<string>()
  for (const name of dead) {
    const job = parseDead(name)
    if (job === undefined) continue
    buried.add(`${job.id}.${job.burial}`)
    if (!plan.dryRun) yield* unlessDenied(sum, finishBurial(context, queue, job))
  }
  for (const name of dead) {
    const burial = parseReason(name)
    if (burial === undefined || buried.has(burial)) continue
    yield* checkpoint()
    yield* unlessDenied(sum, sweepReason(plan, `${queue.dead}/${name}`, sum))
  }
}

function* sweepKey(
  context: Context,
  plan: SweepPlan,
  queue: QueueRooms,
  name: string,
  sum: SweepSum,
): Operation<void> {
  const path = keyPath(queue, name)
  const file = yield* find(path)
  if (file === undefined || !(yield* isOrphan(context, path))) return
  if (plan.dryRun || (yield* removeOrphan(context, path))) sum.add('abandoned', file.size)
}

/** A younger one may be that of a burial that is just going on. */
function* sweepReason(plan: SweepPlan, path: string, sum: SweepSum): Operation<void> {
  const file = yield* find(path)
  if (file?.isFile() !== true || file.mtimeMs >= plan.beforeMs) return
  if (plan.dryRun || (yield* removeFile(path))) sum.add('abandoned', file.size)
}
