/**
 * Proof of absence. A name that is not found says little: `link()` fails with ENOENT when the
 * object is replaced between the kernel's lookup and the link, on every file system; an NFS
 * client answers from memory for up to 30 s; and under a volume that is not mounted every key
 * seems missing. So before a key is called absent:
 *
 *     1  revalidate the shard directory, where the file system is not known to be local
 *     2  lstat the object: anything but ENOENT means "look again"
 *     3  list the shard directory, where it may be on NFS: while a `.nfs…` is in it, an object may
 *        just be replaced, and the name is free between the two calls of that; wait, list again
 *     4  lstat the store's marker: without it this is not the store any more
 *
 * Step 3 is for what an NFS client does with a file that is to be replaced while the same host
 * has it open, or is linking it for a reader: it gives that file another name first, and on the
 * server, so to all hosts, the object is not there until the next call. A `.nfs…` that stays
 * does not hold it up for long.
 *
 * It changes nothing, so a crash leaves nothing.
 */
import { constants } from 'node:os'
import { noteRetry } from '../diagnostics.js'
import { isErrno, StoreError } from '../errors.js'
import { MARKER_NAME } from '../format/marker.js'
import { lstat, pause, readdir, type Operation, type Stats } from '../drivers/effects.js'
import type { Context, ObjectPath } from './context.js'
import { revalidate } from './directories.js'

const { errno } = constants

/** Looks this often at an object that is there and yet cannot be had, before it gives up. */
export const MAX_ATTEMPTS = 100

/** How often, and how long apart, a shard directory is listed while a `.nfs…` is in it. */
const GAP_LOOKS = 8
const GAP_PAUSE_MS = 25

/** Whether an error is one that absence could explain. */
export function looksAbsent(error: unknown): boolean {
  return isErrno(error, errno.ENOENT, errno.ESTALE)
}

/**
 * Whether an object that could not be found is really not there.
 *
 * @param wasMissed - whether it could not be found, or is only asked for: then nothing is noted
 */
export function* isAbsent(
  context: Context,
  object: ObjectPath,
  wasMissed = true,
): Operation<boolean> {
  const judged = (isGone: boolean): boolean => {
    if (wasMissed) noteRetry(isGone ? 'provedAbsent' : 'foundAfterAll')
    return isGone
  }
  if (!(yield* believe(context, object))) return judged(true)
  try {
    yield* lstat(object.path)
    return judged(false)
  } catch (error) {
    if (isErrno(error, errno.ESTALE)) return judged(false)
    if (!isErrno(error, errno.ENOENT)) throw error
  }
  if (context.fresh) {
    const names = yield* settledNames(context, object.shard)
    if (names.has(nameOf(object))) return judged(false)
  }
  yield* requireStore(context)
  return judged(true)
}

/** Whether a private name is there. If a reply was lost, it tells whether its rename was done. */
export function* exists(path: string): Operation<boolean> {
  return (yield* find(path)) !== undefined
}

/** What a name stands for; undefined when it is not there. This is no proof that it is absent. */
export function* find(path: string): Operation<Stats | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return yield* lstat(path)
    } catch (error) {
      if (isErrno(error, errno.ENOENT)) return undefined
      if (!isErrno(error, errno.ESTALE) || attempt === MAX_ATTEMPTS) throw error
    }
  }
}

/**
 * Reads a directory; undefined when it is not there, or is no directory. One that cannot be found
 * and yet is there is read again: nothing in it may be missed.
 */
export function* readIfThere<T>(
  path: string,
  reading: (path: string) => Operation<T>,
): Operation<T | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return yield* reading(path)
    } catch (error) {
      if (isErrno(error, errno.ENOTDIR)) return undefined
      if (!looksAbsent(error) || attempt === MAX_ATTEMPTS) throw error
      if (!(yield* exists(path))) return undefined
    }
  }
}

/**
 * The names in a shard directory, once no host seems to be replacing an object in it; none when
 * it is not there, or is no directory.
 */
export function* settledNames(context: Context, shard: string): Operation<ReadonlySet<string>> {
  for (let look = 1; ; look += 1) {
    const names = (yield* readIfThere(shard, readdir)) ?? []
    const isSettled = !context.fresh || !names.some((name) => name.startsWith('.nfs'))
    if (isSettled || look === GAP_LOOKS) return new Set(names)
    yield* pause(GAP_PAUSE_MS)
  }
}

/**
 * Makes the next look at an object a true one; says false when not even its shard directory is
 * there, which proves the object absent. Does nothing on file systems known to be local.
 */
export function* believe(context: Context, object: ObjectPath): Operation<boolean> {
  if (!context.fresh || (yield* revalidate(object.shard, context.root))) return true
  yield* requireStore(context)
  return false
}

/** Fails when the directory is not the store any more: a miss must not come of that. */
export function* requireStore(context: Context): Operation<void> {
  try {
    yield* lstat(context.landmark)
  } catch (error) {
    if (!looksAbsent(error)) throw error
    const message = `${context.root} is no store at the moment: ${MARKER_NAME} is not there`
    throw new StoreError('UNAVAILABLE', `${message}; is its volume mounted?`, {
      path: context.root,
      cause: error,
    })
  }
}

function nameOf({ path, shard }: ObjectPath): string {
  return path.slice(shard.length + 1)
}

/** What is thrown when an object kept changing for {@link MAX_ATTEMPTS} looks. */
export function restless(object: ObjectPath): StoreError {
  const message = `the object changed under each of ${MAX_ATTEMPTS} attempts; try again`
  return new StoreError('UNAVAILABLE', message, { path: object.path })
}
