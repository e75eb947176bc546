/**
 * Write and write-if-absent: {@link stage} makes the object under a private name, then
 * {@link publish} or {@link publishIfAbsent} gives it the name of its key. The steps, and what a
 * crash after each leaves, stand there.
 */
import { constants as fsConstants } from 'node:fs'
import { close, open, type Operation } from '../drivers/effects.js'
import type { ObjectKey } from '../key.js'
import type { Attributes, ObjectInfo } from '../object-info.js'
import type { Source } from '../source.js'
import { requireStore } from './absence.js'
import { locate, type Context, type Durability } from './context.js'
import { EXPIRING_NAME } from './expire.js'
import { commitNames, publish, publishIfAbsent } from './publish.js'
import { stage } from './stage.js'

/** How a value is written. */
export interface WriteHow extends Attributes {
  readonly ifAbsent: boolean
  readonly durability: Durability
}

/** Stores a value; undefined when `ifAbsent` was asked for and the key has an object. */
export function* write(
  context: Context,
  key: ObjectKey,
  source: Source,
  how: WriteHow,
): Operation<ObjectInfo | undefined> {
  const { ifAbsent, durability } = how
  const expires = how.ttlMs !== undefined || how.expiresAtMs !== undefined
  if (expires) yield* noteExpiring(context, durability)
  const staged = yield* stage(context, key, source, how, durability)
  const object = locate(context, key)
  if (!ifAbsent) {
    yield* publish(context, staged, object, durability)
    return staged.info
  }
  const won = yield* publishIfAbsent(context, staged, object, durability)
  return won ? staged.info : undefined
}

/** Says in the root, once and for all, that this store has objects that expire. */
function* noteExpiring(context: Context, durability: Durability): Operation<void> {
  if (context.expiring || context.readOnly !== undefined) return
  // Where the volume is not mounted now, its mount point must not be written to.
  yield* requireStore(context)
  const flags = fsConstants.O_WRONLY | fsConstants.O_CREAT
  const path = `${context.root}/${EXPIRING_NAME}`
  yield* close(yield* open(path, flags, context.fileMode ?? 0o666))
  yield* commitNames(context, durability, [context.root])
  context.expiring = true
}
