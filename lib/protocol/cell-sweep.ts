/**
 * Sweeping flights: the cells by which one process makes the value of a key (`.flights`). Unlike
 * the tokens of leases, their generations mean nothing to anybody once they are old, and there is
 * one for each key that was ever made so.
 *
 *     1  each that was not set for the grace:      crash: the rest is left for the next sweep,
 *        unlink its generations, the lowest         which finds a lower one as old
 *        first, and remove its directory
 *
 * Whoever sets it meanwhile begins with a new one, and at the worst two processes make one value.
 */
import { isObjectName, isShardName } from '../key.js'
import { checkpoint, type Operation } from '../drivers/effects.js'
import { find } from './absence.js'
import { isLook, numbersIn } from './cell.js'
import type { CellSpace } from './cell-spaces.js'
import type { Context } from './context.js'
import { entries } from './list.js'
import { removeDirectory, removeFile } from './removal.js'
import type { SweepSum } from './sweep-sum.js'
import { unlessDenied, type SweepPlan } from './sweep.js'

const FLIGHTS: CellSpace = '.flights'

/** The directories of all flights. */
export function* flightPaths(context: Context): Operation<string[]> {
  const root = `${context.root}/${FLIGHTS}`
  const paths: string[] = []
  for (const outer of (yield* entries(root)).filter(isShardName)) {
    for (const inner of (yield* entries(`${root}/${outer}`)).filter(isShardName)) {
      const shard = `${root}/${outer}/${inner}`
      for (const name of (yield* entries(shard)).filter(isObjectName))
        paths.push(`${shard}/${name}`)
    }
  }
  return paths
}

/** Step 1 for one flight. */
export function* sweepFlight(plan: SweepPlan, path: string, sum: SweepSum): Operation<void> {
  yield* checkpoint()
  yield* unlessDenied(sum, sweepIfOld(plan, path, sum))
}

function* sweepIfOld(plan: SweepPlan, path: string, sum: SweepSum): Operation<void> {
  const names = yield* entries(path)
  const numbers = numbersIn(names)
  const last = yield* find(`${path}/${numbers.at(-1) ?? '.'}`)
  if (last === undefined || last.mtimeMs >= plan.beforeMs) return
  for (const name of [...names.filter(isLook), ...numbers]) {
    yield* checkpoint()
    const file = yield* find(`${path}/${name}`)
    if (file === undefined) continue
    const isGone = file.isDirectory()
      ? plan.dryRun || (yield* removeDirectory(`${path}/${name}`))
      : plan.dryRun || (yield* removeFile(`${path}/${name}`))
    if (isGone) sum.add('abandoned', file.isDirectory() ? 0 : file.size)
  }
  if (plan.dryRun || (yield* removeDirectory(path))) sum.add('abandoned', 0)
}
