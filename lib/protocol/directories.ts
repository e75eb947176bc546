/**
 * Directories: made before the first object in them, flushed under durability `full`, and
 * revalidated on file systems whose clients remember names. A shard directory, once made, is
 * never removed while the store lives, so a name below it can only fail for reasons that say
 * something about the object.
 *
 * Steps of making one, where its mode is given:
 *
 *     1  make it under a private sibling name      crash: an empty private directory
 *     2  chmod it: mkdir obeys the umask           crash: as above
 *     3  rename it into place                      crash: nothing left to do
 *
 * Renaming replaces an empty directory and fails on one with entries, so whoever comes second
 * changes nothing. Without a mode it is one mkdir.
 */
import { constants as fsConstants } from 'node:fs'
import { constants } from 'node:os'
import { isErrno } from '../errors.js'
import {
  chmod,
  close,
  fsync,
  mkdir,
  open,
  rename,
  rmdir,
  type Operation,
} from '../drivers/effects.js'
import type { Context, ObjectPath } from './context.js'

const { errno } = constants
const OPEN_DIRECTORY = fsConstants.O_RDONLY | fsConstants.O_DIRECTORY

/**
 * Makes one directory with the store's mode; that it exists already is fine.
 *
 * @param staging - a private name beside it, used where the mode is given
 * @returns whether it was not there before
 */
export function* makeDirectory(
  context: Context,
  path: string,
  staging: string,
): Operation<boolean> {
  if (context.dirMode === undefined) return yield* makePlainDirectory(path, 0o777)
  yield* makePlainDirectory(staging, 0o700)
  try {
    yield* chmod(staging, context.dirMode)
    yield* rename(staging, path)
    return true
  } catch (error) {
    yield* rmdir(staging)
    if (!isErrno(error, errno.ENOTEMPTY, errno.EEXIST)) throw error
    // Unlike mkdir, a rename that fails does not correct what NFS remembers of the name.
    if (context.fresh) yield* revalidate(path, context.root)
    return false
  }
}

/** Makes one directory; says whether it was not there before. */
export function* makePlainDirectory(path: string, mode: number): Operation<boolean> {
  try {
    yield* mkdir(path, mode)
    return true
  } catch (error) {
    if (isErrno(error, errno.EEXIST)) return false
    throw error
  }
}

/**
 * Makes the shard directory of an object.
 *
 * @param staging - a private name that exists for nothing else
 * @returns the directories that gained an entry, inner before outer
 */
export function* makeShard(
  context: Context,
  object: ObjectPath,
  staging: string,
): Operation<string[]> {
  return yield* makeDirectories(context, [object.outer, object.shard], staging)
}

/**
 * Makes directories, each after the one that it is in.
 *
 * @param staging - a private name that exists for nothing else
 * @returns the directories that gained an entry, each once, inner before outer
 */
export function* makeDirectories(
  context: Context,
  paths: readonly string[],
  staging: string,
): Operation<string[]> {
  const changed: string[] = []
  for (const path of paths) {
    if (yield* makeDirectory(context, path, staging)) changed.push(parentOf(path))
  }
  return [...new Set(changed.reverse())]
}

/** The directory that a path is in. */
export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}

/** Flushes the names in a directory to the disk. */
export function* syncDirectory(path: string): Operation<void> {
  const fd = yield* open(path, OPEN_DIRECTORY)
  try {
    yield* fsync(fd)
  } catch (error) {
    // Some FUSE file systems cannot flush a directory; whoever needs more asks them for it.
    if (!isErrno(error, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS)) throw error
  } finally {
    yield* close(fd)
  }
}

/**
 * Makes the kernel ask the server what is in a directory now: an open and close of it is what
 * close-to-open consistency revalidates by. The directory itself may be remembered as absent,
 * which the same one level up cures.
 *
 * @returns whether the directory exists
 */
export function* revalidate(path: string, root: string): Operation<boolean> {
  if (yield* openAndClose(path)) return true
  if (path === root) return false
  if (!(yield* revalidate(parentOf(path), root))) return false
  return yield* openAndClose(path)
}

function* openAndClose(path: string): Operation<boolean> {
  try {
    yield* close(yield* open(path, OPEN_DIRECTORY))
    return true
  } catch (error) {
    if (isErrno(error, errno.ENOENT, errno.ESTALE)) return false
    throw error
  }
}
