/**
 * Cells: small values that are compared and set, by nothing but `link()` to a name that must not
 * exist. A cell is a directory, and each of its generations a file in it, named 1, 2, 3 and so on,
 * which is linked once and never replaced. The highest is what the cell holds.
 *
 * Read:
 *
 *     1  revalidate the cell's directory, where
 *        other hosts may change it
 *     2  where its list may lack what changed      crash: an empty directory, for the pruning
 *        within a tick (server-clock.ts): make
 *        a directory of a name of its own in it,
 *        and remove it, for after a change of its
 *        own a host believes no list from before
 *     3  list it; the highest number counts
 *     4  read that generation; if it was pruned    crash: as in step 2
 *        meanwhile, begin again
 *
 * It is lock-free, too: whoever has to begin again does so because a newer generation came.
 */
import { constants as fsConstants } from 'node:fs'
import { constants } from 'node:os'
import { isErrno } from '../errors.js'
import { checkpoint, close, open, readdir, type Operation } from '../drivers/effects.js'
import type { ObjectKey } from '../key.js'
import { find, looksAbsent, MAX_ATTEMPTS, readIfThere, requireStore, restless } from './absence.js'
import type { CellSpace } from './cell-spaces.js'
import { isShared, locateUnder, type Context, type ObjectPath } from './context.js'
import { makeDirectories, makePlainDirectory, revalidate } from './directories.js'
import { asCorrupt, load } from './load.js'
import { isTaken } from './pin.js'
import { privateName } from './private-names.js'
import { readBytes } from './read.js'
import { removeDirectory } from './removal.js'
import { isCoarse } from './server-clock.js'

const { errno } = constants
const OPEN_FILE = fsConstants.O_RDONLY | fsConstants.O_NOFOLLOW | fsConstants.O_NONBLOCK

/** What the names of directories of step 2 begin with. */
const LOOK = 'look-'

/** Where a cell lies: its `path` is the directory of its generations. */
export interface CellPath extends ObjectPath {
  /** The directory of all cells of its kind. */
  readonly base: string
}

/** What a cell held, or holds. */
export interface Generation {
  /** 0 before the first; each is one more than the one that it followed. */
  readonly number: number
  /** Unique to the write that made it; empty for generation 0. */
  readonly version: string
  /** The version of the generation that it followed. */
  readonly follows: string
  /** Undefined before the first, and where the value was removed. */
  readonly value: Buffer | undefined
}

/** Generation 0: the cell was never written. */
export const NEVER_WRITTEN: Generation = { number: 0, version: '', follows: '', value: undefined }

/** Where the cell of a name lies. */
export function locateCell(context: Context, space: CellSpace, name: ObjectKey): CellPath {
  const base = `${context.root}/${space}`
  return { ...locateUnder(base, name.hash, name.text), base }
}

/** Where a generation lies. */
export function generationPath(cell: CellPath, number: number): ObjectPath {
  return { ...cell, shard: cell.path, path: `${cell.path}/${number}` }
}

/** Makes the directory of a cell; returns the directories that gained an entry. */
export function* makeCell(context: Context, cell: CellPath): Operation<string[]> {
  const paths = [cell.base, cell.outer, cell.shard, cell.path]
  return yield* makeDirectories(context, paths, yield* privateName(context))
}

/**
 * What a cell holds now.
 *
 * @param known - what it held when it was last looked at: not read again if it still does
 */
export function* readCell(
  context: Context,
  cell: CellPath,
  known?: Generation,
): Operation<Generation> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const number = yield* headNumber(context, cell)
    if (number === 0) return NEVER_WRITTEN
    if (number === known?.number) return known
    const found = yield* readGeneration(context, cell, number)
    if (found !== undefined) return found
  }
  throw restless(cell)
}

/** Steps 1 to 3: the highest number; 0 where there is none. */
export function* headNumber(context: Context, cell: CellPath): Operation<number> {
  yield* checkpoint()
  yield* distrustList(context, cell)
  return numbersIn(yield* namesIn(context, cell)).at(-1) ?? 0
}

/** What is in the directory of a cell; nothing when it is not there. */
export function* namesIn(context: Context, cell: CellPath): Operation<string[]> {
  const isThere = !isShared(context) || (yield* revalidate(cell.path, context.root))
  const names = isThere ? yield* readIfThere(cell.path, readdir) : undefined
  if (names === undefined) yield* requireStore(context)
  return names ?? []
}

/** The numbers of generations, in order. Some of the lowest may be there by mistake. */
export function numbersIn(names: readonly string[]): number[] {
  const numbers = names.filter((name) => /^[1-9]\d*$/.test(name)).map(Number)
  return numbers.filter(Number.isSafeInteger).sort((one, other) => one - other)
}

/** Whether a name in the directory of a cell is that of a directory of step 2. */
export function isLook(name: string): boolean {
  return name.startsWith(LOOK)
}

/** Step 2. */
function* distrustList(context: Context, cell: CellPath): Operation<void> {
  if (context.readOnly !== undefined || !(yield* isCoarse(context))) return
  const path = `${cell.path}/${LOOK}${(yield* privateName(context)).split('/').slice(-2).join('-')}`
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    try {
      yield* makePlainDirectory(path, 0o700)
      yield* removeDirectory(path)
      return
    } catch (error) {
      // Whoever may not write here has to go by the list.
      if (isErrno(error, errno.EACCES, errno.EPERM, errno.EROFS)) return
      if (!looksAbsent(error)) throw error
      yield* requireStore(context)
      yield* makeCell(context, cell)
    }
  }
  throw restless(cell)
}

/** Reads a generation; undefined when it is not there, or not any more. */
export function* readGeneration(
  context: Context,
  cell: CellPath,
  number: number,
): Operation<Generation | undefined> {
  const object = generationPath(cell, number)
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    try {
      return yield* loadGeneration(context, object, number)
    } catch (error) {
      if (isErrno(error, errno.EISDIR)) {
        yield* removeDirectory(object.path)
        return undefined
      }
      if (!looksAbsent(error)) throw asCorrupt(object, error)
      if (!(yield* mayBeThere(context, object))) return undefined
    }
  }
  throw restless(object)
}

/**
 * Whether a generation that could not be found may be there all the same: on NFS 3 a name that
 * this host remembers as absent may have come within the same tick.
 */
export function* mayBeThere(context: Context, { path }: ObjectPath): Operation<boolean> {
  return (yield* isCoarse(context)) && (yield* isTaken(path)) && (yield* holdsFile(path))
}

function* loadGeneration(
  context: Context,
  object: ObjectPath,
  number: number,
): Operation<Generation> {
  const fd = yield* open(object.path, OPEN_FILE)
  try {
    const loaded = yield* load(context, object, fd)
    const pin = { fd, privatePath: undefined }
    const bytes = yield* readBytes({ object, ...loaded, pin })
    const { version = '' } = loaded.info
    const { follows = '', isRemoval = false } = loaded.chain ?? {}
    return { number, version, follows, value: isRemoval ? undefined : bytes }
  } finally {
    yield* close(fd)
  }
}

/** Whether a name is a generation's; a directory that a crash left in its place is removed. */
export function* holdsFile(path: string): Operation<boolean> {
  const found = yield* find(path)
  if (found?.isDirectory() === true) yield* removeDirectory(path)
  return found !== undefined && !found.isDirectory()
}
