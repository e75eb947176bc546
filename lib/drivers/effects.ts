import type { BigIntStats, Dirent, Stats } from 'node:fs'
import { constants } from 'node:os'
import { noteRetry, publishNotice } from '../diagnostics.js'
import { isErrno } from '../errors.js'

/** What `lstat` and `fstat` tell of a file. */
export type { Stats }

/**
 * One thing an operation asks of the outside world. `call` names a function of `node:fs` (the
 * callback form; the sync driver appends `Sync`) or one of the drivers' own: `checkpoint`, `pull`,
 * `pause` and `background`.
 */
export interface Effect {
  readonly call: string
  readonly values: readonly unknown[]
  /** What a driver may run while another thread makes the call; the operation needs none to. */
  readonly meanwhile?: (() => unknown) | undefined
}

/**
 * A protocol operation: a generator that yields effects and never touches the file system
 * itself. A driver steps it: with each effect's result, or by throwing the effect's error into it.
 */
export type Operation<T> = Generator<Effect, T, unknown>

const { errno } = constants

/**
 * An effect is the operation of asking for it: it yields itself and returns what it is answered.
 * A generator would do the same, in twice the time; there are ten of these to a read.
 */
class Request implements Effect {
  readonly call: string
  readonly values: readonly unknown[]
  readonly meanwhile: (() => unknown) | undefined
  #isAsked = false

  constructor(call: string, values: readonly unknown[], meanwhile?: () => unknown) {
    this.call = call
    this.values = values
    this.meanwhile = meanwhile
  }

  next(answer: unknown): IteratorResult<Effect, unknown> {
    if (this.#isAsked) return { done: true, value: answer }
    this.#isAsked = true
    return { done: false, value: this }
  }

  throw(error: unknown): IteratorResult<Effect, unknown> {
    throw error
  }

  return(value: unknown): IteratorResult<Effect, unknown> {
    return { done: true, value }
  }

  [Symbol.iterator](): this {
    return this
  }
}

/** How often a call is made again that found its name in use, and the first wait; it doubles. */
const MAX_BUSY_TRIES = 10
const MIN_BUSY_PAUSE_MS = 1

/**
 * A call that takes a name away, and is made again when that name is in use for a moment. While
 * the NFS client of Linux replaces or removes a file, or moves it to `.nfs…`, it refuses to do the
 * same for another process of its host: ETXTBSY of fs/nfs/dir.c, or EBUSY of fs/namei.c before it.
 * The server was not asked, so nothing has happened, and asking again is all there is to do.
 */
class PatientRequest extends Request {
  #tries = 0
  #isPausing = false

  override next(answer: unknown): IteratorResult<Effect, unknown> {
    if (!this.#isPausing) return super.next(answer)
    this.#isPausing = false
    return { done: false, value: this }
  }

  override throw(error: unknown): IteratorResult<Effect, unknown> {
    const isBusy = !this.#isPausing && isErrno(error, errno.ETXTBSY, errno.EBUSY)
    if (!isBusy || this.#tries === MAX_BUSY_TRIES) throw error
    noteRetry('outrun')
    this.#isPausing = true
    const pauseMs = MIN_BUSY_PAUSE_MS * 2 ** this.#tries
    this.#tries += 1
    return { done: false, value: new Request('pause', [pauseMs]) }
  }
}

function perform<T>(call: string, ...values: readonly unknown[]): Operation<T> {
  return new Request(call, values) as unknown as Operation<T>
}

function performPatiently<T>(call: string, ...values: readonly unknown[]): Operation<T> {
  return new PatientRequest(call, values) as unknown as Operation<T>
}

/** Opens a file or directory; flags and mode as in open(2). */
export const open = (path: string, flags: number, mode?: number): Operation<number> =>
  perform('open', path, flags, mode)
/** Closes a descriptor. */
export const close = (fd: number): Operation<void> => perform('close', fd)
/** Bytes read: fewer than asked for only at the end of the file. */
export const read = (
  fd: number,
  buffer: Uint8Array,
  offset: number,
  length: number,
  position: number,
): Operation<number> => perform('read', fd, buffer, offset, length, position)
/** Writes part of a buffer where the last write ended; returns the bytes written. */
export const write = (
  fd: number,
  buffer: Uint8Array,
  offset: number,
  length: number,
): Operation<number> => perform('write', fd, buffer, offset, length, null)
/** The same for all of a buffer. See {@link Effect.meanwhile}. */
export const writeWhile = (
  fd: number,
  buffer: Uint8Array,
  meanwhile: () => unknown,
): Operation<number> => {
  const values = [fd, buffer, 0, buffer.length, null]
  return new Request('write', values, meanwhile) as unknown as Operation<number>
}
/** Writes several buffers where the last write ended; returns the bytes written. */
export const writev = (fd: number, buffers: readonly Uint8Array[]): Operation<number> =>
  perform('writev', fd, buffers, null)
/** Flushes a file or directory to the disk. */
export const fsync = (fd: number): Operation<void> => perform('fsync', fd)
/** Sets the mode of an open file. */
export const fchmod = (fd: number, mode: number): Operation<void> => perform('fchmod', fd, mode)
/** Sets the mode of a file or directory. */
export const chmod = (path: string, mode: number): Operation<void> => perform('chmod', path, mode)
/** Describes an open file. */
export const fstat = (fd: number): Operation<Stats> => perform('fstat', fd)
/** The same in bigints: see {@link lstatExact}. */
export const fstatExact = (fd: number): Operation<BigIntStats> =>
  perform('fstat', fd, { bigint: true })
/** Describes a name, without following a symbolic link. */
export const lstat = (path: string): Operation<Stats> => perform('lstat', path)
/** Inode numbers can exceed 2^53, so whoever compares them asks for bigints. */
export const lstatExact = (path: string): Operation<BigIntStats> =>
  perform('lstat', path, { bigint: true })
/** Fails unless the process may do what the mode says. */
export const access = (path: string, mode: number): Operation<void> => perform('access', path, mode)
/** Which file system a path is on. */
export const statfs = (path: string): Operation<{ readonly type: number }> =>
  perform('statfs', path)
/** Gives a file a second name; fails with EEXIST where that name is taken. */
export const link = (from: string, to: string): Operation<void> => perform('link', from, to)
/** Removes a name. */
export const unlink = (path: string): Operation<void> => performPatiently('unlink', path)
/** Renames, atomically replacing what has the new name. */
export const rename = (from: string, to: string): Operation<void> =>
  performPatiently('rename', from, to)
/** Makes a directory. */
export const mkdir = (path: string, mode: number): Operation<void> => perform('mkdir', path, mode)
/** Removes an empty directory. */
export const rmdir = (path: string): Operation<void> => perform('rmdir', path)
/** The names in a directory. */
export const readdir = (path: string): Operation<string[]> => perform('readdir', path)
/** The names in a directory, with what kind of thing each is. */
export const readdirTyped = (path: string): Operation<Dirent[]> =>
  perform('readdir', path, { withFileTypes: true })

/** Where an abort may end the operation: throws `ABORTED` when one was asked for. */
export const checkpoint = (): Operation<void> => perform('checkpoint')

/** The next chunk of a body that is not in memory. An abort interrupts it. */
export const pull = <T>(
  iterator: AsyncIterator<T> | Iterator<T>,
): Operation<IteratorResult<T, unknown>> => perform('pull', iterator)

/** Waits, in milliseconds. An abort interrupts it. */
export const pause = (delayMs: number): Operation<void> => perform('pause', delayMs)

/**
 * Starts an operation that nobody awaits: the driver finishes it before it closes. What it
 * throws is published on the channel `linkstore:notice` and otherwise ignored.
 */
export const background = (operation: Operation<unknown>): Operation<void> =>
  perform('background', operation)

/** Runs a clean-up whose own failure must not hide the error that made it necessary. */
export function* quietly(operation: Operation<unknown>): Operation<void> {
  try {
    yield* operation
  } catch (error) {
    publishNotice('clean-up failed', error)
  }
}
