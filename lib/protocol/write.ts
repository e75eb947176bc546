/**
 * Write and write-if-absent: {@link stage} makes the object under a private name, then
 * {@link publish} or {@link publishIfAbsent} gives it the name of its key. The steps, and what a
 * crash after each leaves, stand there.
 */
import { constants as fsConstants } from 'node:fs'
import { close, fchmod, open, type Operation } from '../drivers/effects.js'
import type { ObjectKey } from '../key.js'
import type { Attributes, ObjectInfo } from '../object-info.js'
import type { Source } from '../source.js'
import { requireStore } from './absence.js'
import type { Retention } from './compare-and-set.js'
import { locate, type Context, type Durability } from './context.js'
import { EXPIRING_NAME, mayExpire } from './expire.js'
import { commitNames, publish, publishIfAbsent } from './publish.js'
import { stage } from './stage.js'

/** How a value is written. */
export interface WriteHow extends Attributes {
  readonly ifAbsent: boolean
  /** Only over the object of this version: conditional stores. */
  readonly ifVersion?: string | undefined
  /** How many generations are kept: conditional stores. Default: as versioned.ts says. */
  readonly retention?: Retention | undefined
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
  if (!(yield* mayExpire(context))) yield* makeExpiring(context)
  yield* commitNames(context, durability, [context.root])
  context.expiring = true
}

function* makeExpiring(context: Context): Operation<void> {
  const { fileMode } = context
  const flags = fsConstants.O_WRONLY | fsConstants.O_CREAT | fsConstants.O_EXCL
  let fd: number
  try {
    fd = yield* open(`${context.root}/${EXPIRING_NAME}`, flags, fileMode ?? 0o666)
  } catch (error) {
    // Another process was faster. Its file may be closed to this user; that it is there is enough.
    if (yield* mayExpire(context)) return
    throw error
  }
  try {
    if (fileMode !== undefined) yield* fchmod(fd, fileMode)
  } finally {
    yield* close(fd)
  }
}
