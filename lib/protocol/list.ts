/**
 * List and count: what the directories hold, read one shard after the other.
 *
 *     1  read the root for its two-digit directories, each of them for its own
 *     2  read a shard directory for object names; anything else there is not ours
 *     3  stat each object for its key (not for a count where nothing can expire)
 *
 * A key has one place, so no key comes twice; one that existed all the time is found, because
 * replacing it renames within its shard directory; one that comes or goes meanwhile may or may
 * not be seen. It writes nothing, so a crash leaves nothing.
 */
import { constants } from 'node:os'
import { isErrno } from '../errors.js'
import { checkpoint, readdir, type Operation } from '../drivers/effects.js'
import { isObjectName, isShardName } from '../key.js'
import type { ObjectInfo } from '../object-info.js'
import { looksAbsent, requireStore } from './absence.js'
import { locateHash, type Context, type ObjectPath } from './context.js'
import { mayExpire } from './expire.js'
import { stat } from './stat.js'

const { errno } = constants

/** The two-digit names in a directory, in order: outer shards of the root, inner of an outer. */
export function* shardNames(context: Context, outer?: string): Operation<string[]> {
  yield* checkpoint()
  const path = outer === undefined ? context.root : `${context.root}/${outer}`
  const names = yield* entries(path)
  if (outer === undefined && names.length === 0) yield* requireStore(context)
  return names.filter(isShardName).sort()
}

/** The objects of one shard, in order of their hashes. */
export function* objectsOf(
  context: Context,
  outer: string,
  inner: string,
): Operation<ObjectPath[]> {
  yield* checkpoint()
  const names = yield* entries(`${context.root}/${outer}/${inner}`)
  // A directory that changes while it is read may give a name twice.
  const hashes = [...new Set(names)].filter(isObjectName).sort()
  return hashes.map((name) => locateHash(context, outer + inner + name))
}

/** Describes the objects of one shard. */
export function* listShard(
  context: Context,
  outer: string,
  inner: string,
): Operation<ObjectInfo[]> {
  const infos: ObjectInfo[] = []
  for (const object of yield* objectsOf(context, outer, inner)) {
    yield* checkpoint()
    const info = yield* stat(context, object)
    if (info !== undefined) infos.push(info)
  }
  return infos
}

/** How many objects one shard has. */
export function* countShard(context: Context, outer: string, inner: string): Operation<number> {
  if (yield* mayExpire(context)) return (yield* listShard(context, outer, inner)).length
  return (yield* objectsOf(context, outer, inner)).length
}

/** The names in a directory; none when it is not there, or is no directory. */
export function* entries(path: string): Operation<string[]> {
  try {
    return yield* readdir(path)
  } catch (error) {
    if (looksAbsent(error) || isErrno(error, errno.ENOTDIR)) return []
    throw error
  }
}
