/**
 * Tours: work on a whole store, written once for both faces. A tour is a generator that asks for
 * operations, each alone or one for each shard; the synchronous face does these one after the
 * other, the asynchronous one several at a time.
 */
import type { Operation } from '../drivers/effects.js'
import type { Context } from '../protocol/context.js'
import { walkShards, walkShardsSync } from './walk.js'

type Visit<T> = (outer: string, inner: string) => Operation<T>

type Task =
  | { readonly operation: Operation<unknown> }
  | { readonly visit: Visit<unknown>; readonly use: (result: unknown) => void }

/** Work on a whole store. */
export type Tour<T> = Generator<Task, T, unknown>

/** One operation. */
export function* once<T>(operation: Operation<T>): Tour<T> {
  return (yield { operation }) as T
}

/** One operation for each shard; `use` gets the results in order. */
export function* eachShard<T>(visit: Visit<T>, use: (result: T) => void): Tour<void> {
  yield { visit, use: use as (result: unknown) => void }
}

/** Runs a tour, several shards at a time. */
export async function runTour<T>(
  tour: Tour<T>,
  context: Context,
  run: <R>(operation: Operation<R>) => Promise<R>,
  onFraction: (fraction: number) => void,
): Promise<T> {
  let result: unknown
  for (;;) {
    const step = tour.next(result)
    if (step.done === true) return step.value
    const task = step.value
    if ('operation' in task) result = await run(task.operation)
    else {
      for await (const found of walkShards(run, context, task.visit, onFraction)) task.use(found)
    }
  }
}

/** Runs a tour, one shard after the other. */
export function runTourSync<T>(
  tour: Tour<T>,
  context: Context,
  run: <R>(operation: Operation<R>) => R,
  onFraction: (fraction: number) => void,
): T {
  let result: unknown
  for (;;) {
    const step = tour.next(result)
    if (step.done === true) return step.value
    const task = step.value
    if ('operation' in task) result = run(task.operation)
    else for (const found of walkShardsSync(run, context, task.visit, onFraction)) task.use(found)
  }
}
