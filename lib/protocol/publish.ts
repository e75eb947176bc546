/**
 * Publishing: a staged object becomes the object of its key. The second half of every write.
 *
 * Unconditionally:
 *
 *     1  rename the private file over the object     crash: before it the old object, after it
 *        (ENOENT: if this still is the store, make   the new one; never neither, never a part
 *        the shard directories, rename again)
 *     2  fsync the shard directory, and the parents  crash: without this a power cut may bring
 *        of directories just made (full)             the old object back
 *
 * If absent:
 *
 *     1  link the private file to the object's name  crash: published; a private name is left
 *     2  fsync as above
 *     3  unlink the private name                     crash: nothing left to do
 *
 * `link()` never replaces, on any file system or host, so it has exactly one winner. A reply
 * that an NFS client lost and asked for again shows as ENOENT of the rename or EEXIST of the
 * link; both are resolved by looking whether the object is the one staged here.
 */
import { constants } from 'node:os'
import { isErrno, StoreError } from '../errors.js'
import {
  background,
  checkpoint,
  link,
  lstat,
  lstatExact,
  quietly,
  rename,
  unlink,
  type Operation,
} from '../drivers/effects.js'
import { exists, isAbsent, looksAbsent, MAX_ATTEMPTS, requireStore, restless } from './absence.js'
import type { Context, Durability, ObjectPath } from './context.js'
import { makeShard, revalidate, syncDirectory } from './directories.js'
import { removeIfExpired } from './expire.js'
import { asCorrupt } from './load.js'
import { privateName } from './private-names.js'
import type { Staged } from './stage.js'
import { stat } from './stat.js'

const { errno } = constants

/** Makes a staged object the object of its key, whatever was there before. */
export function* publish(
  context: Context,
  staged: Staged,
  object: ObjectPath,
  durability: Durability,
): Operation<void> {
  let changed: readonly string[] = []
  try {
    yield* checkpoint()
    try {
      yield* rename(staged.path, object.path)
    } catch (error) {
      if (!looksAbsent(error)) throw asCorrupt(object, error)
      yield* requireStore(context)
      changed = yield* makeShard(context, object, yield* privateName(context))
      yield* renameAgain(context, staged, object)
    }
  } catch (error) {
    yield* quietly(unlink(staged.path))
    throw error
  }
  yield* commitNames(context, durability, [object.shard, ...changed])
}

/**
 * Makes a staged object the object of its key if the key has none.
 *
 * @returns whether it did; exactly one of any number of contenders is told so
 */
export function* publishIfAbsent(
  context: Context,
  staged: Staged,
  object: ObjectPath,
  durability: Durability,
): Operation<boolean> {
  let won: boolean
  const changed: string[] = []
  try {
    yield* checkpoint()
    won = yield* linkIfAbsent(context, staged, object, changed)
    if (won) yield* commitNames(context, durability, [object.shard, ...changed])
  } catch (error) {
    yield* quietly(unlink(staged.path))
    throw error
  }
  yield* background(unlink(staged.path))
  return won
}

/** Flushes directories whose names changed, under durability `full`. */
export function* commitNames(
  context: Context,
  durability: Durability,
  directories: readonly string[],
): Operation<void> {
  if (durability !== 'full' || !context.syncsDirectories) return
  for (const directory of directories) yield* syncDirectory(directory)
}

function* renameAgain(
  context: Context,
  staged: Staged,
  object: ObjectPath,
  tries = 0,
): Operation<void> {
  try {
    if (context.fresh) yield* revalidate(object.shard, context.root)
    yield* rename(staged.path, object.path)
  } catch (error) {
    if (!looksAbsent(error)) throw error
    // Another process may just replace the empty shard directory by one with the same mode.
    if (tries < MAX_ATTEMPTS && (yield* exists(staged.path))) {
      yield* makeShard(context, object, yield* privateName(context))
      yield* renameAgain(context, staged, object, tries + 1)
      return
    }
    // Either the first rename was done and its reply lost, or the private file was swept away
    // while this process was suspended.
    const now = yield* stat(context, object)
    if (now?.version !== undefined && now.version === staged.info.version) return
    const message = 'it is not known whether the value was stored: its private file is gone'
    throw new StoreError('UNAVAILABLE', `${message}; read the key, then try again`, {
      path: staged.path,
      cause: error,
    })
  }
}

function* linkIfAbsent(
  context: Context,
  staged: Staged,
  object: ObjectPath,
  changed: string[],
): Operation<boolean> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    try {
      yield* link(staged.path, object.path)
      return true
    } catch (error) {
      if (looksAbsent(error)) {
        yield* requireStore(context)
        yield* requireFile(staged)
        changed.push(...(yield* makeShard(context, object, yield* privateName(context))))
        if (context.fresh) yield* revalidate(object.shard, context.root)
      } else if (isErrno(error, errno.EEXIST)) {
        if (yield* isSameFile(staged.path, object.path)) return true
        const isGone = yield* isAbsent(context, object, false)
        if (!isGone && !(yield* removeIfExpired(context, object))) return false
      } else {
        throw asUnsupported(asCorrupt(object, error))
      }
    }
  }
  throw restless(object)
}

/** A private file that was swept away cannot be linked, however often it is tried. */
export function* requireFile(staged: Staged): Operation<void> {
  yield* lstat(staged.path)
}

/** Whether two names are those of one file. */
export function* isSameFile(one: string, other: string): Operation<boolean> {
  try {
    const { ino, dev } = yield* lstatExact(one)
    const second = yield* lstatExact(other)
    return ino === second.ino && dev === second.dev
  } catch (error) {
    if (looksAbsent(error)) return false
    throw error
  }
}

/** Says of a link that cannot be made that the file system has none. */
export function asUnsupported(error: unknown): unknown {
  if (!isErrno(error, errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)) return error
  const message = 'write-if-absent needs hard links, which this file system does not have'
  return new StoreError('NOT_SUPPORTED', `${message}; put the store on one that has`, {
    cause: error,
  })
}
