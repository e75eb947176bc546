import type { WalkOptions } from '../bulk.js'
import type { Operation } from '../drivers/effects.js'
import type { Context } from '../protocol/context.js'
import { shardNames } from '../protocol/list.js'

/** Shards that are worked on before the one whose turn it is has been asked for. */
const READ_AHEAD = 16

type Visit<T> = (outer: string, inner: string) => Operation<T>
type Run = <T>(operation: Operation<T>) => Promise<T>

/** Visits every shard, several at a time; gives the results in order. */
export async function* walkShards<T>(
  run: Run,
  context: Context,
  visit: Visit<T>,
  onFraction: (fraction: number) => void = () => undefined,
): AsyncGenerator<T> {
  const ahead: Promise<T>[] = []
  const outers = await run(shardNames(context))
  for (const [index, outer] of outers.entries()) {
    for (const inner of await run(shardNames(context, outer))) {
      const visited = run(visit(outer, inner))
      // Its error is thrown when its turn comes; until then it must not count as unhandled.
      visited.catch(() => undefined)
      ahead.push(visited)
      if (ahead.length > READ_AHEAD) yield ahead.shift() as Promise<T>
    }
    onFraction((index + 1) / outers.length)
  }
  yield* ahead
}

/** The same one after the other, for the synchronous driver. */
export function* walkShardsSync<T>(
  run: <R>(operation: Operation<R>) => R,
  context: Context,
  visit: Visit<T>,
  onFraction: (fraction: number) => void = () => undefined,
): Generator<T> {
  const outers = run(shardNames(context))
  for (const [index, outer] of outers.entries()) {
    for (const inner of run(shardNames(context, outer))) yield run(visit(outer, inner))
    onFraction((index + 1) / outers.length)
  }
}

/** Turns fractions and counts into calls of `onProgress`. */
export class ProgressMeter {
  readonly #onProgress: WalkOptions['onProgress']
  #fraction = 0
  #objects = 0

  constructor(options: WalkOptions) {
    const { onProgress } = options
    if (onProgress !== undefined && typeof onProgress !== 'function') {
      throw new TypeError('onProgress must be a function')
    }
    this.#onProgress = onProgress
  }

  readonly onFraction = (fraction: number): void => {
    this.#fraction = fraction
    this.#report()
  }

  add(objects: number): void {
    this.#objects += objects
    this.#report()
  }

  #report(): void {
    this.#onProgress?.({ fraction: this.#fraction, objects: this.#objects })
  }
}
