/**
 * Claim: a job that is due becomes one consumer's for the time of a lease.
 *
 *     1  pick one of those that wait              (queue-ready.ts)
 *     2  rename it into `claimed`, to a name      crash: it is claimed by nobody who lives, and
 *        that says for how long and under what    given back when its lease is over
 *        new id: one of any number of contenders
 *        can; the others pick another one
 *     3  open and read it                         crash: as above
 *
 * What was abandoned is told by the name alone: whoever finds the same name, with the same beat,
 * for the time that stands in it, by its own clock that only runs forwards, gives the job back.
 * Neither file times nor clocks of other hosts play a part. The rename that does it names the
 * beat as well, so a listing that was out of date does no harm: the name is there no more then.
 */
import { noteRetry } from '../diagnostics.js'
import { rename, type Operation } from '../drivers/effects.js'
import { looksAbsent, MAX_ATTEMPTS, restless } from './absence.js'
import type { Context } from './context.js'
import { openPrivate } from './pin.js'
import { nextVersion, readOnlyError } from './private-names.js'
import {
  claimedPath,
  hasArrived,
  jobObject,
  namesIn,
  parseClaimed,
  readyPath,
  type ClaimName,
  type JobName,
  type QueuePath,
} from './queue.js'
import type { ReadyJobs } from './queue-ready.js'
import { handleOf, type Handle } from './read.js'

/** Looks at a queue this often, as long as others are faster, before it says that it is empty. */
const MAX_LISTINGS = 3

/** A job that is claimed. */
export interface Claim {
  readonly queue: QueuePath
  name: ClaimName
  /** Where it lies, as far as is known. */
  path: string
  /** Where it may lie instead: a rename failed, and it is not known whether it was done. */
  doubt: string | undefined
}

/** Steps 1 and 2; undefined when none is due that can be had. */
export function* claimNext(
  context: Context,
  queue: QueuePath,
  ready: ReadyJobs,
  leaseMs: number,
): Operation<Claim | undefined> {
  if (context.readOnly !== undefined) throw readOnlyError(context)
  for (let listings = 0; ;) {
    const job = ready.isStale(context.now()) ? undefined : ready.pick(context)
    if (job === undefined) {
      // What a listing goes on to give and nobody can claim is only remembered, by an NFS client.
      if (listings === MAX_LISTINGS || (listings > 0 && ready.nextDueMs > context.now())) {
        return undefined
      }
      yield* ready.list(context, queue)
      listings += 1
      continue
    }
    const claim = yield* claimJob(context, queue, job, leaseMs)
    ready.note(claim !== undefined)
    if (claim !== undefined) return claim
  }
}

/** Step 3; undefined when the claim has been lost meanwhile. */
export function* openClaim(context: Context, claim: Claim): Operation<Handle | undefined> {
  const object = jobObject(claim.queue, claim.path)
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    try {
      const pinned = yield* openPrivate(object, claim.path)
      // The name is not the pin's to remove.
      if (pinned !== undefined) {
        return yield* handleOf(context, object, { fd: pinned.fd, privatePath: undefined })
      }
    } catch (error) {
      if (!looksAbsent(error)) throw error
    }
    if (!(yield* hasArrived(context, claim.path))) return undefined
  }
  throw restless(object)
}

/** The jobs that are claimed, by whomever. */
export function* claimedNames(context: Context, queue: QueuePath): Operation<ClaimName[]> {
  const names = yield* namesIn(context, queue.claimed)
  return names.flatMap((name) => parseClaimed(name) ?? [])
}

/** The claim that a name speaks of, for whoever is to give it back. */
export function claimOf(queue: QueuePath, name: ClaimName): Claim {
  return { queue, name, path: claimedPath(queue, name), doubt: undefined }
}

function* claimJob(
  context: Context,
  queue: QueuePath,
  job: JobName,
  leaseMs: number,
): Operation<Claim | undefined> {
  const claim = claimOf(queue, { ...job, leaseMs, claim: nextVersion(context), beat: 0 })
  try {
    yield* rename(readyPath(queue, job), claim.path)
  } catch (error) {
    if (!looksAbsent(error)) throw error
    // The name is new, so if it is there now this did it, and NFS lost the reply.
    if (!(yield* hasArrived(context, claim.path))) {
      noteRetry('outrun')
      return undefined
    }
  }
  return claim
}
