/**
 * Private names: where a value is written before it is published, and pinned while it is read.
 *
 * Steps, on the first need of an opened store:
 *
 *     1  make .tmp                                 crash: an empty .tmp, which does no harm
 *     2  make .tmp/<host>-<128 random bits>        crash: an empty directory, for the sweep
 *     3  hand out names in it by counting up       crash: files in it, for the sweep
 *
 * The directory is this store's alone, so the names need no O_EXCL and never collide, whatever
 * other processes and hosts do. Anything else in .tmp (Go's SOS puts flat files there) is left
 * alone. Should the directory vanish, because the process was suspended for longer than the
 * sweep's grace, the operation that notices makes a new one and starts again.
 */
import { constants } from 'node:os'
import { errnoOf, isErrno, StoreError } from '../errors.js'
import { chmod, lstat, quietly, rmdir, unlink, type Operation } from '../drivers/effects.js'
import { MAX_ATTEMPTS, requireStore } from './absence.js'
import type { Context } from './context.js'
import { makeDirectory, makePlainDirectory } from './directories.js'

const { errno } = constants

/** The directory for private names at the root of a store. */
export const PRIVATE_DIRECTORY = '.tmp'

/** Whether an entry of the root is the directory for private names, or about to become it. */
export function isPrivateEntry(name: string): boolean {
  return name === PRIVATE_DIRECTORY || isStagingName(name)
}

/** Whether an entry of the root is about to become the directory for private names. */
export function isStagingName(name: string): boolean {
  return /^\.tmp-[0-9a-f]{32}$/.test(name)
}

/** Whether an entry of `.tmp` is an opened store's own directory. */
export function isInstanceName(name: string): boolean {
  return /^[A-Za-z0-9._-]{1,64}-[0-9a-f]{32}$/.test(name)
}

/** An opened store's own directory for private names. */
export interface Instance {
  readonly id: string
  readonly path: string
  /** Private names and versions handed out so far. */
  counter: number
  /** Set by whoever made the directory. */
  made: boolean
}

/** A name nobody else uses, in a directory that exists. */
export function* privateName(context: Context): Operation<string> {
  const instance = instanceOf(context)
  if (!instance.made) yield* makeInstance(context, instance)
  return `${instance.path}/${nextCount(instance).toString(36)}`
}

/** An id that no other write ever has: 80 random bits of the instance and a 48-bit count. */
export function nextVersion(context: Context): string {
  const instance = instanceOf(context)
  return instance.id.slice(0, 20) + nextCount(instance).toString(16).padStart(12, '0')
}

/**
 * After an ENOENT that the object does not explain: if our directory was swept away, forget it,
 * so that the next private name makes a new one. Says whether it was.
 */
export function* noticeLostInstance(context: Context): Operation<boolean> {
  const { instance } = context
  if (instance === undefined || !instance.made) return false
  try {
    yield* lstat(instance.path)
    return false
  } catch (error) {
    if (!isErrno(error, errno.ENOENT, errno.ESTALE)) throw error
    yield* requireStore(context)
    if (context.instance === instance) context.instance = undefined
    return true
  }
}

/**
 * Removes the instance's directory. What cannot be removed stays, for the sweep: it may be swept
 * or destroyed already, a `.nfs…` in it may be held open, the mount may be read-only by now. All
 * that the store was asked to do is done, so there is nothing to fail for.
 */
export function* removeInstance(context: Context): Operation<void> {
  const { instance, cache } = context
  if (instance?.made !== true) return
  context.instance = undefined
  for (const { privatePath } of cache?.clear() ?? []) yield* quietly(unlink(privatePath))
  yield* quietly(rmdir(instance.path))
}

function instanceOf(context: Context): Instance {
  if (context.instance === undefined) {
    const id = context.randomId()
    const path = `${context.root}/${PRIVATE_DIRECTORY}/${context.host}-${id}`
    context.instance = { id, path, counter: 0, made: false }
  }
  return context.instance
}

function nextCount(instance: Instance): number {
  instance.counter += 1
  return instance.counter
}

function* makeInstance(context: Context, instance: Instance): Operation<void> {
  // Where the volume is not mounted now, its mount point must not be written to.
  yield* requireStore(context)
  try {
    // More than once: another store may just replace the empty .tmp by one with the same mode.
    for (let tries = 0; !(yield* tryMakeInstance(context, instance)); tries += 1) {
      if (tries === MAX_ATTEMPTS) throw lostPrivateRoot(context)
      const privateRoot = `${context.root}/${PRIVATE_DIRECTORY}`
      yield* makeDirectory(context, privateRoot, `${privateRoot}-${context.randomId()}`)
    }
    if (context.dirMode !== undefined) yield* chmod(instance.path, context.dirMode)
  } catch (error) {
    throw asReadOnly(context, error)
  }
  instance.made = true
}

function lostPrivateRoot(context: Context): StoreError {
  const message = `${PRIVATE_DIRECTORY} in ${context.root} vanishes as often as it is made`
  return new StoreError('UNAVAILABLE', message, { path: context.root })
}

function* tryMakeInstance(context: Context, instance: Instance): Operation<boolean> {
  try {
    yield* makePlainDirectory(instance.path, context.dirMode ?? 0o777)
    return true
  } catch (error) {
    if (isErrno(error, errno.ENOENT)) return false
    throw error
  }
}

/** On a read-only mount the first write says so in words. */
function asReadOnly(context: Context, error: unknown): unknown {
  if (errnoOf(error) !== errno.EROFS) return error
  // It may be mounted otherwise again, so this is not remembered.
  return readOnlyError({ ...context, readOnly: 'the file system is mounted read-only' })
}

/** The error of a change where none is possible. */
export function readOnlyError(context: Context): StoreError {
  const message = `nothing can be written to ${context.root}: ${context.readOnly ?? ''}`
  return new StoreError('ACCESS_DENIED', message, { path: context.root })
}
