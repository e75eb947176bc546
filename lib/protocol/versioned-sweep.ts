/**
 * Sweeping a conditional store (versioned.ts), one object after the other:
 *
 *     1  if it expired longer ago than the grace:  crash: as in compare-and-set.ts
 *        set a generation that says that there is
 *        none
 *     2  unlink generations that were superseded   crash: the rest is left for the next sweep
 *        for the grace, the lowest first
 *
 * Who set a generation an hour ago and has not looked yet whether it was in time learns that this
 * is not known. The generation that says that there is no object stays, since numbers must rise.
 */
import { checkpoint, type Operation, type Stats } from '../drivers/effects.js'
import { isExpired } from '../object-info.js'
import { find } from './absence.js'
import { generationPath, namesIn, numbersIn } from './cell.js'
import type { Context, ObjectPath } from './context.js'
import { removeFile } from './removal.js'
import type { Excess, SweepSum } from './sweep-sum.js'
import type { SweepPlan } from './sweep.js'
import { cellOf, readHead, setRemoved } from './versioned.js'

/** Steps 1 and 2; returns the file of the object, if it stays. */
export function* sweepVersions(
  context: Context,
  plan: SweepPlan,
  object: ObjectPath,
  sum: SweepSum,
): Operation<Stats | undefined> {
  const cell = cellOf(context, object)
  const head = yield* readHead(context, cell, { atMs: -Infinity })
  if (head.number === 0) return undefined
  const { info } = head
  const file = yield* find(generationPath(cell, head.number).path)
  const isOver = info !== undefined && isExpired(info, plan.beforeMs)
  if (
    isOver &&
    (plan.dryRun || (yield* setRemoved(context, cell, head, info.key, context.durability)))
  ) {
    sum.add('expired', file?.size ?? 0)
  }
  if (!plan.dryRun) yield* pruneOld(context, plan, object)
  return isOver || info === undefined ? undefined : file
}

/** Removes an object that is too much, by what `excess` says of its file. */
export function* evictVersion(
  context: Context,
  plan: SweepPlan,
  object: ObjectPath,
  excess: Excess,
  sum: SweepSum,
): Operation<void> {
  const cell = cellOf(context, object)
  const head = yield* readHead(context, cell, { atMs: -Infinity })
  if (head.info === undefined) return
  const file = yield* find(generationPath(cell, head.number).path)
  if (file === undefined || !excess.take(file)) return
  const isGone =
    plan.dryRun || (yield* setRemoved(context, cell, head, head.info.key, context.durability))
  if (isGone) sum.add('evicted', file.size)
}

function* pruneOld(context: Context, plan: SweepPlan, object: ObjectPath): Operation<void> {
  const cell = cellOf(context, object)
  const listed = numbersIn(yield* namesIn(context, cell))
  for (const [index, number] of listed.entries()) {
    yield* checkpoint()
    const successor = listed[index + 1]
    if (successor === undefined) return
    const file = yield* find(generationPath(cell, successor).path)
    if (file === undefined || file.mtimeMs >= plan.beforeMs) return
    if (!(yield* removeFile(generationPath(cell, number).path))) return
  }
}
