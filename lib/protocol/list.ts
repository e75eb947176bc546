/**
 * List and count: what the directories hold, read one shard after the other.
 *
 *     1  read the root for its two-digit directories, each of them for its own
 *     2  read a shard directory for object names; anything else there is not ours
 *     3  stat each object for its key (not for a count where nothing can expire)
 *
 * A key has one place, so no key comes twice; one that existed all the time is found, because
 * replacing it renames within its shard directory; one that comes or goes meanwhile may or may
 * not be seen. A corrupt object hides neither itself nor the others: the listing goes on and
 * fails when it is through. It writes nothing, so a crash leaves nothing.
 */
import { StoreError } from '../errors.js'
import { checkpoint, readdir, type Operation } from '../drivers/effects.js'
import { isObjectName, isShardName } from '../key.js'
import type { ObjectInfo } from '../object-info.js'
import { readIfThere, requireStore, settledNames } from './absence.js'
import { locateHash, type Context, type ObjectPath } from './context.js'
import { verbsOf } from './verbs.js'

/** The two-digit names in a directory, in order: outer shards of the root, inner of an outer. */
export function* shardNames(context: Context, outer?: string): Operation<string[]> {
  yield* checkpoint()
  const path = outer === undefined ? context.root : `${context.root}/${outer}`
  const names = yield* entries(path)
  if (outer === undefined) yield* requireStore(context)
  return names.filter(isShardName).sort()
}

/** The objects of one shard, in order of their hashes. */
export function* objectsOf(
  context: Context,
  outer: string,
  inner: string,
): Operation<ObjectPath[]> {
  const names = yield* namesOf(context, outer, inner)
  return names.sort().map((name) => locateHash(context, outer + inner + name))
}

/** What the objects of one shard are called in its directory. */
function* namesOf(context: Context, outer: string, inner: string): Operation<string[]> {
  yield* checkpoint()
  // A set, since a directory that changes while it is read may give a name twice.
  const names = yield* settledNames(context, `${context.root}/${outer}/${inner}`)
  return [...names].filter(isObjectName)
}

/** The live objects of one shard. */
export interface Listed {
  readonly infos: readonly ObjectInfo[]
  /** Why some could not be described. */
  readonly problems: readonly StoreError[]
}

/** Describes the objects of one shard. */
export function* listShard(context: Context, outer: string, inner: string): Operation<Listed> {
  const infos: ObjectInfo[] = []
  const problems: StoreError[] = []
  for (const object of yield* objectsOf(context, outer, inner)) {
    yield* checkpoint()
    try {
      const info = yield* verbsOf(context).stat(context, object)
      if (info !== undefined) infos.push(info)
    } catch (error) {
      if (!isDamage(error)) throw error
      problems.push(error)
    }
  }
  return { infos, problems }
}

/** Whether an error says that what lies in an object's place is no readable object. */
export function isDamage(error: unknown): error is StoreError {
  if (!(error instanceof StoreError)) return false
  return error.code === 'CORRUPT' || error.code === 'FORMAT_UNSUPPORTED'
}

/** How many objects one shard has; `mayExpire` says whether each must be looked at. */
export function* countShard(
  context: Context,
  outer: string,
  inner: string,
  mayExpire: boolean,
): Operation<number> {
  if (!mayExpire && !context.isConditional) return (yield* namesOf(context, outer, inner)).length
  const { infos, problems } = yield* listShard(context, outer, inner)
  return infos.length + problems.length
}

/** What lies two shard levels below a directory, named by the rest of its hash. */
export function* placesUnder(base: string): Operation<string[]> {
  const paths: string[] = []
  for (const outer of (yield* entries(base)).filter(isShardName)) {
    for (const inner of (yield* entries(`${base}/${outer}`)).filter(isShardName)) {
      const shard = `${base}/${outer}/${inner}`
      const names = (yield* entries(shard)).filter(isObjectName)
      for (const name of names) paths.push(`${shard}/${name}`)
    }
  }
  return paths
}

/** The names in a directory; none when it is not there, or is no directory. */
export function* entries(path: string): Operation<string[]> {
  return (yield* readIfThere(path, readdir)) ?? []
}
