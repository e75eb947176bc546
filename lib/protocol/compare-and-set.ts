/**
 * Compare and set: the value of a cell (cell.ts) is replaced if it is still what was read.
 *
 *     1  stage the value under a private name,     crash: a private name, for the sweep
 *        with the version of what was read
 *     2  link it to the next number                crash: set; a private name is left
 *        EEXIST: somebody was faster, or
 *        NFS lost the reply to ours
 *     3  list again; if a higher number is there,  crash: as above, or what step 4 removes
 *        read the one after ours: if it does not
 *        follow ours, ours came too late
 *     4  if so, rename ours to a private name and  crash: a low number that nobody reads, for
 *        see whether it is ours, unlink it, fail   the pruning, or a private name
 *     5  fsync the cell's directory, and the       crash: without this a power cut may undo it
 *        parents of directories just made (full)
 *     6  prune: unlink the lowest generations,     crash: the rest is left for the next time
 *        in order; unlink the private name
 *
 * Why it is right. A number is linked once as long as it is not pruned, and pruned only when
 * higher ones are there. So if the next number is free and is the highest once it is linked, what
 * was read was the highest until then. If higher ones are there, either others have gone on from
 * ours, which says so in the one after it; or ours had been used and pruned while this process was
 * held up between its read and its link. Nobody is misled by such a number until it is unlinked:
 * it is not the highest, so nobody reads it, and whoever finds it taken is as late.
 *
 * On NFS the reply to a link that was done may be lost, and the link that is repeated fails. It
 * is ours then if both names are those of one file. Where one of the two is gone (the private
 * one swept, the other pruned) nobody can tell any more, and this is what is said. Nor can they
 * of a number that came too late: the link may be the repetition of one that did not.
 *
 * Why it is lock-free. No step waits for another process, and nothing has to be undone for one
 * that died: of all that link to the same number one is done, and its value counts from then on.
 * Who fails has been overtaken by somebody who did not.
 */
import { constants } from 'node:os'
import { isErrno, StoreError } from '../errors.js'
import {
  background,
  checkpoint,
  link,
  lstat,
  quietly,
  rename,
  unlink,
  type Operation,
} from '../drivers/effects.js'
import type { Chain } from '../format/footer.js'
import { toObjectKey } from '../key.js'
import { bytesSource } from '../source.js'
import { exists, find, looksAbsent, MAX_ATTEMPTS, requireStore, restless } from './absence.js'
import {
  generationPath,
  holdsFile,
  isLook,
  makeCell,
  namesIn,
  numbersIn,
  readGeneration,
  type CellPath,
  type Generation,
} from './cell.js'
import { isShared, type Context, type Durability, type ObjectPath } from './context.js'
import { revalidate } from './directories.js'
import { asCorrupt } from './load.js'
import { isTaken } from './pin.js'
import { privateName } from './private-names.js'
import { asUnsupported, commitNames, isSameFile, requireFile } from './publish.js'
import { removeDirectory, removeFile } from './removal.js'
import { stage, type Staged } from './stage.js'

const { errno } = constants

/** How many generations are kept. */
export interface Retention {
  /** So many of the highest always; what is beyond goes in batches as large. */
  readonly count: number
  /** Those, too, that were superseded less than this ago, by the server's clock; */
  readonly ageMs: number
  /** but never more than this. */
  readonly most: number
}

/**
 * Whoever is held up for less than this learns for sure whether it was in time. For longer, and
 * if it was in time or is on NFS, it learns only that this is not known.
 */
const RETENTION: Retention = { count: 8, ageMs: 1000, most: 256 }

/** The generation that a change is made on; version '': none, or one that cannot be read. */
export type Seen = Pick<Generation, 'number' | 'version'>

/** What the next generation says of the one that was seen. */
export function chainAfter({ version }: Seen, isRemoval: boolean): Chain {
  return { follows: version === '' ? undefined : version, isRemoval }
}

/** How a cell is set. */
export interface SetHow {
  readonly durability: Durability
  readonly retention?: Retention | undefined
}

/**
 * Sets a cell to a value, or removes its value, if it still holds what was read.
 *
 * @returns what it holds then; undefined when somebody else was faster
 */
export function* compareAndSet(
  context: Context,
  cell: CellPath,
  seen: Seen,
  value: Uint8Array | undefined,
  { durability, retention }: SetHow,
): Operation<Generation | undefined> {
  const staged = yield* stageNext(context, cell, seen, value, durability)
  try {
    if (!(yield* setNext(context, cell, seen, staged, { durability, retention }))) return undefined
  } finally {
    yield* background(unlink(staged.path))
  }
  return {
    number: seen.number + 1,
    version: staged.info.version ?? '',
    follows: seen.version,
    value: value === undefined ? undefined : Buffer.from(value),
  }
}

/** Steps 2 to 6 but for the private name; says whether this was in time. */
export function* setNext(
  context: Context,
  cell: CellPath,
  seen: Seen,
  staged: Staged,
  { durability, retention = RETENTION }: SetHow,
): Operation<boolean> {
  yield* checkpoint()
  const changed = yield* linkNext(context, cell, seen, staged)
  if (changed === undefined) return false
  const names = yield* namesIn(context, cell)
  const number = seen.number + 1
  if (!(yield* wasInTime(context, cell, number, staged, names))) return false
  yield* commitNames(context, durability, [cell.path, ...changed])
  yield* quietly(prune(cell, number, names, retention))
  return true
}

function* stageNext(
  context: Context,
  cell: CellPath,
  seen: Seen,
  value: Uint8Array | undefined,
  durability: Durability,
): Operation<Staged> {
  const attributes = {
    metadata: {},
    contentType: undefined,
    ttlMs: undefined,
    expiresAtMs: undefined,
    chain: chainAfter(seen, value === undefined),
  }
  const source = bytesSource(value ?? new Uint8Array(), true)
  return yield* stage(context, toObjectKey(cell.key), source, attributes, durability)
}

/** Step 2; returns the directories that gained an entry, undefined when somebody was faster. */
function* linkNext(
  context: Context,
  cell: CellPath,
  seen: Pick<Generation, 'number'>,
  staged: Staged,
): Operation<string[] | undefined> {
  const object = generationPath(cell, seen.number + 1)
  const changed: string[] = []
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    try {
      yield* link(staged.path, object.path)
      return changed
    } catch (error) {
      if (looksAbsent(error)) {
        yield* requireStore(context)
        yield* requireFile(staged)
        if (seen.number > 0 && !(yield* isThere(context, cell))) return undefined
        changed.push(...(yield* makeCell(context, cell)))
        if (isShared(context)) yield* revalidate(cell.path, context.root)
      } else if (isErrno(error, errno.EEXIST)) {
        const isOurs = yield* hasNumber(context, cell, object, staged)
        if (isOurs !== undefined) return isOurs ? changed : undefined
      } else throw asUnsupported(asCorrupt(object, error))
    }
  }
  throw restless(object)
}

/** Whether it is ours that has a number that is taken; undefined: neither, it can be had now. */
function* hasNumber(
  context: Context,
  cell: CellPath,
  object: ObjectPath,
  staged: Staged,
): Operation<boolean | undefined> {
  // The reply to a link that was done may have been lost.
  if (yield* isSameFile(staged.path, object.path)) return true
  // A sweep may have removed the private name meanwhile: then this cannot be told.
  if (!(yield* exists(staged.path))) throw unsure(cell, 'its private file is gone')
  const found = yield* find(object.path)
  if (found?.isDirectory() === true) {
    yield* removeDirectory(object.path)
    return undefined
  }
  // Pruned since. To link it again would make a late one of ours even if it was in time.
  if (found === undefined && isShared(context)) throw overtaken(cell)
  return false
}

function* isThere(context: Context, cell: CellPath): Operation<boolean> {
  if (isShared(context)) return yield* revalidate(cell.path, context.root)
  return yield* exists(cell.path)
}

/** Steps 3 and 4. */
function* wasInTime(
  context: Context,
  cell: CellPath,
  number: number,
  staged: Staged,
  names: readonly string[],
): Operation<boolean> {
  if ((numbersIn(names).at(-1) ?? 0) <= number) return true
  const successor = yield* readGeneration(context, cell, number + 1)
  if (successor?.follows === staged.info.version) return true
  // Numbers are pruned in order: if ours is there and its successor is not, it never had one.
  const isTakenBack = yield* takeBack(context, cell, number, staged)
  // NFS repeats a link whose reply was lost, and may do so when the number is free again.
  if (isShared(context) || !isTakenBack) throw overtaken(cell)
  return false
}

/** Step 4; says whether it was ours that had the number. */
function* takeBack(
  context: Context,
  cell: CellPath,
  number: number,
  staged: Staged,
): Operation<boolean> {
  const aside = yield* privateName(context)
  try {
    yield* rename(generationPath(cell, number).path, aside)
  } catch (error) {
    if (!looksAbsent(error)) throw error
    // The name is new, so if it is there now this did it, and NFS lost the reply.
    if (!(yield* exists(aside))) return false
  }
  // As in pin.ts: of a rename a host does not learn which file it moved, unless it asks.
  if (isShared(context) && !(yield* isTaken(aside))) return false
  const isOurs = yield* isSameFile(staged.path, aside)
  yield* removeFile(aside)
  return isOurs
}

/** Step 6, of what was listed. */
function* prune(
  cell: CellPath,
  newest: number,
  names: readonly string[],
  { count, ageMs, most }: Retention,
): Operation<void> {
  const listed = numbersIn(names)
  if (listed.length < 2 * count) return
  for (const name of names.filter(isLook)) yield* removeDirectory(`${cell.path}/${name}`)
  const { mtimeMs: nowMs } = yield* lstat(generationPath(cell, newest).path)
  for (const [index, number] of listed.entries()) {
    if (newest - number < count) return
    if (newest - number < most) {
      // Of a number that is there by mistake the one that followed may be gone.
      const successor = listed[index + 1] ?? newest
      const { mtimeMs } = yield* lstat(generationPath(cell, successor).path)
      if (nowMs - mtimeMs < ageMs) return
    }
    const { path } = generationPath(cell, number)
    // What is gone already another process removes, and what follows, in order.
    if ((yield* holdsFile(path)) && !(yield* removeFile(path))) return
  }
}

function overtaken(cell: CellPath): StoreError {
  return unsure(cell, 'it has moved on for long since')
}

function unsure({ path }: CellPath, why: string): StoreError {
  const message = `it is not known whether the change was made: ${why}`
  return new StoreError('UNAVAILABLE', `${message}; read what is there, then try again`, { path })
}
