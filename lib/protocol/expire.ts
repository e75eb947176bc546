/**
 * Expired objects: absent to every verb, though their files remain until something replaces or
 * removes them.
 *
 * Whether a store has any is said by an empty file `.expiring` in its root, made before the
 * first write with a ttl and never removed, so that stores without them need not look at each
 * object to count or delete it.
 *
 * To remove one, exactly once and never a live one:
 *
 *     1  rename the object to a private name      crash: the expired object under a private name
 *     2  read what that took away; expired:       crash: as above
 *        unlink it
 *     3  not expired, because a write fell        crash before the link: the live object under
 *        between the look and the rename: link       a private name ending in `.live`, which
 *        it back, if nothing newer is there          the sweep puts back
 *
 * Between steps 1 and 3 of that one race the live object is not seen. No file system has a
 * "remove if it is still this one" that would close the gap; the other way round, unlinking by
 * name, would lose the value for good.
 */
import { constants } from 'node:os'
import { isErrno } from '../errors.js'
import { link, lstat, quietly, rename, unlink, type Operation } from '../drivers/effects.js'
import { isExpired } from '../object-info.js'
import { exists, looksAbsent } from './absence.js'
import type { Context, ObjectPath } from './context.js'
import { revalidate } from './directories.js'
import { loadFooter } from './load.js'
import { openMoved, release } from './pin.js'
import { privateName } from './private-names.js'
import { statExpired } from './stat.js'

const { errno } = constants

/** The file in the root that says that the store has, or had, objects that expire. */
export const EXPIRING_NAME = '.expiring'

/** Whether any object here may be expired. */
export function* mayExpire(context: Context): Operation<boolean> {
  if (context.format === 'raw') return false
  if (context.expiring) return true
  if (context.fresh) yield* revalidate(context.root, context.root)
  try {
    yield* lstat(`${context.root}/${EXPIRING_NAME}`)
    context.expiring = true
  } catch (error) {
    if (!looksAbsent(error)) throw error
  }
  return context.expiring
}

/** Removes the object of a key if it is expired; says whether the key has no live object now. */
export function* removeIfExpired(context: Context, object: ObjectPath): Operation<boolean> {
  if (!(yield* mayExpire(context))) return false
  const info = yield* statExpired(context, object)
  if (info === undefined) return true
  if (!isExpired(info, context.now())) return false
  const aside = `${yield* privateName(context)}.live`
  try {
    yield* rename(object.path, aside)
  } catch (error) {
    if (!looksAbsent(error)) throw error
    if (!(yield* exists(aside))) return true
  }
  if (yield* isAsideExpired(context, object, aside)) {
    yield* discard(aside)
    return true
  }
  yield* putBack(aside, object.path)
  return false
}

/** Whether what was moved aside has expired; if that cannot be told, it is put back first. */
function* isAsideExpired(context: Context, object: ObjectPath, aside: string): Operation<boolean> {
  try {
    return yield* isFileExpired(context, object, aside)
  } catch (error) {
    yield* quietly(putBack(aside, object.path))
    throw error
  }
}

/** Gives an object that was moved aside its name again, unless a newer one has it. */
export function* putBack(aside: string, path: string): Operation<void> {
  try {
    yield* link(aside, path)
  } catch (error) {
    if (!isErrno(error, errno.EEXIST)) throw error
  }
  yield* discard(aside)
}

/** Removes a private name; one that is not there any more may be a reply that NFS lost. */
function* discard(aside: string): Operation<void> {
  try {
    yield* unlink(aside)
  } catch (error) {
    if (!looksAbsent(error)) throw error
  }
}

function* isFileExpired(context: Context, object: ObjectPath, path: string): Operation<boolean> {
  const pinned = yield* openMoved(context, object, path)
  if (pinned === undefined) return true
  try {
    const footer = yield* loadFooter(object, pinned.fd)
    return footer.expiresAtMs !== undefined && footer.expiresAtMs <= context.now()
  } finally {
    // The private name is the caller's to remove.
    yield* release({ fd: pinned.fd, privatePath: undefined })
  }
}
