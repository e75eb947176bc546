/**
 * Quarantine: a damaged object is moved out of the way, and kept for whoever wants to look at it.
 * The steps stand in verify.ts.
 */
import { rename, type Operation } from '../drivers/effects.js'
import { moveAside, putBack } from './aside.js'
import type { Context, ObjectPath } from './context.js'
import { makeDirectory } from './directories.js'
import { isDamage } from './list.js'
import { asCorrupt, load } from './load.js'
import { openMoved, release } from './pin.js'
import { privateName } from './private-names.js'
import { checkAll } from './read.js'
import { QUARANTINE_NAME } from './root.js'

/** Moves the object there if it is corrupt; returns where it lies then. */
export function* quarantine(context: Context, object: ObjectPath): Operation<string | undefined> {
  const place = yield* quarantinePlace(context, object)
  const aside = yield* moveAside(context, object)
  if (aside === undefined) return undefined
  if (yield* isSound(context, object, aside)) {
    yield* putBack(aside, object.path)
    return undefined
  }
  yield* rename(aside, place)
  return place
}

/** A new name for an object in quarantine, whose directory is made. */
export function* quarantinePlace(
  context: Context,
  { hash }: Pick<ObjectPath, 'hash'>,
): Operation<string> {
  const directory = `${context.root}/${QUARANTINE_NAME}`
  yield* makeDirectory(context, directory, yield* privateName(context))
  return `${directory}/${hash}-${context.randomId()}`
}

/** Whether another process has put a sound object there since the damage was found. */
function* isSound(context: Context, object: ObjectPath, aside: string): Operation<boolean> {
  try {
    const pin = yield* openMoved(context, object, aside)
    if (pin === undefined) return true
    try {
      const loaded = yield* load(context, object, pin.fd)
      if (loaded.bytes === undefined) yield* checkAll({ object, ...loaded, pin })
      return true
    } finally {
      yield* release({ fd: pin.fd, privatePath: undefined })
    }
  } catch (cause) {
    const error = asCorrupt(object, cause)
    // Any other error leaves it aside, and the sweep puts it back.
    if (!isDamage(error)) throw error
    return error.code !== 'CORRUPT'
  }
}
