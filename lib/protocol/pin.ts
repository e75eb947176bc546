/**
 * Pinning: a descriptor of an object that stays what it is, whatever other hosts do.
 *
 *     0  revalidate the shard directory, where the file system is not known to be local
 *     1  link the object to a private name       crash: a private name, for the sweep
 *        ENOENT, ESTALE: prove the absence, or look again
 *     2  open the private name                   crash: as above
 *
 * Where links cannot be had (EMLINK: EFS allows 177; EPERM: `fs.protected_hardlinks` and
 * another user's file; EROFS; a full disk; no links at all) the object itself is opened. That
 * pins it as well, but for NFS, whose server forgets a file that another host replaced: reading
 * on then fails with ESTALE, and a read that has returned nothing yet starts again.
 */
import { constants as fsConstants } from 'node:fs'
import { constants } from 'node:os'
import { publishNotice } from '../diagnostics.js'
import { isErrno } from '../errors.js'
import {
  background,
  close,
  link,
  open,
  quietly,
  rmdir,
  unlink,
  type Operation,
} from '../drivers/effects.js'
import { believe, isAbsent, looksAbsent, MAX_ATTEMPTS, restless } from './absence.js'
import type { Context, ObjectPath } from './context.js'
import { makePlainDirectory } from './directories.js'
import { asCorrupt } from './load.js'
import { noticeLostInstance, privateName } from './private-names.js'
import { removeFile } from './removal.js'

const { errno } = constants

// A symbolic link in an object's place is never followed, and a pipe there must not block.
const OPEN_OBJECT = fsConstants.O_RDONLY | fsConstants.O_NOFOLLOW | fsConstants.O_NONBLOCK

/** Links this often to a hot object; plain open, which a local rename never disturbs, after. */
const LINK_ATTEMPTS = 16

/** An open object. */
export interface Pin {
  readonly fd: number
  /** The name that pins it; undefined where only the descriptor does. */
  readonly privatePath: string | undefined
}

/** Pins the object of a key; undefined when it is proved absent. */
export function* pin(
  context: Context,
  object: ObjectPath,
  how: 'link' | 'open',
): Operation<Pin | undefined> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    if (!(yield* believe(context, object))) return undefined
    const tried = attempt < LINK_ATTEMPTS ? how : 'open'
    const pinned = yield* pinOnce(context, object, tried)
    if (pinned !== undefined) return pinned
    if (yield* isAbsent(context, object)) return undefined
    if (tried === 'link') yield* noticeLostInstance(context)
  }
  throw restless(object)
}

/** Steps 1 and 2, once; undefined when it looks absent. */
export function* pinOnce(
  context: Context,
  object: ObjectPath,
  how: 'link' | 'open',
): Operation<Pin | undefined> {
  const byLink = how === 'link' && context.reads === 'link'
  return byLink ? yield* pinByLink(context, object) : yield* pinByOpen(object)
}

/** Closes a pinned object and removes its private name, without anybody waiting for it. */
export function* release({ fd, privatePath }: Pin): Operation<void> {
  // The descriptor first: NFS keeps a file that is unlinked while open as .nfs*.
  yield* background(closeAndUnlink(fd, privatePath))
}

function* closeAndUnlink(fd: number, privatePath: string | undefined): Operation<void> {
  yield* close(fd)
  if (privatePath !== undefined) yield* unlink(privatePath)
}

function* pinByOpen(object: ObjectPath): Operation<Pin | undefined> {
  try {
    return { fd: yield* open(object.path, OPEN_OBJECT), privatePath: undefined }
  } catch (error) {
    if (looksAbsent(error)) return undefined
    throw asCorrupt(object, error)
  }
}

function* pinByLink(context: Context, object: ObjectPath): Operation<Pin | undefined> {
  let privatePath = ''
  try {
    privatePath = yield* privateName(context)
    yield* link(object.path, privatePath)
  } catch (error) {
    if (looksAbsent(error)) return undefined
    // The name is new, so if it is there now this did it, and NFS lost the reply.
    if (!isErrno(error, errno.EEXIST)) {
      noticeNoLinks(context, error)
      return yield* pinByOpen(object)
    }
  }
  let pinned: Pin | undefined
  try {
    pinned = yield* openPrivate(object, privatePath)
    return pinned
  } finally {
    if (pinned === undefined) yield* quietly(removeFile(privatePath))
  }
}

/** Opens a private name; undefined when the sweep took it while this process was suspended. */
export function* openPrivate(object: ObjectPath, privatePath: string): Operation<Pin | undefined> {
  try {
    return { fd: yield* open(privatePath, OPEN_OBJECT), privatePath }
  } catch (error) {
    if (looksAbsent(error)) return undefined
    throw asCorrupt(object, error)
  }
}

/**
 * Opens what was just moved from the object's name to a private one. Of a rename an NFS client
 * learns only that it was done: it takes what has the new name for the file that it remembers
 * under the old, even if the server moved one that is newer. A `mkdir` there, which must fail,
 * makes it ask.
 */
export function* openMoved(
  context: Context,
  object: ObjectPath,
  privatePath: string,
): Operation<Pin | undefined> {
  // The sweep may have removed it.
  if (context.fresh && !(yield* isTaken(privatePath))) return undefined
  return yield* openPrivate(object, privatePath)
}

/**
 * Whether something has a name, by asking the server: of a name that must not exist a host
 * answers nothing from memory, unless it has found it there.
 */
export function* isTaken(path: string): Operation<boolean> {
  try {
    if (!(yield* makePlainDirectory(path, 0o700))) return true
    yield* rmdir(path)
    return false
  } catch (error) {
    if (looksAbsent(error)) return false
    throw error
  }
}

/** Where the whole file system has no links, there is no use in asking for each object. */
function noticeNoLinks(context: Context, error: unknown): void {
  const { EROFS, EOPNOTSUPP, ENOSYS, EXDEV } = errno
  if (context.readOnly === undefined && !isErrno(error, EROFS, EOPNOTSUPP, ENOSYS, EXDEV)) return
  context.reads = 'open'
  publishNotice('hard links cannot be had here: objects are read by plain open', error)
}
