/**
 * Expired objects: absent to every verb, though their files remain until something replaces or
 * removes them.
 *
 * Whether a store has any is said by an empty file `.expiring` in its root, made before the
 * first write with a ttl and never removed, so that stores without them need not look at each
 * object to count or delete it.
 *
 * They are removed by aside.ts: exactly once and never a live one.
 */
import type { Operation } from '../drivers/effects.js'
import { isExpired } from '../object-info.js'
import { exists } from './absence.js'
import { removeIf, type Judge } from './aside.js'
import type { Context, ObjectPath } from './context.js'
import { revalidate } from './directories.js'
import { loadFooter } from './load.js'
import { statExpired } from './stat.js'

/** The file in the root that says that the store has, or had, objects that expire. */
export const EXPIRING_NAME = '.expiring'

/** Whether any object here may be expired. */
export function* mayExpire(context: Context): Operation<boolean> {
  if (context.format === 'raw') return false
  if (context.expiring) return true
  if (context.fresh) yield* revalidate(context.root, context.root)
  // Another operation may have found it meanwhile.
  if (yield* exists(`${context.root}/${EXPIRING_NAME}`)) context.expiring = true
  return context.expiring
}

/** Removes the object of a key if it is expired; says whether the key has no live object now. */
export function* removeIfExpired(context: Context, object: ObjectPath): Operation<boolean> {
  const nowMs = context.now()
  if (!(yield* mayExpire(context))) return false
  const info = yield* statExpired(context, object)
  if (info === undefined) return true
  if (!isExpired(info, nowMs)) return false
  return (yield* removeIf(context, object, expiredBy(nowMs))) !== 'kept'
}

/** Judges whether an object is expired at that time. */
export function expiredBy(nowMs: number): Judge {
  return function* (object, fd) {
    const { expiresAtMs } = yield* loadFooter(object, fd)
    return expiresAtMs !== undefined && expiresAtMs <= nowMs
  }
}
