/** What is done to a whole store: one text for the synchronous and the asynchronous face. */
import type { SweepOptions, VerifyOptions, VerifyReport } from '../bulk.js'
import type { Operation } from '../drivers/effects.js'
import { checkBoolean, checkOptionNames, checkSweepLimits, SWEEP_LIMITS } from '../options.js'
import { flightPaths, sweepFlight } from '../protocol/cell-sweep.js'
import { clearShard, destroyOuter, requireOwnStore } from '../protocol/clear.js'
import type { Context, Durability } from '../protocol/context.js'
import { mayExpire } from '../protocol/expire.js'
import { countShard, shardNames } from '../protocol/list.js'
import { queuePaths, sweepQueue } from '../protocol/queue-sweep.js'
import { Inventory, SweepSum, type SweepReport } from '../protocol/sweep-sum.js'
import { evictShard, planSweep, privateDirectories, sweepPrivate } from '../protocol/sweep.js'
import { sweepShard, type SweepPlan } from '../protocol/sweep.js'
import { FindingsSum, verifyDirectory, verifyShard } from '../protocol/verify.js'
import { eachShard, once, type Tour } from './tour.js'
import type { ProgressMeter } from './walk.js'

/** The options that every tour takes. */
export const WALK_OPTIONS = ['signal', 'onProgress']

/** Counts the live objects. */
export function* countAll(context: Context, meter: ProgressMeter): Tour<number> {
  const expires = yield* once(mayExpire(context))
  return yield* addUp(meter, (outer, inner) => countShard(context, outer, inner, expires))
}

/** Removes every object. */
export function* clearAll(
  context: Context,
  durability: Durability,
  meter: ProgressMeter,
): Tour<number> {
  yield* once(requireOwnStore(context))
  return yield* addUp(meter, (outer, inner) => clearShard(context, outer, inner, durability))
}

/** Reads and checks every object. */
export function* verifyAll(
  context: Context,
  options: VerifyOptions,
  meter: ProgressMeter,
): Tour<VerifyReport> {
  checkOptionNames(options, [...WALK_OPTIONS, 'quarantine'])
  const quarantine = checkBoolean('quarantine', options.quarantine, false)
  if (quarantine) yield* once(requireOwnStore(context))
  const report = new FindingsSum()
  report.add(yield* once(verifyDirectory(context)))
  for (const outer of yield* once(shardNames(context))) {
    report.add(yield* once(verifyDirectory(context, outer)))
  }
  yield* eachShard(
    (outer, inner) => verifyShard(context, outer, inner, quarantine),
    (found) => {
      report.add(found)
      meter.add(found.objects)
    },
  )
  return report.toReport()
}

/** Removes the shards with all objects; what is left of the store is for `destroyRoot`. */
export function* destroyShards(context: Context, meter: ProgressMeter): Tour<void> {
  yield* once(requireOwnStore(context))
  const outers = yield* once(shardNames(context))
  for (const [index, outer] of outers.entries()) {
    yield* once(destroyOuter(context, outer))
    meter.onFraction((index + 1) / outers.length)
  }
}

/** Removes what crashes have left, what has expired, and what is beyond the limits. */
export function* sweepAll(
  context: Context,
  options: SweepOptions,
  meter: ProgressMeter,
): Tour<SweepReport> {
  checkOptionNames(options, [...WALK_OPTIONS, ...SWEEP_LIMITS, 'dryRun'])
  const { graceMs, ...limits } = checkSweepLimits(options)
  const dryRun = checkBoolean('dryRun', options.dryRun, false)
  const plan = yield* once(planSweep(context, graceMs, dryRun))
  const sum = new SweepSum()
  for (const directory of yield* once(privateDirectories(context))) {
    yield* once(sweepPrivate(context, plan, directory, sum))
  }
  for (const path of yield* once(queuePaths(context))) {
    yield* once(sweepQueue(context, plan, path, sum))
  }
  for (const path of yield* once(flightPaths(context))) {
    yield* once(sweepFlight(plan, path, sum))
  }
  const isLimited = limits.maxBytes < Infinity || limits.maxObjects < Infinity
  const looksAtAll = plan.expires || isLimited || context.isConditional
  if (!looksAtAll) return sum.toReport()
  const inventory = yield* takeStock(context, plan, sum, meter)
  const excess = inventory.beyond(limits)
  if (excess === undefined) return sum.toReport()
  yield* eachShard(
    (outer, inner) => evictShard(context, plan, outer, inner, excess, sum),
    () => undefined,
  )
  return sum.toReport()
}

/** Removes what has expired; returns what is left. */
function* takeStock(
  context: Context,
  plan: SweepPlan,
  sum: SweepSum,
  meter: ProgressMeter,
): Tour<Inventory> {
  const inventory = new Inventory()
  yield* eachShard(
    (outer, inner) => sweepShard(context, plan, outer, inner, sum),
    (files) => {
      for (const file of files) inventory.add(file)
      meter.add(files.length)
    },
  )
  return inventory
}

function* addUp(
  meter: ProgressMeter,
  visit: (outer: string, inner: string) => Operation<number>,
): Tour<number> {
  let total = 0
  yield* eachShard(visit, (objects) => {
    total += objects
    meter.add(objects)
  })
  return total
}
