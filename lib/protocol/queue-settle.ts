/**
 * Settling: what becomes of a claimed job. Each is one rename of the claimed name, so of all that
 * may want to settle a job (its consumer, late, and those who take it for abandoned) one does.
 * That the name is gone is proved before the claim is called lost.
 *
 * Extend: rename to the same name with the next beat.
 *
 * Acknowledge:
 *
 *     1  rename to a private name                 crash: it is done; a private name is left
 *     2  give its key back (queue-keys.ts)        crash: as above, and an orphan
 *     3  flush `claimed` (full)                   crash: without this a power cut may bring the
 *                                                 job back
 *     4  unlink the private name
 *
 * Give back, retry, expire: rename into `ready`, with or without one more attempt; flush (full).
 *
 * Bury, when it failed or its attempts are used up:
 *
 *     1  write the reason beside the dead jobs    crash: a reason of nothing, for the sweep
 *     2  rename the job there                     crash: it is dead, and its key still taken
 *                                                 until the sweep
 *     3  give its key back, and rename it to a    crash: as above, without the key
 *        name without that
 *     4  flush (full)
 */
import { background, quietly, rename, type Operation } from '../drivers/effects.js'
import { StoreError } from '../errors.js'
import { isAbsent, looksAbsent, MAX_ATTEMPTS, restless } from './absence.js'
import type { Context, Durability } from './context.js'
import { nextVersion, noticeLostInstance, privateName } from './private-names.js'
import { commitNames } from './publish.js'
import type { Claim } from './queue-claim.js'
import { releaseKey } from './queue-keys.js'
import {
  claimedPath,
  deadPath,
  hasArrived,
  jobObject,
  readyPath,
  reasonPath,
  type DeadName,
  type JobName,
  type QueuePath,
  type QueueRooms,
} from './queue.js'
import { removeFile } from './removal.js'
import { stageBytes } from './stage.js'

/** Begins the lease anew. */
export function* extendClaim(context: Context, claim: Claim): Operation<void> {
  const name = { ...claim.name, beat: claim.name.beat + 1 }
  yield* moveClaim(context, claim, always(claimedPath(claim.queue, name)))
  claim.name = name
}

/** Ends a job that is done. */
export function* acknowledge(
  context: Context,
  claim: Claim,
  durability: Durability,
): Operation<void> {
  const { queue, name } = claim
  const aside = yield* moveClaim(context, claim, () => privateName(context))
  yield* releaseKey(context, queue, name.keyHash, aside)
  yield* commitNames(context, durability, [queue.claimed])
  yield* background(removeFile(aside))
}

/** Puts a job back as it was before it was claimed. */
export function* giveBack(context: Context, claim: Claim): Operation<void> {
  yield* moveClaim(context, claim, always(readyPath(claim.queue, claim.name)))
}

/** Puts a job back after an attempt that came to nothing. */
export function* retryJob(
  context: Context,
  claim: Claim,
  delayMs: number,
  durability: Durability,
): Operation<void> {
  const { queue, name } = claim
  const job: JobName = {
    ...name,
    timeMs: Math.trunc(context.now() + delayMs),
    attempts: name.attempts + 1,
  }
  yield* moveClaim(context, claim, always(readyPath(queue, job)))
  yield* commitNames(context, durability, [queue.ready, queue.claimed])
}

/** Puts a job back whose consumer let its lease run out, at its old place. */
export function* expireClaim(context: Context, claim: Claim): Operation<void> {
  const job: JobName = { ...claim.name, attempts: claim.name.attempts + 1 }
  yield* moveClaim(context, claim, always(readyPath(claim.queue, job)))
}

/** Puts a job away among the dead. */
export function* bury(
  context: Context,
  claim: Claim,
  reason: string,
  durability: Durability,
): Operation<void> {
  const { queue, name } = claim
  const { id, keyHash, attempts } = name
  const timeMs = Math.trunc(context.now())
  const burial = nextVersion(context)
  const dead: DeadName = { timeMs, id, keyHash, attempts: attempts + 1, burial }
  yield* writeReason(context, queue, dead, reason, durability)
  try {
    yield* moveClaim(context, claim, always(deadPath(queue, dead)))
  } catch (error) {
    if (isLeaseLost(error)) yield* quietly(removeFile(reasonPath(queue, dead)))
    throw error
  }
  yield* finishBurial(context, queue, dead)
  yield* commitNames(context, durability, [queue.dead, queue.claimed])
}

/** Step 3 of burying: returns the name without the key. */
export function* finishBurial(
  context: Context,
  queue: QueueRooms,
  dead: DeadName,
): Operation<DeadName> {
  if (dead.keyHash === undefined) return dead
  const path = deadPath(queue, dead)
  yield* releaseKey(context, queue, dead.keyHash, path)
  const name = { ...dead, keyHash: undefined }
  try {
    yield* rename(path, deadPath(queue, name))
  } catch (error) {
    // Somebody else did it, or NFS lost the reply.
    if (!looksAbsent(error)) throw error
  }
  return name
}

function* writeReason(
  context: Context,
  queue: QueuePath,
  dead: DeadName,
  reason: string,
  durability: Durability,
): Operation<void> {
  const staged = yield* stageBytes(context, Buffer.from(reason), durability !== 'none')
  try {
    yield* rename(staged, reasonPath(queue, dead))
  } catch (error) {
    // The name is new, so if it is there now this did it, and NFS lost the reply.
    if (looksAbsent(error) && (yield* hasArrived(context, reasonPath(queue, dead)))) return
    yield* quietly(removeFile(staged))
    throw error
  }
}

/** Whether an error says that a claim is somebody else's, or nobody's, by now. */
export function isLeaseLost(error: unknown): error is StoreError {
  return error instanceof StoreError && error.code === 'LEASE_LOST'
}

/** Renames a claimed job; fails with `LEASE_LOST` when it is proved to have gone before. */
function* moveClaim(
  context: Context,
  claim: Claim,
  nameTarget: () => Operation<string>,
): Operation<string> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const target = yield* nameTarget()
    try {
      yield* rename(claim.path, target)
      arriveAt(claim, target)
      return target
    } catch (error) {
      if (!looksAbsent(error)) {
        claim.doubt = target
        throw error
      }
    }
    if (yield* hasArrived(context, target)) {
      arriveAt(claim, target)
      return target
    }
    if (claim.doubt !== undefined && (yield* hasArrived(context, claim.doubt))) {
      arriveAt(claim, claim.doubt)
    } else if (yield* isAbsent(context, jobObject(claim.queue, claim.path))) throw leaseLost(claim)
    // The private directory may have been swept away while this process was suspended.
    yield* noticeLostInstance(context)
  }
  throw restless(jobObject(claim.queue, claim.path))
}

function arriveAt(claim: Claim, path: string): void {
  claim.path = path
  claim.doubt = undefined
}

/** For a move to a name that is known beforehand. */
export function always(path: string): () => Operation<string> {
  // eslint-disable-next-line require-yield -- the name is known
  return function* () {
    return path
  }
}

function leaseLost(claim: Claim): StoreError {
  const message = `the job ${claim.name.id} is not this consumer's any more`
  return new StoreError('LEASE_LOST', `${message}: its lease was over; extend leases in time`, {
    path: claim.path,
  })
}
