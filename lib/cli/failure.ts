import { getSystemErrorMap } from 'node:util'
import { CommanderError } from 'commander'
import type { StoreError } from '../../index.js'
import { quoted, safeText } from './safe-text.js'

/** What the command says to the shell; `docs/cli.md` has the list. */
export const EXIT = {
  done: 0,
  absent: 1,
  usage: 2,
  failed: 3,
  notExecutable: 126,
  notFound: 127,
  brokenPipe: 141,
} as const

/** A longer key would drown the message it stands in. */
const MAX_KEY_LENGTH = 200

/** A local file, not one of the store's, could not be read or written. */
export class LocalFileError extends Error {
  override readonly name = 'LocalFileError'

  constructor(action: string, path: string, cause: unknown) {
    super(`cannot ${action} ${path}: ${reasonOf(cause)}`, { cause })
  }
}

/** A command that was to be run could not be started. */
export class StartError extends Error {
  override readonly name = 'StartError'
  /** As shells say it. */
  readonly status: number

  constructor(program: string, cause: unknown) {
    super(`cannot run ${program}: ${reasonOf(cause)}`, { cause })
    this.status = hasCode(cause, 'ENOENT') ? EXIT.notFound : EXIT.notExecutable
  }
}

/** Whoever read standard output has gone away. */
export class BrokenPipe extends Error {
  override readonly name = 'BrokenPipe'
}

/** The exit status that an error stands for. */
export function statusOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage
  if (error instanceof BrokenPipe) return EXIT.brokenPipe
  if (error instanceof StartError) return error.status
  if (error instanceof TypeError || error instanceof RangeError) return EXIT.usage
  return hasCode(error, 'INVALID_KEY') ? EXIT.usage : EXIT.failed
}

/** An error in one line. */
export function describe(error: unknown): string {
  const { key } = error as Partial<StoreError>
  const isShort = key !== undefined && key.length <= MAX_KEY_LENGTH
  if (isStoreError(error) && isShort) return `${safeText(error.message)} (key ${quoted(key)})`
  return safeText(error instanceof Error ? error.message : String(error))
}

/** By name: to load the store for its error class alone would slow down every `--help`. */
export function isStoreError(error: unknown): error is StoreError {
  return error instanceof Error && error.name === 'StoreError'
}

/** Why a system call failed, in words; the message of any other error. */
export function reasonOf(error: unknown): string {
  const { errno, message } = error as NodeJS.ErrnoException
  const known = errno === undefined ? undefined : getSystemErrorMap().get(errno)
  return known?.[1] ?? message
}

/** Whether an error has one of these codes: `ENOENT` and its like, or one of the store's. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  const { code } = error as Partial<NodeJS.ErrnoException>
  return code !== undefined && codes.includes(code)
}
