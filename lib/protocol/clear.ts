/**
 * Clear and destroy.
 *
 * Clear removes every object and nothing else: for each shard directory
 *
 *     1  unlink its objects                      crash: some objects are gone, the rest are whole
 *     2  fsync it (full)
 *
 * Destroy removes the whole store, the marker last, so that what a crash leaves still says what
 * it is and can be destroyed again:
 *
 *     1  clear, and remove the shard directories
 *     2  remove .tmp, with whatever any process left there, the quarantine
 *        and the queues
 *     3  remove `.expiring`, the marker and the root
 *
 * Files that are not the store's are never removed: destroy then leaves them, the directories
 * they are in, and fails naming one.
 */
import { StoreError } from '../errors.js'
import { checkpoint, lstat, type Operation } from '../drivers/effects.js'
import { MARKER_NAME } from '../format/marker.js'
import { isAbsent, looksAbsent, MAX_ATTEMPTS, requireStore, restless } from './absence.js'
import type { Context, Durability, ObjectPath } from './context.js'
import { EXPIRING_NAME } from './expire.js'
import { entries, objectsOf, shardNames } from './list.js'
import { isPrivateEntry, readOnlyError } from './private-names.js'
import { commitNames } from './publish.js'
import { removeDirectory, removeFile } from './removal.js'
import { isAnnex, isFurniture } from './root.js'
import { verbsOf } from './verbs.js'

/** Removes the objects of one shard; says how many object files there were, expired included. */
export function* clearShard(
  context: Context,
  outer: string,
  inner: string,
  durability: Durability,
): Operation<number> {
  if (context.readOnly !== undefined) throw readOnlyError(context)
  let removed = 0
  for (const object of yield* objectsOf(context, outer, inner)) {
    yield* checkpoint()
    const isGone = context.isConditional
      ? yield* verbsOf(context).remove(context, object, durability)
      : yield* removeFileOf(context, object)
    if (isGone === true) removed += 1
  }
  const shard = `${context.root}/${outer}/${inner}`
  if (removed > 0 && !context.isConditional) yield* commitNames(context, durability, [shard])
  return removed
}

/** Removes one outer shard directory with all objects below it. */
export function* destroyOuter(context: Context, outer: string): Operation<void> {
  for (const inner of yield* shardNames(context, outer)) {
    yield* destroyShard(context, outer, inner)
    yield* removeDirectory(`${context.root}/${outer}/${inner}`)
  }
  yield* removeDirectory(`${context.root}/${outer}`)
}

/** Removes the objects of a shard, and where they are cells all their generations. */
function* destroyShard(context: Context, outer: string, inner: string): Operation<void> {
  if (!context.isConditional) yield* clearShard(context, outer, inner, 'none')
  else for (const { path } of yield* objectsOf(context, outer, inner)) yield* removeEntry(path)
}

/** Removes what is left of a store when its shards are gone: the last part of destroy. */
export function* destroyRoot(context: Context): Operation<void> {
  const { root } = context
  for (const name of yield* entries(root)) {
    const goes = isPrivateEntry(name) || isAnnex(name)
    if (goes) yield* removeEntry(`${root}/${name}`)
  }
  const last = new Set([EXPIRING_NAME, MARKER_NAME])
  const left = (yield* entries(root)).filter((name) => !last.has(name) && !isFurniture(name))
  if (left.length > 0) throw leftOver(root, left)
  yield* removeFile(`${root}/${EXPIRING_NAME}`)
  yield* removeFile(`${root}/${MARKER_NAME}`)
  yield* removeDirectory(root)
}

/** What clear and destroy ask first: whether this still is the store. */
export function* requireOwnStore(context: Context): Operation<void> {
  if (context.readOnly !== undefined) throw readOnlyError(context)
  yield* requireStore(context)
}

/** Removes an object; that it was not there must be proved, as in remove.ts. */
function* removeFileOf(context: Context, object: ObjectPath): Operation<boolean> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    if (yield* removeFile(object.path)) return true
    if (yield* isAbsent(context, object)) return false
  }
  throw restless(object)
}

/** Removes a file, or a directory with all it holds; never what a symbolic link points to. */
function* removeEntry(path: string): Operation<void> {
  yield* checkpoint()
  try {
    if (!(yield* lstat(path)).isDirectory()) yield* removeFile(path)
    else {
      for (const name of yield* entries(path)) yield* removeEntry(`${path}/${name}`)
      yield* removeDirectory(path)
    }
  } catch (error) {
    if (!looksAbsent(error)) throw error
  }
}

function leftOver(root: string, names: readonly string[]): StoreError {
  const [first = ''] = names
  const others = names.length > 1 ? ` and ${names.length - 1} more` : ''
  const message = `files that are not the store's were left alone: ${root}/${first}${others}`
  return new StoreError('PRECONDITION_FAILED', `${message}; move them away, then destroy again`, {
    path: `${root}/${first}`,
  })
}
