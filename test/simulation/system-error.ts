import { constants } from 'node:os'
import { getSystemErrorMap } from 'node:util'

/** Why the simulated file system refuses a call: the name of a system error. */
export class Failure {
  constructor(readonly code: keyof typeof constants.errno) {}
}

const DESCRIPTIONS = getSystemErrorMap()

/** The error as Node throws it: a negative number, and no name where libuv has none. */
export function systemError(
  { code }: Failure,
  syscall: string,
  path?: string,
  dest?: string,
): NodeJS.ErrnoException {
  const errno = -constants.errno[code]
  const [name, description] = DESCRIPTIONS.get(errno) ?? unknownError(errno)
  const paths = path === undefined ? '' : ` '${path}'${dest === undefined ? '' : ` -> '${dest}'`}`
  // There are hundreds of thousands of them, and nobody reads where they came from.
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  const error: NodeJS.ErrnoException = new Error(`${name}: ${description}, ${syscall}${paths}`)
  Error.stackTraceLimit = stackTraceLimit
  return Object.assign(error, { errno, code: name, syscall }, path === undefined ? {} : { path })
}

function unknownError(errno: number): [name: string, description: string] {
  const name = `Unknown system error ${errno}`
  return [name, name]
}

/** An error in words. */
export function tellError(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : typeof error
}
