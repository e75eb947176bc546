/**
 * Remove: after it the key has no object.
 *
 *     1  where objects may expire, stat it: an expired one was absent already, and stays for
 *        the sweep, since unlinking it by name could hit a newer one
 *     2  unlink the object                       crash: before it there, after it gone
 *        ENOENT, ESTALE: prove the absence, or try again
 *     3  fsync the shard directory (full)        crash: without this a power cut may bring it
 *                                                back
 *
 * A corrupt object is removed like any other. An NFS server that answers a repeated request
 * without remembering the first makes this say "was absent" of an object it did remove; the
 * key is absent in any case.
 */
import { checkpoint, unlink, type Operation } from '../drivers/effects.js'
import { isAbsent, looksAbsent, MAX_ATTEMPTS, restless } from './absence.js'
import type { Context, Durability, ObjectPath } from './context.js'
import { mayExpire } from './expire.js'
import { isDamage } from './list.js'
import { asCorrupt } from './load.js'
import { readOnlyError } from './private-names.js'
import { commitNames } from './publish.js'
import { stat } from './stat.js'

/** Removes the object of a key; says whether there was one. */
export function* remove(
  context: Context,
  object: ObjectPath,
  durability: Durability,
): Operation<boolean> {
  if (context.readOnly !== undefined) throw readOnlyError(context)
  if ((yield* mayExpire(context)) && (yield* isGone(context, object))) return false
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    yield* checkpoint()
    try {
      // Nothing is revalidated first: an unlink that succeeds removed what the server has under
      // the name, and of one that fails it is proved that there was nothing.
      yield* unlink(object.path)
    } catch (error) {
      if (!looksAbsent(error)) throw asCorrupt(object, error)
      if (yield* isAbsent(context, object)) return false
      continue
    }
    yield* commitNames(context, durability, [object.shard])
    return true
  }
  throw restless(object)
}

function* isGone(context: Context, object: ObjectPath): Operation<boolean> {
  try {
    return (yield* stat(context, object)) === undefined
  } catch (error) {
    // Whatever it is that cannot be read, it is there, and can be removed.
    if (isDamage(error)) return false
    throw error
  }
}
