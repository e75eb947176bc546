/**
 * Copy and rename: the value of one key under another.
 *
 * Copy is a read (read.ts) and a write (write.ts): what a crash leaves stands there. Metadata
 * and expiry go along; the version is new.
 *
 * Rename, in the `raw` format, is one `rename()`. An envelope names its key, so there it is:
 *
 *     1  copy to the new key                     crash: both keys have the value
 *     2  remove the old key, if its object is    crash: as above, or done
 *        still the one that was copied
 *
 * What is written to the old key before step 2 stays there; a write that falls between the look
 * and the unlink of step 2 is removed, as if it had come just before. Two renames of one key at
 * the same time may both succeed: where one must win, use take.
 */
import type { Operation } from '../drivers/effects.js'
import { checkpoint, quietly, rename as renameFile } from '../drivers/effects.js'
import type { ObjectKey } from '../key.js'
import { isAbsent, looksAbsent, MAX_ATTEMPTS, restless } from './absence.js'
import { locate, type Context, type Durability } from './context.js'
import { makeShard } from './directories.js'
import { noticeLostInstance, privateName, readOnlyError } from './private-names.js'
import { commitNames } from './publish.js'
import { closeHandle, handleSource } from './read.js'
import { verbsOf } from './verbs.js'

/** Copies the object of one key to another; says whether there was one. */
export function* copy(
  context: Context,
  from: ObjectKey,
  to: ObjectKey,
  durability: Durability,
): Operation<boolean> {
  return (yield* copyVersion(context, from, to, durability)) !== undefined
}

/** Moves the object of one key to another; says whether there was one. */
export function* rename(
  context: Context,
  from: ObjectKey,
  to: ObjectKey,
  durability: Durability,
): Operation<boolean> {
  if (context.format === 'raw') return yield* renameRaw(context, from, to, durability)
  const copied = yield* copyVersion(context, from, to, durability)
  if (copied === undefined) return false
  if (from.text === to.text) return true
  const object = locate(context, from)
  const now = yield* verbsOf(context).stat(context, object)
  if (now?.version === copied.version) yield* verbsOf(context).remove(context, object, durability)
  return true
}

function* copyVersion(
  context: Context,
  from: ObjectKey,
  to: ObjectKey,
  durability: Durability,
): Operation<{ readonly version: string | undefined } | undefined> {
  if (context.readOnly !== undefined) throw readOnlyError(context)
  const handle = yield* verbsOf(context).read(context, locate(context, from))
  if (handle === undefined) return undefined
  const { info } = handle
  try {
    if (from.text === to.text) return info
    const { contentType, metadata, expiresAtMs } = info
    const how = { contentType, metadata, expiresAtMs, ttlMs: undefined }
    yield* verbsOf(context).write(context, to, handleSource(handle), {
      ...how,
      ifAbsent: false,
      durability,
    })
    return info
  } finally {
    yield* quietly(closeHandle(handle))
  }
}

function* renameRaw(
  context: Context,
  from: ObjectKey,
  to: ObjectKey,
  durability: Durability,
): Operation<boolean> {
  if (context.readOnly !== undefined) throw readOnlyError(context)
  const source = locate(context, from)
  const target = locate(context, to)
  let changed: readonly string[] = []
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    yield* checkpoint()
    try {
      yield* renameFile(source.path, target.path)
      yield* commitNames(context, durability, [target.shard, source.shard, ...changed])
      return true
    } catch (error) {
      if (!looksAbsent(error)) throw error
      if (yield* isAbsent(context, source)) return false
      yield* noticeLostInstance(context)
      const staging = yield* privateName(context)
      changed = [...changed, ...(yield* makeShard(context, target, staging))]
    }
  }
  throw restless(source)
}
