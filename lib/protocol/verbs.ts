/**
 * Verbs: what is done to one object, by what kind of store it is in. In a conditional store each
 * object is a cell (versioned.ts), elsewhere a file. Nothing happens here.
 */
import { StoreError } from '../errors.js'
import type { Operation } from '../drivers/effects.js'
import type { ObjectKey } from '../key.js'
import type { ObjectInfo } from '../object-info.js'
import type { Source } from '../source.js'
import { readCached, statCached } from './cached-read.js'
import type { Context, Durability, ObjectPath } from './context.js'
import { read, type Handle } from './read.js'
import { remove } from './remove.js'
import { stat } from './stat.js'
import { take } from './take.js'
import * as versioned from './versioned.js'
import { write, type WriteHow } from './write.js'

/** The verbs that change or describe one object. See the files they are in. */
export interface Verbs {
  read(context: Context, object: ObjectPath): Operation<Handle | undefined>
  stat(context: Context, object: ObjectPath): Operation<ObjectInfo | undefined>
  /** Undefined where the key has an object, or not the one that was asked for. */
  write(
    context: Context,
    key: ObjectKey,
    source: Source,
    how: WriteHow,
  ): Operation<ObjectInfo | undefined>
  /** Undefined where the key has not the object that was asked for. */
  remove(
    context: Context,
    object: ObjectPath,
    durability: Durability,
    ifVersion?: string,
  ): Operation<boolean | undefined>
  take(context: Context, object: ObjectPath, durability: Durability): Operation<Handle | undefined>
}

const PLAIN: Verbs = {
  read,
  stat,
  write: (context, key, source, how) => {
    if (how.ifVersion !== undefined) throw noConditions()
    return write(context, key, source, how)
  },
  remove: (context, object, durability, ifVersion) => {
    if (ifVersion !== undefined) throw noConditions()
    return remove(context, object, durability)
  },
  take,
}

const CACHED: Verbs = {
  ...PLAIN,
  read: readCached,
  stat: statCached,
}

const VERSIONED: Verbs = {
  read: versioned.readVersioned,
  stat: versioned.statVersioned,
  write: versioned.writeVersioned,
  remove: versioned.removeVersioned,
  take: versioned.takeVersioned,
}

/** The verbs of a store. */
export function verbsOf({ isConditional, cache }: Context): Verbs {
  if (isConditional) return VERSIONED
  return cache === undefined ? PLAIN : CACHED
}

function noConditions(): StoreError {
  const message = 'ifVersion needs a store that was made with conditional: true'
  const why = 'elsewhere another write could come between the look and the change'
  return new StoreError('NOT_SUPPORTED', `${message}: ${why}`)
}
