/**
 * Sweep: what crashes leave behind, and objects nobody can see any more, are removed.
 *
 *     1  learn the time of the server (heartbeat.ts)
 *     2  each directory of private names that      crash: the rest is left for the next sweep
 *        has been silent for the grace: unlink
 *        what is in it, remove it
 *     3  in it, a name ending in `.live`: rename   crash: it is in another such directory,
 *        it to a private name of this store's own,  where the next sweep finds it
 *        then judge it and put it back (aside.ts)
 *     4  each object that expired longer ago than  crash: as in aside.ts
 *        the grace: move it aside, judge it again,
 *        remove it
 *     5  where a limit is exceeded: the same with  crash: as in aside.ts
 *        those objects that were written longest
 *        ago, by the server's clock
 *
 * A store is silent when neither its directory nor a file that is only there has been touched.
 * Should it be suspended rather than dead, it finds its private names gone when it wakes, and
 * begins again or fails with an error. Any number of sweeps may run at once: every step is one
 * call that only one of them can do.
 */
import { constants } from 'node:os'
import { isErrno } from '../errors.js'
import { checkpoint, fstat, rename, type Operation, type Stats } from '../drivers/effects.js'
import { isExpired } from '../object-info.js'
import { find, looksAbsent } from './absence.js'
import { asideName, hashOfAside, removeIf, settle, type Judge } from './aside.js'
import { requireOwnStore } from './clear.js'
import { locateHash, type Context, type ObjectPath } from './context.js'
import { revalidate } from './directories.js'
import { expiredBy, mayExpire } from './expire.js'
import { beat } from './heartbeat.js'
import { entries, isDamage, objectsOf } from './list.js'
import { isInstanceName, isStagingName, PRIVATE_DIRECTORY } from './private-names.js'
import { removeDirectory, removeFile } from './removal.js'
import { statExpired } from './stat.js'
import { evictVersion, sweepVersions } from './versioned-sweep.js'
import type { Excess, SweepSum } from './sweep-sum.js'

const { errno } = constants

/** What decides in one sweep. */
export interface SweepPlan {
  /** What is older, on the server's clock, is swept. */
  readonly beforeMs: number
  /** Only say what would be swept. */
  readonly dryRun: boolean
  /** Whether any object here may be expired. */
  readonly expires: boolean
}

/** Step 1. */
export function* planSweep(
  context: Context,
  graceMs: number,
  dryRun: boolean,
): Operation<SweepPlan> {
  yield* requireOwnStore(context)
  const nowMs = yield* beat(context)
  return { beforeMs: nowMs - graceMs, dryRun, expires: yield* mayExpire(context) }
}

/** The directories of private names; this store's own has just shown that it is alive. */
export function* privateDirectories(context: Context): Operation<string[]> {
  const { root } = context
  const privateRoot = `${root}/${PRIVATE_DIRECTORY}`
  const staging = (yield* entries(root)).filter(isStagingName).map((name) => `${root}/${name}`)
  const instances = (yield* entries(privateRoot)).filter(isInstanceName)
  return [...staging, ...instances.map((name) => `${privateRoot}/${name}`)]
}

/** Steps 2 and 3 for one directory of private names, if this user may look into it. */
export function* sweepPrivate(
  context: Context,
  plan: SweepPlan,
  directory: string,
  sum: SweepSum,
): Operation<void> {
  yield* checkpoint()
  yield* unlessDenied(sum, sweepSilent(context, plan, directory, sum))
}

function* sweepSilent(
  context: Context,
  plan: SweepPlan,
  directory: string,
  sum: SweepSum,
): Operation<void> {
  if (context.fresh) yield* revalidate(directory, context.root)
  const own = yield* find(directory)
  if (own?.isDirectory() !== true || own.mtimeMs >= plan.beforeMs) return
  const names: [path: string, file: Stats][] = []
  for (const name of yield* entries(directory)) {
    const path = `${directory}/${name}`
    const file = yield* find(path)
    // A value that is still being written to shows that its writer is alive.
    if (file?.nlink === 1 && file.mtimeMs >= plan.beforeMs) return
    if (file !== undefined) names.push([path, file])
  }
  for (const [path, file] of names) {
    yield* checkpoint()
    yield* unlessDenied(sum, sweepName(context, plan, path, file, sum))
  }
  yield* sweepDirectory(plan, directory, sum)
}

/** Step 4 for one shard; returns the files of the objects that stay. */
export function* sweepShard(
  context: Context,
  plan: SweepPlan,
  outer: string,
  inner: string,
  sum: SweepSum,
): Operation<Stats[]> {
  const kept: Stats[] = []
  for (const object of yield* objectsOf(context, outer, inner)) {
    yield* checkpoint()
    if (context.isConditional) {
      const live = yield* unlessDenied(sum, sweepVersions(context, plan, object, sum))
      if (live !== undefined) kept.push(live)
      continue
    }
    const file = yield* find(object.path)
    if (file?.isFile() !== true) continue
    const isGone =
      plan.expires &&
      (yield* unlessDenied(sum, sweepExpired(context, plan, object, file, sum))) === true
    if (!isGone) kept.push(file)
  }
  return kept
}

/** Step 5 for one shard. */
export function* evictShard(
  context: Context,
  plan: SweepPlan,
  outer: string,
  inner: string,
  excess: Excess,
  sum: SweepSum,
): Operation<void> {
  for (const object of yield* objectsOf(context, outer, inner)) {
    yield* checkpoint()
    if (context.isConditional) {
      yield* unlessDenied(sum, evictVersion(context, plan, object, excess, sum))
      continue
    }
    const file = yield* find(object.path)
    if (file?.isFile() !== true || !excess.take(file)) continue
    if (plan.dryRun) sum.add('evicted', file.size)
    else {
      const removal = removeIf(context, object, writtenBy(excess.cutoffMs))
      const outcome = yield* unlessDenied(sum, removal)
      if (outcome === 'removed') sum.add('evicted', file.size)
    }
  }
}

/** Says whether the object was expired, and is not there any more. */
function* sweepExpired(
  context: Context,
  plan: SweepPlan,
  object: ObjectPath,
  file: Stats,
  sum: SweepSum,
): Operation<boolean> {
  try {
    const info = yield* statExpired(context, object)
    if (info === undefined || !isExpired(info, plan.beforeMs)) return false
    if (!plan.dryRun) {
      const outcome = yield* removeIf(context, object, expiredBy(plan.beforeMs))
      if (outcome !== 'removed') return outcome === 'absent'
    }
    sum.add('expired', file.size)
    return true
  } catch (error) {
    // What cannot be read does not say that it has expired; it is for verify to tell.
    if (isDamage(error)) return false
    throw error
  }
}

function* sweepName(
  context: Context,
  plan: SweepPlan,
  path: string,
  file: Stats,
  sum: SweepSum,
): Operation<void> {
  const hash = hashOfAside(path)
  if (hash !== undefined) yield* sweepAside(context, plan, path, locateHash(context, hash), sum)
  else if (file.isDirectory()) yield* sweepDirectory(plan, path, sum)
  else if (plan.dryRun || (yield* removeFile(path))) {
    sum.add('abandoned', file.nlink === 1 ? file.size : 0)
  }
}

/** Of several sweeps one gets the name; else one could link back what was removed since. */
function* sweepAside(
  context: Context,
  plan: SweepPlan,
  path: string,
  object: ObjectPath,
  sum: SweepSum,
): Operation<void> {
  if (!plan.dryRun) {
    const aside = yield* asideName(context, object)
    try {
      yield* rename(path, aside)
    } catch (error) {
      if (looksAbsent(error)) return
      throw error
    }
    try {
      const judge = plan.expires ? expiredBy(plan.beforeMs) : keep
      if (yield* settle(context, object, aside, judge)) return
    } catch (error) {
      // What cannot be read has been put back, and is for verify to tell.
      if (!isDamage(error)) throw error
    }
  }
  sum.add('restored', 0)
}

function* sweepDirectory(plan: SweepPlan, path: string, sum: SweepSum): Operation<void> {
  if (plan.dryRun || (yield* removeDirectory(path))) sum.add('abandoned', 0)
}

/** Counts what this user may not remove, and goes on. */
export function* unlessDenied<T>(sum: SweepSum, operation: Operation<T>): Operation<T | undefined> {
  try {
    return yield* operation
  } catch (error) {
    if (!isErrno(error, errno.EACCES, errno.EPERM)) throw error
    sum.add('denied', 0)
    return undefined
  }
}

function writtenBy(cutoffMs: number): Judge {
  return function* (_, fd) {
    return (yield* fstat(fd)).mtimeMs <= cutoffMs
  }
}

function* keep(): Operation<boolean> {
  yield* checkpoint()
  return false
}
