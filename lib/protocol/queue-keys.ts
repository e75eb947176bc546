/**
 * Keys of jobs: as long as a job with a key waits or is claimed, no other one with that key is
 * pushed. `keys/<hash of the key>` is a second name of the job's file.
 *
 * Taking a key, before the job is published:
 *
 *     1  link the staged file to the key's name:  crash: the key of a job that never was, as
 *        exactly one of many contenders does      long as the private name is there; then an
 *                                                 orphan
 *     2  if the name is taken by a file that has  crash: an orphan under a private name
 *        no other, its job is gone: rename that
 *        away, look again, remove it; then 1
 *
 * Giving it back, after the job was acknowledged or buried:
 *
 *     1  if the key's name is that of the job's   crash before it: an orphan, or the key of a
 *        file, unlink it                          dead job, for the sweep
 *
 * An orphan is told by its link count: nobody links from a key, so it stays one. Should two
 * pushes find the same orphan at one moment, and the second rename away what the first has just
 * linked, that is put back; only a third push within that moment could make a second job.
 */
import { constants as fsConstants } from 'node:fs'
import { constants } from 'node:os'
import { isErrno } from '../errors.js'
import type { Operation } from '../drivers/effects.js'
import { close, fstat, link, lstat, open, rename } from '../drivers/effects.js'
import { exists, looksAbsent, MAX_ATTEMPTS, restless } from './absence.js'
import { putBack } from './aside.js'
import type { Context, ObjectPath } from './context.js'
import { revalidate } from './directories.js'
import { openMoved } from './pin.js'
import { noticeLostInstance, privateName } from './private-names.js'
import { asUnsupported, isSameFile, requireFile } from './publish.js'
import { jobObject, makeQueue, type QueuePath, type QueueRooms } from './queue.js'
import { removeFile } from './removal.js'
import type { Staged } from './stage.js'

const { errno } = constants
const OPEN_KEY = fsConstants.O_RDONLY | fsConstants.O_NOFOLLOW | fsConstants.O_NONBLOCK

/** Where a key lies. */
export function keyPath(queue: QueueRooms, keyHash: string): string {
  return `${queue.keys}/${keyHash}`
}

/** Whether a job that waits or is claimed has this key: a look that spares writing another. */
export function* isKeyTaken(
  context: Context,
  queue: QueuePath,
  keyHash: string,
): Operation<boolean> {
  if (context.fresh) yield* revalidate(queue.keys, context.root)
  return (yield* countLinks(context, keyPath(queue, keyHash))) > 1
}

/**
 * Takes a key for a staged job; says whether it did.
 *
 * @param changed - gains the directories that were made for it
 */
export function* takeKey(
  context: Context,
  queue: QueuePath,
  keyHash: string,
  staged: Staged,
  changed: string[],
): Operation<boolean> {
  const path = keyPath(queue, keyHash)
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    try {
      yield* link(staged.path, path)
      return true
    } catch (error) {
      if (looksAbsent(error)) {
        yield* requireFile(staged)
        changed.push(...(yield* makeQueue(context, queue)))
        continue
      }
      if (!isErrno(error, errno.EEXIST)) throw asUnsupported(error)
    }
    // The link may have been made, and NFS lost the reply.
    if (yield* isSameFile(staged.path, path)) return true
    if (context.fresh) yield* revalidate(queue.keys, context.root)
    if ((yield* countLinks(context, path)) > 1) return false
    yield* removeOrphan(context, path)
  }
  throw restless(jobObject(queue, path))
}

/** Gives the key of a job back, if it is still its own. */
export function* releaseKey(
  context: Context,
  queue: QueueRooms,
  keyHash: string | undefined,
  jobPath: string,
): Operation<void> {
  if (keyHash === undefined) return
  const path = keyPath(queue, keyHash)
  // An NFS client that once removed the key remembers it as absent.
  if (context.fresh) yield* revalidate(queue.keys, context.root)
  if (yield* isSameFile(jobPath, path)) yield* removeFile(path)
}

/** Whether a key's job is gone. */
export function* isOrphan(context: Context, path: string): Operation<boolean> {
  return (yield* countLinks(context, path)) === 1
}

/** Removes a key whose job is gone; says whether it did. */
export function* removeOrphan(context: Context, path: string): Operation<boolean> {
  if (!(yield* isOrphan(context, path))) return false
  const aside = yield* privateName(context)
  try {
    yield* rename(path, aside)
  } catch (error) {
    if (!looksAbsent(error)) throw error
    if (!(yield* exists(aside))) {
      yield* noticeLostInstance(context)
      return false
    }
  }
  if ((yield* countLinksOfMoved(context, path, aside)) === 1) return yield* removeFile(aside)
  yield* putBack(aside, path)
  return false
}

/** How many names a file has that was just renamed, not what this host knew by its old name. */
function* countLinksOfMoved(context: Context, path: string, aside: string): Operation<number> {
  if (!context.fresh) return yield* countLinks(context, aside)
  const object: ObjectPath = { key: undefined, hash: '', outer: '', shard: '', path }
  const moved = yield* openMoved(context, object, aside)
  return moved === undefined ? 0 : yield* countAndClose(moved.fd)
}

/**
 * How many names a file has; 0 when it is not there. An NFS client remembers that number for a
 * while, but for a file that is just opened it asks.
 */
function* countLinks(context: Context, path: string): Operation<number> {
  try {
    if (!context.fresh) return (yield* lstat(path)).nlink
    return yield* countAndClose(yield* open(path, OPEN_KEY))
  } catch (error) {
    if (looksAbsent(error)) return 0
    throw error
  }
}

function* countAndClose(fd: number): Operation<number> {
  try {
    return (yield* fstat(fd)).nlink
  } finally {
    yield* close(fd)
  }
}
