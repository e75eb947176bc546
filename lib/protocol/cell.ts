/**
 * Cells: small values that are compared and set, by nothing but `link()` to a name that must not
 * exist. A cell is a directory, and each of its generations a file in it, named 1, 2, 3 and so on,
 * which is linked once and never replaced. The highest is what the cell holds.
 *
 * Read:
 *
 *     1  revalidate the cell's directory, where
 *        other hosts may change it, and list it
 *     2  where the list may lack what changed      crash: an empty directory, which whoever
 *        within a tick (server-clock.ts): make      meets it removes
 *        a directory under the next number, which
 *        proves that there is no such generation,
 *        and remove it; or go on to the next
 *     3  read the highest generation; if it was
 *        pruned meanwhile, begin again
 *
 * It is lock-free, too: whoever has to begin again does so because a newer generation came.
 */
import { constants as fsConstants } from 'node:fs'
import { constants } from 'node:os'
import { errnoOf, isErrno } from '../errors.js'
import {
  background,
  checkpoint,
  close,
  mkdir,
  open,
  readdir,
  type Operation,
} from '../drivers/effects.js'
import type { ObjectKey } from '../key.js'
import {
  find,
  looksAbsent,
  MAX_ATTEMPTS,
  readIfThere,
  requireStore,
  restless,
} from './absence.js'
import { locateUnder, type Context, type ObjectPath } from './context.js'
import { makeDirectories, revalidate } from './directories.js'
import { asCorrupt, load } from './load.js'
import { privateName } from './private-names.js'
import { readBytes } from './read.js'
import { removeDirectory } from './removal.js'
import { isCoarse } from './server-clock.js'

const { errno } = constants
const OPEN_FILE = fsConstants.O_RDONLY | fsConstants.O_NOFOLLOW | fsConstants.O_NONBLOCK

/** The directories of the root that hold cells, each for a purpose of its own. */
export const CELL_SPACES = ['.cells', '.leases', '.flights'] as const

/** One of {@link CELL_SPACES}: cells of the same name in two of them have nothing in common. */
export type CellSpace = (typeof CELL_SPACES)[number]

/** Where a cell lies: its `path` is the directory of its generations. */
export interface CellPath extends ObjectPath {
  readonly name: ObjectKey
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
  return { ...locateUnder(base, name.hash, name.text), name, base }
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
    yield* checkpoint()
    const listed = (yield* generationsOf(context, cell)).at(-1) ?? 0
    const number = yield* afterListed(context, cell, listed)
    if (number === 0) return NEVER_WRITTEN
    // Where step 2 was needed, it may have found a number free that was pruned: so was this one.
    if (number === known?.number && !(yield* isCoarse(context))) return known
    const found = yield* readGeneration(context, cell, number)
    if (found !== undefined) return found
  }
  throw restless(cell)
}

/** The generations that are listed, in order. Some of the lowest may be there by mistake. */
export function* generationsOf(context: Context, cell: CellPath): Operation<number[]> {
  const isThere = !context.remote || (yield* revalidate(cell.path, context.root))
  const names = isThere ? yield* readIfThere(cell.path, readdir) : undefined
  if (names === undefined) {
    yield* requireStore(context)
    return []
  }
  const numbers = names.filter((name) => /^[1-9]\d*$/.test(name)).map(Number)
  return numbers.filter(Number.isSafeInteger).sort((one, other) => one - other)
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
      // A name that this host remembers as absent may have come within the same tick.
      const mayBeThere = (yield* isCoarse(context)) && (yield* isTaken(context, cell, number))
      if (!mayBeThere) return undefined
    }
  }
  throw restless(object)
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
    const { version = '', metadata } = loaded.info
    const { follows = '', removed } = metadata
    return { number, version, follows, value: removed === undefined ? bytes : undefined }
  } finally {
    yield* background(close(fd))
  }
}

/** Step 2: the highest generation, where the list says that it is at least this one. */
function* afterListed(context: Context, cell: CellPath, listed: number): Operation<number> {
  if (context.readOnly !== undefined || !(yield* isCoarse(context))) return listed
  let number = listed
  try {
    while (yield* isTaken(context, cell, number + 1)) number += 1
  } catch (error) {
    // Whoever may not write here cannot ask, and goes by the list.
    if (!isErrno(error, errno.EACCES, errno.EPERM, errno.EROFS)) throw error
  }
  return number
}

/**
 * Whether there is a generation of this number, by asking the server: of a name that must not
 * exist a host answers nothing from memory, unless it has found it there.
 */
function* isTaken(context: Context, cell: CellPath, number: number): Operation<boolean> {
  const object = generationPath(cell, number)
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    try {
      yield* mkdir(object.path, 0o700)
      yield* removeDirectory(object.path)
      return false
    } catch (error) {
      if (looksAbsent(error)) {
        yield* requireStore(context)
        yield* makeCell(context, cell)
      } else if (errnoOf(error) !== errno.EEXIST) throw error
      else if (yield* holdsFile(object.path)) return true
    }
  }
  throw restless(object)
}

/** Whether a name that was taken is a generation's; a directory of somebody's step 2 is removed. */
export function* holdsFile(path: string): Operation<boolean> {
  const found = yield* find(path)
  if (found?.isDirectory() === true) yield* removeDirectory(path)
  return found !== undefined && !found.isDirectory()
}
