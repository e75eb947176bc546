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
import { checkpoint, type Operation } from '../drivers/effects.js'
import { find } from './absence.js'
import { isLook, numbersIn } from './cell.js'
import type { CellSpace } from './cell-spaces.js'
import type { Context } from './context.js'
import { entries, placesUnder } from './list.js'
import { removeDirectory, removeFile } from './removal.js'
import type { SweepSum } from './sweep-sum.js'
import { unlessDenied, type SweepPlan } from './sweep.js'

const FLIGHTS: CellSpace = '.flights'

/** The directories of all flights. */
export function* flightPaths(context: Context): Operation<string[]> {
  return yield* placesUnder(`${context.root}/${FLIGHTS}`)
}

/** Step 1 for one flight. */
export function* sweepFlight(plan: SweepPlan, path: string, sum: SweepSum): Operation<void> {
  yield* checkpoint()
  yield* unlessDenied(sum, sweepIfOld(plan, path, sum))
}

function* sweepIfOld(plan: SweepPlan, path: string, sum: SweepSum): Operation<void> {
  const names = yield* entries(path)
  const numbers = numbersIn(names)
  // One that was made and never set is as old as its directory.
  const newest = numbers.length === 0 ? path : `${path}/${numbers.at(-1)}`
  const last = yield* find(newest)
  if (last === undefined || last.mtimeMs >= plan.beforeMs) return
  for (const name of [...names.filter(isLook), ...numbers]) {
    yield* checkpoint()
    const entry = `${path}/${name}`
    const file = yield* find(entry)
    if (file === undefined) continue
    const removal = file.isDirectory() ? removeDirectory(entry) : removeFile(entry)
    if (plan.dryRun || (yield* removal)) sum.add('abandoned', file.isDirectory() ? 0 : file.size)
  }
  if (plan.dryRun || (yield* removeDirectory(path))) sum.add('abandoned', 0)
}
