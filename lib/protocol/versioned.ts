/**
 * Objects of a conditional store: each is a cell (cell.ts) of the key's own place, whose
 * generations are whole objects. So every write is made on exactly what was there, and may ask that
 * this be a certain version.
 *
 * Read, stat:
 *
 *     1  find the highest generation (cell.ts)
 *     2  pin it and read it (pin.ts); if it was    crash: a private name, for the sweep
 *        pruned meanwhile, begin again
 *
 * Write, remove, take:
 *
 *     1  read the highest generation's footer; if
 *        it is not what was asked for, fail
 *     2  stage the object, or one that says that   crash: a private name, for the sweep
 *        there is none from then on
 *     3  set it as the next generation             crash: as in compare-and-set.ts
 *        (compare-and-set.ts); if somebody was
 *        faster, wait for a moment and begin
 *        again, with what is staged as the value
 */
import { StoreError } from '../errors.js'
import { background, link, quietly, unlink, type Operation } from '../drivers/effects.js'
import type { ObjectKey } from '../key.js'
import { infoOfFooter, isExpired, type ObjectInfo } from '../object-info.js'
import type { Source } from '../source.js'
import { MAX_ATTEMPTS, looksAbsent, restless } from './absence.js'
import { backOff } from './back-off.js'
import { generationPath, headNumber, holdsFile, mayBeThere, type CellPath } from './cell.js'
import {
  chainAfter,
  compareAndSet,
  setNext,
  type Retention,
  type Seen,
  type SetHow,
} from './compare-and-set.js'
import { locate, type Context, type Durability, type ObjectPath } from './context.js'
import { asCorrupt, loadFooter } from './load.js'
import { openPrivate, pinOnce, release, type Pin } from './pin.js'
import { noticeLostInstance, readOnlyError } from './private-names.js'
import { quarantinePlace } from './quarantine.js'
import { closeHandle, handleOf, handleSource, type Handle } from './read.js'
import { removeFile } from './removal.js'
import { stage, type Staged } from './stage.js'
import type { WriteHow } from './write.js'

/** Old values take room, so that few are kept. */
const RETENTION: Retention = { count: 2, ageMs: 1000, most: 256 }

/** The generation of a key that counts. */
export interface Head {
  readonly number: number
  readonly version: string
  /** Undefined where the key has no object, or one that has expired, or is damaged. */
  readonly info: ObjectInfo | undefined
  readonly isDamaged: boolean
}

const NOTHING: Head = { number: 0, version: '', info: undefined, isDamaged: false }

/** The cell that an object is: its generations lie in its place. */
export function cellOf(context: Context, object: ObjectPath): CellPath {
  return { ...object, base: context.root }
}

/** Opens the object of a key; undefined when there is none. */
export function* readVersioned(
  context: Context,
  object: ObjectPath,
): Operation<Handle | undefined> {
  const opened = yield* openHead(context, cellOf(context, object))
  return opened?.handle
}

/** Describes the object of a key; undefined when there is none. */
export function* statVersioned(
  context: Context,
  object: ObjectPath,
): Operation<ObjectInfo | undefined> {
  return (yield* readHead(context, cellOf(context, object))).info
}

/** Stores a value, under a condition; undefined where that does not hold. */
export function* writeVersioned(
  context: Context,
  key: ObjectKey,
  source: Source,
  how: WriteHow,
): Operation<ObjectInfo | undefined> {
  const cell = cellOf(context, locate(context, key))
  let value = source
  let late: Handle | undefined
  try {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      if (attempt > 0) yield* backOff(context, attempt - 1)
      const head = yield* headFor(context, cell, how)
      if (head === undefined) return undefined
      const attributes = { ...how, chain: chainAfter(head, false) }
      const staged = yield* stage(context, key, value, attributes, how.durability)
      if (late !== undefined) yield* quietly(closeHandle(late))
      late = undefined
      if (yield* setStaged(context, cell, head, staged, how)) return staged.info
      // What is not in memory is there once more only in what was staged.
      if (source.bytes === undefined) {
        late = yield* openStaged(context, cell, staged)
        value = handleSource(late)
      } else yield* background(unlink(staged.path))
    }
    throw restless(cell)
  } finally {
    if (late !== undefined) yield* quietly(closeHandle(late))
  }
}

/** Sets what is staged; its private name stays only where somebody else was faster. */
function* setStaged(
  context: Context,
  cell: CellPath,
  head: Head,
  staged: Staged,
  { durability, retention = RETENTION }: SetHow,
): Operation<boolean> {
  let isLate = false
  try {
    const isSet = yield* setNext(context, cell, head, staged, { durability, retention })
    isLate = !isSet
    return isSet
  } finally {
    if (!isLate) yield* background(unlink(staged.path))
  }
}

/** Removes the object of a key; false when there is none, undefined where the condition fails. */
export function* removeVersioned(
  context: Context,
  object: ObjectPath,
  durability: Durability,
  ifVersion?: string,
): Operation<boolean | undefined> {
  const cell = cellOf(context, object)
  if (context.readOnly !== undefined) throw readOnlyError(context)
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    if (attempt > 0) yield* backOff(context, attempt - 1)
    const head = yield* headFor(context, cell, { ifAbsent: false, ifVersion })
    if (head === undefined) return undefined
    const key = head.isDamaged ? cell.key : head.info?.key
    if (key === undefined) return false
    if (yield* setRemoved(context, cell, head, key, durability)) return true
  }
  throw restless(cell)
}

/** Reads and removes in one; undefined when there is none. */
export function* takeVersioned(
  context: Context,
  object: ObjectPath,
  durability: Durability,
): Operation<Handle | undefined> {
  const cell = cellOf(context, object)
  if (context.readOnly !== undefined) throw readOnlyError(context)
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    if (attempt > 0) yield* backOff(context, attempt - 1)
    const opened = yield* openHead(context, cell)
    if (opened === undefined) return undefined
    const { handle, number } = opened
    let isTaken = false
    try {
      const { version = '', key } = handle.info
      isTaken = yield* setRemoved(context, cell, { number, version }, key, durability)
      if (isTaken) return handle
    } finally {
      if (!isTaken) yield* quietly(closeHandle(handle))
    }
  }
  throw restless(cell)
}

/**
 * Moves what counts into quarantine, if it still is the file at that path: it is linked there, and
 * set aside by a generation that says that there is nothing. Returns where it lies then.
 *
 * @param key - its key, as its footer must say; a damaged one may not tell any more
 */
export function* quarantineVersion(
  context: Context,
  cell: CellPath,
  path: string,
  key: string,
): Operation<string | undefined> {
  const head = yield* readHead(context, cell, { atMs: -Infinity, toleratesDamage: true })
  if (generationPath(cell, head.number).path !== path) return undefined
  const place = yield* quarantinePlace(context, cell)
  yield* link(path, place)
  let isMoved = false
  try {
    isMoved = yield* setRemoved(context, cell, head, key, context.durability)
    return isMoved ? place : undefined
  } finally {
    if (!isMoved) yield* quietly(removeFile(place))
  }
}

/**
 * What a key has, if a condition holds of it; else undefined. What is damaged can be replaced and
 * removed, as anywhere, but no condition can be said to hold of it.
 */
function* headFor(
  context: Context,
  cell: CellPath,
  { ifAbsent, ifVersion }: Pick<WriteHow, 'ifAbsent' | 'ifVersion'>,
): Operation<Head | undefined> {
  const isConditional = ifAbsent || ifVersion !== undefined
  // Without its key nothing can be set in its place.
  const toleratesDamage = !isConditional && cell.key !== undefined
  const head = yield* readHead(context, cell, { toleratesDamage })
  if (ifAbsent && head.info !== undefined) return undefined
  return ifVersion === undefined || head.info?.version === ifVersion ? head : undefined
}

/** Sets a generation that says that there is no object from then on; says whether in time. */
export function* setRemoved(
  context: Context,
  cell: CellPath,
  seen: Seen,
  key: string,
  durability: Durability,
): Operation<boolean> {
  const how = { durability, retention: RETENTION }
  return (yield* compareAndSet(context, { ...cell, key }, seen, undefined, how)) !== undefined
}

/** How the generation that counts is read. */
export interface HeadHow {
  /** The time by which it is judged whether it has expired; default: now. */
  readonly atMs?: number
  /** Whether one whose footer cannot be read is told by its number; default: that is an error. */
  readonly toleratesDamage?: boolean
}

/** What the footer of the generation that counts says. */
export function* readHead(
  context: Context,
  cell: CellPath,
  { atMs, toleratesDamage = false }: HeadHow = {},
): Operation<Head> {
  const head = yield* atHead(context, cell, 'open', function* ({ object, number, pinned, nowMs }) {
    try {
      const footer = yield* loadFooter(object, pinned.fd)
      const info = infoOfFooter(footer)
      const isThere = footer.chain?.isRemoval !== true && !isExpired(info, atMs ?? nowMs)
      const found = isThere ? info : undefined
      return { number, version: footer.version, info: found, isDamaged: false }
    } catch (cause) {
      const error = asCorrupt(object, cause)
      const isKept = toleratesDamage && isCorrupt(error) && (yield* holdsFile(object.path))
      if (!isKept) throw error
      return { number, version: '', info: undefined, isDamaged: true }
    } finally {
      yield* release(pinned)
    }
  })
  return head ?? NOTHING
}

/** The object that counts, opened; undefined when there is none. */
function* openHead(
  context: Context,
  cell: CellPath,
): Operation<{ readonly number: number; readonly handle: Handle } | undefined> {
  return yield* atHead(context, cell, 'link', function* ({ object, number, pinned, nowMs }) {
    const handle = yield* handleOf(context, object, pinned)
    const isThere = handle.chain?.isRemoval !== true && !isExpired(handle.info, nowMs)
    if (isThere) return { number, handle }
    yield* closeHandle(handle)
    return undefined
  })
}

/** The generation that counts, pinned, and the time before it was found, as in read.ts. */
interface Found {
  readonly object: ObjectPath
  readonly number: number
  readonly pinned: Pin
  readonly nowMs: number
}

/** What is made of the generation that counts; undefined where there never was one. */
function* atHead<T>(
  context: Context,
  cell: CellPath,
  how: 'link' | 'open',
  look: (found: Found) => Operation<T | undefined>,
): Operation<T | undefined> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const nowMs = context.now()
    const number = yield* headNumber(context, cell)
    if (number === 0) return undefined
    const object = generationPath(cell, number)
    const pinned = yield* pinListed(context, object, how)
    if (pinned === undefined) continue
    try {
      return yield* look({ object, number, pinned, nowMs })
    } catch (error) {
      if (looksAbsent(error)) continue
      // In its place a crash may have left a directory (cell.ts), which this removes.
      if (!isCorrupt(error) || (yield* holdsFile(object.path))) throw error
    }
  }
  throw restless(cell)
}

function isCorrupt(error: unknown): boolean {
  return error instanceof StoreError && error.code === 'CORRUPT'
}

/** Pins a generation that was listed; undefined when it is not there any more. */
function* pinListed(
  context: Context,
  object: ObjectPath,
  how: 'link' | 'open',
): Operation<Pin | undefined> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const pinned = yield* pinOnce(context, object, how)
    if (pinned !== undefined) return pinned
    if (how === 'link') yield* noticeLostInstance(context)
    if (!(yield* mayBeThere(context, object))) return undefined
  }
  throw restless(object)
}

/** Opens what is staged, to be staged once more; its private file goes when that is closed. */
function* openStaged(context: Context, cell: CellPath, { path }: Staged): Operation<Handle> {
  const object = { ...cell, shard: cell.path, path }
  const pinned = yield* openPrivate(object, path)
  if (pinned === undefined) throw restless(cell)
  return yield* handleOf(context, object, pinned)
}
