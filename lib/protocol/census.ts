/**
 * Census: how many objects a store has, and what their files take. It reads directories and looks
 * at each file, but opens none, so what has expired counts until it is swept.
 *
 *     1  read the directory of a shard
 *     2  lstat each object; in a conditional store, each of its generations
 *
 * It is no snapshot, and changes nothing.
 */
import { checkpoint, type Operation } from '../drivers/effects.js'
import { find } from './absence.js'
import type { Context } from './context.js'
import { entries, isDamage, objectsOf } from './list.js'
import { countJobs, type QueueCounts } from './queue-count.js'
import { queuePaths } from './queue-sweep.js'
import { namesIn, parseReady, roomsOf, type QueueRooms } from './queue.js'
import { statExpired } from './stat.js'

/** What a shard, or a store, has. */
export interface Census {
  /** How many there are. */
  readonly objects: number
  /** Of their files, with all that is in them. */
  readonly bytes: number
}

/** Counts one shard. */
export function* censusOf(context: Context, outer: string, inner: string): Operation<Census> {
  let [objects, bytes] = [0, 0]
  for (const { path } of yield* objectsOf(context, outer, inner)) {
    yield* checkpoint()
    const file = yield* find(path)
    if (file === undefined) continue
    objects += 1
    if (!file.isDirectory()) bytes += file.size
    else
      for (const name of yield* entries(path)) bytes += (yield* find(`${path}/${name}`))?.size ?? 0
  }
  return { objects, bytes }
}

/** A queue, and how many of its jobs are where. */
export interface QueueCensus extends QueueCounts {
  /** Undefined where no job that waits tells it. */
  readonly name: string | undefined
  /** The hash of its name. */
  readonly hash: string
}

/** Counts the jobs of every queue. */
export function* queueCensus(context: Context): Operation<QueueCensus[]> {
  const found: QueueCensus[] = []
  for (const path of yield* queuePaths(context)) {
    yield* checkpoint()
    const hash = path.split('/').slice(-3).join('')
    const queue = roomsOf(path)
    const counts = yield* countJobs(context, queue)
    found.push({ name: yield* nameOf(context, queue, hash), hash, ...counts })
  }
  return found
}

/** Each job has the name of its queue as its key. */
function* nameOf(
  context: Context,
  { path, ready }: QueueRooms,
  hash: string,
): Operation<string | undefined> {
  const job = (yield* namesIn(context, ready)).find((name) => parseReady(name) !== undefined)
  if (job === undefined) return undefined
  const place = { key: undefined, hash, outer: path, shard: ready, path: `${ready}/${job}` }
  try {
    return (yield* statExpired(context, place))?.key
  } catch (error) {
    if (isDamage(error)) return undefined
    throw error
  }
}
