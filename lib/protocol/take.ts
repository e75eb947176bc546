/**
 * Take: read and remove in one, with exactly one winner.
 *
 *     1  rename the object to a private name     crash: it is taken; its value lies under a
 *        ENOENT, ESTALE: prove the absence,      private name until the sweep
 *        or try again
 *     2  read it and check all of it             crash: as above
 *     3  fsync the shard directory (full)        crash: without this a power cut may bring it
 *                                                back
 *     4  remove the private name; a large object's when its handle is closed
 *
 * `rename()` of one name succeeds once, on any file system or host. What cannot be read or
 * flushed is put back before the error is thrown. If a lost reply makes NFS say ENOENT, the
 * private name, which never existed before, tells that the rename was done.
 */
import { checkpoint, quietly, rename, type Operation } from '../drivers/effects.js'
import { isExpired } from '../object-info.js'
import { believe, exists, isAbsent, looksAbsent, MAX_ATTEMPTS, restless } from './absence.js'
import { putBack } from './aside.js'
import type { Context, Durability, ObjectPath } from './context.js'
import { asCorrupt, load, type Loaded } from './load.js'
import { openMoved, release, type Pin } from './pin.js'
import { noticeLostInstance, privateName, readOnlyError } from './private-names.js'
import { commitNames } from './publish.js'
import { checkAll, type Handle } from './read.js'

/** Takes the object of a key away; undefined when it is proved absent, or expired. */
export function* take(
  context: Context,
  object: ObjectPath,
  durability: Durability,
): Operation<Handle | undefined> {
  if (context.readOnly !== undefined) throw readOnlyError(context)
  // The time before it is taken away decides: others find nothing from then on, and would be
  // wrong if it expired only afterwards and nobody got it.
  const nowMs = context.now()
  const aside = yield* moveAside(context, object)
  if (aside === undefined) return undefined
  const [loaded, pinned] = yield* readAside(context, object, aside, durability)
  const isGone = isExpired(loaded.info, nowMs)
  const keep = loaded.bytes === undefined && !isGone
  if (!keep) yield* release(pinned)
  return isGone ? undefined : { object, ...loaded, pin: keep ? pinned : undefined }
}

function* moveAside(context: Context, object: ObjectPath): Operation<string | undefined> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    if (!(yield* believe(context, object))) return undefined
    yield* checkpoint()
    const aside = yield* privateName(context)
    try {
      yield* rename(object.path, aside)
      return aside
    } catch (error) {
      if (!looksAbsent(error)) throw asCorrupt(object, error)
      if (yield* exists(aside)) return aside
      if (yield* isAbsent(context, object)) return undefined
      yield* noticeLostInstance(context)
    }
  }
  throw restless(object)
}

/** Reads what was moved aside and makes the move last; if either fails, it is put back. */
function* readAside(
  context: Context,
  object: ObjectPath,
  aside: string,
  durability: Durability,
): Operation<[loaded: Loaded, pinned: Pin]> {
  let pinned: Pin | undefined
  try {
    pinned = yield* openMoved(context, object, aside)
    if (pinned === undefined) throw restless(object)
    const loaded = yield* load(context, object, pinned.fd)
    // A large value is read once for this: after the take it would be too late to put it back.
    if (loaded.bytes === undefined) yield* checkAll({ object, ...loaded, pin: pinned })
    yield* commitNames(context, durability, [object.shard])
    return [loaded, pinned]
  } catch (error) {
    if (pinned !== undefined) yield* release({ fd: pinned.fd, privatePath: undefined })
    yield* quietly(putBack(aside, object.path))
    throw asCorrupt(object, error)
  }
}
