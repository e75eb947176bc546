/**
 * Stat: what is known of an object, without its value.
 *
 *     1  open the object (pin.ts, by plain open: one descriptor sees one version)
 *     2  read its footer, close it in the background
 *
 * In the `raw` format it is one lstat. It writes nothing, so a crash leaves nothing.
 */
import { lstat, type Operation } from '../drivers/effects.js'
import { infoOfFile, infoOfFooter, isExpired, type ObjectInfo } from '../object-info.js'
import { believe, isAbsent, looksAbsent, MAX_ATTEMPTS, restless } from './absence.js'
import type { Context, ObjectPath } from './context.js'
import { asCorrupt, corrupt, loadFooter } from './load.js'
import { pin, release } from './pin.js'

/** Describes the object of a key; undefined when it is proved absent, or expired. */
export function* stat(context: Context, object: ObjectPath): Operation<ObjectInfo | undefined> {
  // As in read.ts, the time before the object was found decides.
  const nowMs = context.now()
  const info = yield* statExpired(context, object)
  return info === undefined || isExpired(info, nowMs) ? undefined : info
}

/** The same, but an expired object is described like any other. */
export function* statExpired(
  context: Context,
  object: ObjectPath,
): Operation<ObjectInfo | undefined> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    try {
      const once = context.format === 'raw' ? statRaw : statEnvelope
      return yield* once(context, object)
    } catch (error) {
      // Of ESTALE, and of an ENOENT that does not prove to be absence, there is more to be seen.
      if (!looksAbsent(error)) throw asCorrupt(object, error)
    }
  }
  throw restless(object)
}

function* statEnvelope(context: Context, object: ObjectPath): Operation<ObjectInfo | undefined> {
  const pinned = yield* pin(context, object, 'open')
  if (pinned === undefined) return undefined
  try {
    return infoOfFooter(yield* loadFooter(object, pinned.fd))
  } finally {
    yield* release(pinned)
  }
}

function* statRaw(context: Context, object: ObjectPath): Operation<ObjectInfo | undefined> {
  if (!(yield* believe(context, object))) return undefined
  try {
    const file = yield* lstat(object.path)
    if (!file.isFile()) throw corrupt(object, 'it is not a regular file')
    return infoOfFile(object.key ?? '', file)
  } catch (error) {
    if (!looksAbsent(error)) throw error
    if (yield* isAbsent(context, object)) return undefined
    throw error
  }
}
