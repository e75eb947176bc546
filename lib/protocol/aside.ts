/**
 * Moving aside: how an object is removed only if it deserves it, when another process may
 * replace it at any moment. No file system has "remove this name if it is still that file".
 *
 *     1  rename the object to a private name that  crash: the object under that name, which
 *        tells its hash and ends in `.live`        the sweep looks at as step 2 does
 *     2  judge what that took away; if it          crash: as above
 *        deserves it, unlink it
 *     3  if not, because a write fell between      crash before the link: as above; after it:
 *        the look and the rename: link it back,    the object is back, and the sweep removes
 *        if nothing newer is there, and unlink     the second name
 *
 * Between steps 1 and 3 of that one race the live object is not seen. The other way round,
 * unlinking by name, would lose the value for good.
 */
import { constants } from 'node:os'
import { isErrno } from '../errors.js'
import { link, quietly, rename, type Operation } from '../drivers/effects.js'
import { exists, looksAbsent, restless } from './absence.js'
import type { Context, ObjectPath } from './context.js'
import { openMoved, release } from './pin.js'
import { privateName } from './private-names.js'
import { removeFile } from './removal.js'

const { errno } = constants

/** Decides by an open descriptor whether an object is to be removed. */
export type Judge = (object: ObjectPath, fd: number) => Operation<boolean>

/** A private name for a live object on its way; the sweep tells by it where the object belongs. */
export function* asideName(context: Context, object: ObjectPath): Operation<string> {
  return `${yield* privateName(context)}.${object.hash}.live`
}

/** The hash of the object that a private name made by {@link asideName} stands for. */
export function hashOfAside(name: string): string | undefined {
  return /\.([0-9a-f]{64})\.live$/.exec(name)?.[1]
}

/** What became of an object: removed here, removed by somebody else, or still there. */
export type Outcome = 'removed' | 'absent' | 'kept'

/** Steps 1 to 3. */
export function* removeIf(context: Context, object: ObjectPath, judge: Judge): Operation<Outcome> {
  const aside = yield* moveAside(context, object)
  if (aside === undefined) return 'absent'
  return (yield* settle(context, object, aside, judge)) ? 'removed' : 'kept'
}

/** Step 1; returns the private name, or undefined when there was nothing to move. */
export function* moveAside(context: Context, object: ObjectPath): Operation<string | undefined> {
  const aside = yield* asideName(context, object)
  try {
    yield* rename(object.path, aside)
  } catch (error) {
    // The name is new, so if it is there now this did it, and NFS lost the reply.
    if (!looksAbsent(error)) throw error
    if (!(yield* exists(aside))) return undefined
  }
  return aside
}

/** Steps 2 and 3; says whether what was aside has been removed. */
export function* settle(
  context: Context,
  object: ObjectPath,
  aside: string,
  judge: Judge,
): Operation<boolean> {
  let isUnwanted: boolean
  try {
    isUnwanted = yield* judgeAside(context, object, aside, judge)
  } catch (error) {
    // What cannot be judged is not removed either.
    yield* quietly(putBack(aside, object.path))
    throw error
  }
  yield* isUnwanted ? removeFile(aside) : putBack(aside, object.path)
  return isUnwanted
}

/**
 * Gives an object that was moved aside its name again, unless a newer one has it. What cannot be
 * linked (a directory, or with `fs.protected_hardlinks` another user's file) is renamed, if
 * nothing newer is there by then.
 */
export function* putBack(aside: string, path: string): Operation<void> {
  try {
    yield* link(aside, path)
  } catch (error) {
    // A sweep has taken it while this process was suspended, and deals with it.
    if (looksAbsent(error)) return
    if (isErrno(error, errno.EPERM)) {
      if (yield* exists(path)) throw error
      yield* rename(aside, path)
      return
    }
    if (!isErrno(error, errno.EEXIST)) throw error
  }
  yield* removeFile(aside)
}

function* judgeAside(
  context: Context,
  object: ObjectPath,
  aside: string,
  judge: Judge,
): Operation<boolean> {
  const pinned = yield* openMoved(context, object, aside)
  if (pinned === undefined) {
    // What was not judged must not be removed: of ESTALE the object is there still.
    if (yield* exists(aside)) throw restless(object)
    return true
  }
  try {
    return yield* judge(object, pinned.fd)
  } finally {
    // The private name is not the pin's to remove.
    yield* release({ fd: pinned.fd, privatePath: undefined })
  }
}
