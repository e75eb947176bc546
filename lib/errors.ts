import { constants } from 'node:os'

/**
 * Every code a {@link StoreError} can carry, with what it means and what to do. `docs/errors.md`
 * says the same at more length.
 *
 * - Caller: `INVALID_KEY`, `INVALID_VALUE`, `NOT_SUPPORTED`, `CLOSED`, `ABORTED`, `NOT_A_STORE`.
 * - Conflict: `PRECONDITION_FAILED`, `NOT_FOUND`, `LEASE_LOST`.
 * - Data: `CORRUPT`, `FORMAT_UNSUPPORTED`, `DECODE`, `TOO_LARGE`, `TOO_SMALL`, `INCONSISTENT`,
 *   `DECRYPT`, `UNTRUSTED`.
 * - Environment: `NO_SPACE`, `ACCESS_DENIED`, `UNAVAILABLE`, `IO`.
 */
export const ERROR_CODES = [
  'INVALID_KEY',
  'INVALID_VALUE',
  'NOT_SUPPORTED',
  'CLOSED',
  'ABORTED',
  'NOT_A_STORE',
  'PRECONDITION_FAILED',
  'NOT_FOUND',
  'LEASE_LOST',
  'CORRUPT',
  'FORMAT_UNSUPPORTED',
  'DECODE',
  'TOO_LARGE',
  'TOO_SMALL',
  'INCONSISTENT',
  'DECRYPT',
  'UNTRUSTED',
  'NO_SPACE',
  'ACCESS_DENIED',
  'UNAVAILABLE',
  'IO',
] as const

/** One of {@link ERROR_CODES}. */
export type ErrorCode = (typeof ERROR_CODES)[number]

/** What a {@link StoreError} knows besides its code and message. */
export interface ErrorDetails {
  /** What failed, such as `read` or `write`. */
  readonly operation?: string | undefined
  /** The key it was about. */
  readonly key?: string | undefined
  /** The file or directory it was about. */
  readonly path?: string | undefined
  /** The error underneath, unchanged. */
  readonly cause?: unknown
}

/** Codes after which the same call, made again later, may well succeed. */
const RETRYABLE: ReadonlySet<ErrorCode> = new Set(['NO_SPACE', 'UNAVAILABLE'])

/**
 * The one error class of the store. Tell errors apart by `code`; `cause` keeps what the system
 * said. Misuse of the interface (a wrong type, an unknown option) is a `TypeError` or
 * `RangeError` instead, and a missing key is `undefined`, not an error.
 */
export class StoreError extends Error {
  /** The name of the class, as every `Error` has one. */
  override readonly name = 'StoreError'
  /** What to go by; messages may change. */
  readonly code: ErrorCode
  /** What failed; empty where nothing was under way. */
  operation: string
  /** The key it was about, if it was about one. */
  key: string | undefined
  /** The file or directory it was about, if it was about one. */
  readonly path: string | undefined
  /** Whether the same call, made again later, may well succeed. */
  readonly retryable: boolean

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.operation = details.operation ?? ''
    this.key = details.key
    this.path = details.path
    this.retryable = RETRYABLE.has(code)
  }
}

/**
 * What a call of a store underneath gives. Its errors speak of the key that the caller of the
 * layer knows, instead of the one the layer has made of it.
 */
export async function speakingOf<T>(key: string, call: () => T | Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (error instanceof StoreError) error.key = key
    throw error
  }
}

/** Whether an error is a {@link StoreError} with this code. */
export function hasCode(error: unknown, code: ErrorCode): error is StoreError {
  return error instanceof StoreError && error.code === code
}

/** Whether there is an object, of which no value can be made. */
export function isUnreadable(error: unknown): boolean {
  return hasCode(error, 'CORRUPT') || hasCode(error, 'DECODE')
}

const OF_ONE_OBJECT: ReadonlySet<ErrorCode> = new Set([
  'CORRUPT',
  'DECRYPT',
  'FORMAT_UNSUPPORTED',
  'UNTRUSTED',
])

/** Whether it is the object that is at fault, so that others may well be read. */
export function isOfOneObject(error: unknown): boolean {
  return error instanceof StoreError && OF_ONE_OBJECT.has(error.code)
}

/** What a write with `ifAbsent` is told. */
export function keyHasObject(): StoreError {
  return new StoreError('PRECONDITION_FAILED', 'the key has an object already')
}

/** What a change with `ifVersion` is told. */
export function otherVersion(): StoreError {
  const message = 'the key has not, or not any more, the object of that version'
  return new StoreError('PRECONDITION_FAILED', `${message}; read it, then decide again`)
}

/**
 * Carries what the caller's own code threw (a body that is read from a file that is not there)
 * past everything that would take it for an error of the store's own file system.
 */
export class CallerFailure {
  constructor(readonly error: unknown) {}
}

const { errno } = constants

/**
 * System error numbers to codes. By number, because Node has no name for some of them on Linux:
 * ESTALE arrives as "Unknown system error -116". What is not listed is `IO`.
 */
const CODE_BY_ERRNO: ReadonlyMap<number, ErrorCode> = new Map([
  [errno.ENOSPC, 'NO_SPACE'],
  [errno.EDQUOT, 'NO_SPACE'],
  [errno.EFBIG, 'NO_SPACE'],
  [errno.EACCES, 'ACCESS_DENIED'],
  [errno.EPERM, 'ACCESS_DENIED'],
  [errno.EROFS, 'ACCESS_DENIED'],
  [errno.ESTALE, 'UNAVAILABLE'],
  [errno.ETIMEDOUT, 'UNAVAILABLE'],
  [errno.EAGAIN, 'UNAVAILABLE'],
  [errno.EBUSY, 'UNAVAILABLE'],
  [errno.ETXTBSY, 'UNAVAILABLE'],
  [errno.EINTR, 'UNAVAILABLE'],
  [errno.EMFILE, 'UNAVAILABLE'],
  [errno.ENFILE, 'UNAVAILABLE'],
  [errno.ENOMEM, 'UNAVAILABLE'],
  [errno.EHOSTUNREACH, 'UNAVAILABLE'],
  [errno.ENETUNREACH, 'UNAVAILABLE'],
  [errno.ECONNREFUSED, 'UNAVAILABLE'],
  [errno.ECONNRESET, 'UNAVAILABLE'],
  [errno.ENOTCONN, 'UNAVAILABLE'],
  [errno.ENOLCK, 'UNAVAILABLE'],
  // Absence is proved before it is believed and is no error; what else can be gone is a private
  // name, swept away while its process was stopped for longer than the sweep's grace.
  [errno.ENOENT, 'UNAVAILABLE'],
  // What the protocol itself never causes: something else lies where a file or directory belongs.
  [errno.ENOTDIR, 'CORRUPT'],
  [errno.EISDIR, 'CORRUPT'],
  [errno.ELOOP, 'CORRUPT'],
])

const ADVICE: Readonly<Record<string, string>> = {
  NO_SPACE: 'free some space, inodes or quota; the old value is untouched and deletes still work',
  ACCESS_DENIED: 'check the owner, group and mode of the directory, and that it is writable',
  UNAVAILABLE: 'the file system did not serve the call; try again',
  CORRUPT: 'something that is not an object lies there; look at it and move it away',
  IO: 'the file system failed; its own message says how',
}

/** The positive error number of a system error, or 0 when it is not one. */
export function errnoOf(error: unknown): number {
  const number = (error as { errno?: unknown } | undefined)?.errno
  return typeof number === 'number' ? Math.abs(number) : 0
}

/** Whether an error is a system error with one of these numbers. */
export function isErrno(error: unknown, ...numbers: readonly number[]): boolean {
  const number = errnoOf(error)
  return number !== 0 && numbers.includes(number)
}

/**
 * Turns what a file-system call threw into a {@link StoreError}; errors that are not the
 * system's (a body's own, a `TypeError`, a `StoreError`) are returned as they are.
 */
export function toStoreError(error: unknown, operation: string, key?: string): unknown {
  if (error instanceof StoreError) {
    if (error.operation === '') error.operation = operation
    error.key ??= key
    return error
  }
  if (error instanceof CallerFailure) return error.error
  const number = errnoOf(error)
  if (number === 0) return error
  const { syscall, path, message } = error as NodeJS.ErrnoException
  if (syscall === undefined) return error
  const code = CODE_BY_ERRNO.get(number) ?? 'IO'
  const advice = ADVICE[code] ?? ''
  return new StoreError(code, `${operation} failed: ${message}; ${advice}`, {
    operation,
    key,
    path,
    cause: error,
  })
}
