/**
 * Cached reads: a value from memory, proved current by one call.
 *
 *     1  revalidate the shard directory, where the file system is not known to be local
 *     2  lstat the object: if it is the file that is kept, so is its value
 *     3  else read it (read.ts), and keep the      crash: a private name, for the sweep
 *        private name that pins it, and its value
 *
 * Why it is right. A file of the store never changes once it has its object's name, and as long
 * as it has any name its inode number is not given to another. So if the object is a file of the
 * number that our private name keeps, it is that file. The private name goes only with the value;
 * or if the sweep takes it, since this process was silent for longer than its grace: then a file
 * that has the number now was written later, by the same clock, than the one that is kept.
 *
 * A file that has many names already gets none that stays: file systems allow only so many (EFS
 * 177), and other readers need one each.
 */
import {
  background,
  close,
  fstat,
  fstatExact,
  lstat,
  lstatExact,
  unlink,
  type Operation,
} from '../drivers/effects.js'
import { isExpired, type ObjectInfo } from '../object-info.js'
import { believe, looksAbsent } from './absence.js'
import type { Context, ObjectPath } from './context.js'
import { read, type Handle } from './read.js'
import type { Loaded } from './load.js'
import { release, type Pin } from './pin.js'
import { stat } from './stat.js'
import type { CachedValue, FileFacts } from './value-cache.js'

/** With more names than this a file is not kept, nor read from what is kept. */
const MAX_NAMES = 64

/** As {@link read}, but from memory where that is proved current. */
export function* readCached(context: Context, object: ObjectPath): Operation<Handle | undefined> {
  const nowMs = context.now()
  const value = yield* findCached(context, object)
  if (value === undefined) {
    return yield* read(context, object, (loaded, pinned) => keep(context, object, loaded, pinned))
  }
  const { info } = value
  if (isExpired(info, nowMs)) return undefined
  return { object, info, valueCrc: undefined, bytes: copyOf(value), pin: undefined }
}

/**
 * The same for those who can look at a file at once, and where directories need not be
 * revalidated: the bytes, or undefined if they are not proved current, and must be read.
 */
export function recall(
  context: Context,
  key: string,
  look: (path: string, options?: { readonly bigint: true }) => FileFacts,
): Buffer | undefined {
  const { cache, instance } = context
  if (cache === undefined || context.fresh) return undefined
  const value = cache.getByKey(key)
  if (value === undefined || value.instanceId !== instance?.id) return undefined
  const { info, file, object } = value
  if (info.expiresAtMs !== undefined && isExpired(info, context.now())) return undefined
  let found: FileFacts
  try {
    found = isExact(file) ? look(object.path, { bigint: true }) : look(object.path)
  } catch {
    // Whatever it is, reading it tells.
    return undefined
  }
  return isSame(file, found) ? copyOf(value) : undefined
}

/** As {@link stat}, likewise. */
export function* statCached(
  context: Context,
  object: ObjectPath,
): Operation<ObjectInfo | undefined> {
  const nowMs = context.now()
  const value = yield* findCached(context, object)
  if (value === undefined) return yield* stat(context, object)
  return isExpired(value.info, nowMs) ? undefined : value.info
}

/** Unlinks the private names of values that are not used any more. */
export function* dropUnused({ cache }: Context): Operation<void> {
  if (cache !== undefined) yield* forget(cache.takeUnused())
}

/** Steps 1 and 2. What is not current is dropped. */
function* findCached(context: Context, object: ObjectPath): Operation<CachedValue | undefined> {
  const { cache } = context
  const { hash } = object
  const value = cache?.get(hash)
  if (cache === undefined || value === undefined) return undefined
  const isOurs = value.instanceId === context.instance?.id
  const isCurrent = isOurs && (yield* isFile(context, object, value))
  // If it was dropped meanwhile its number may have been given to another file before the lstat.
  const isKept = cache.peek(hash) === value
  if (isCurrent && isKept) return value
  if (isKept) yield* forget([cache.drop(hash)])
  return undefined
}

/** Whether the object is the file that is kept. */
function* isFile(context: Context, object: ObjectPath, { file }: CachedValue): Operation<boolean> {
  if (!(yield* believe(context, object))) return false
  try {
    return isSame(file, yield* isExact(file) ? lstatExact(object.path) : lstat(object.path))
  } catch (error) {
    if (looksAbsent(error)) return false
    throw error
  }
}

function isSame(kept: FileFacts, found: FileFacts): boolean {
  const isFile = found.ino === kept.ino && found.dev === kept.dev
  return isFile && found.mtimeMs === kept.mtimeMs && found.nlink <= MAX_NAMES
}

function isExact({ ino }: FileFacts): boolean {
  return typeof ino === 'bigint'
}

/** What the caller does to its bytes must not be what others read. */
function copyOf({ bytes }: CachedValue): Buffer {
  return Buffer.from(bytes)
}

/** Step 3, once the value is read: its private name stays, or goes as ever. */
function* keep(
  { cache, instance }: Context,
  object: ObjectPath,
  { info, bytes }: Loaded,
  pinned: Pin,
): Operation<void> {
  const { fd, privatePath } = pinned
  const isOurs = instance !== undefined && privatePath?.startsWith(`${instance.path}/`) === true
  const mayKeep = isOurs && bytes !== undefined && bytes.length <= (cache?.mostBytes ?? 0)
  const file = mayKeep ? yield* factsOf(fd) : undefined
  if (cache === undefined || !mayKeep || file === undefined || file.nlink > MAX_NAMES) {
    yield* release(pinned)
    return
  }
  yield* background(close(fd))
  const facts = { object, info, privatePath, instanceId: instance.id, file }
  yield* forget(cache.put(object.hash, { ...facts, bytes: Buffer.from(bytes) }))
}

/** What an open file is told by; undefined where that cannot be had: its value was read. */
function* factsOf(fd: number): Operation<FileFacts | undefined> {
  try {
    const { dev, ino, mtimeMs, nlink } = yield* fstat(fd)
    if (Number.isSafeInteger(ino)) return { dev, ino, mtimeMs, nlink }
    const exact = yield* fstatExact(fd)
    return { dev: exact.dev, ino: exact.ino, mtimeMs: exact.mtimeMs, nlink: exact.nlink }
  } catch {
    return undefined
  }
}

function* forget(dropped: readonly (CachedValue | undefined)[]): Operation<void> {
  for (const value of dropped) {
    if (value !== undefined) yield* background(unlinkKept(value.privatePath))
  }
}

/** The sweep may have been faster. */
function* unlinkKept(path: string): Operation<void> {
  try {
    yield* unlink(path)
  } catch (error) {
    if (!looksAbsent(error)) throw error
  }
}
