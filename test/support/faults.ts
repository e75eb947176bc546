/** A file system whose calls fail when they are told to. */
import * as nodeFs from 'node:fs'

/** What fails, and how. Files are those opened for writing; the rest are directories. */
export interface Fault {
  readonly call: 'write' | 'writev' | 'fsync' | 'close' | 'rename' | 'link' | 'unlink'
  readonly on: 'file' | 'directory' | 'name'
  readonly number: number
  /** Node has no name for some numbers. */
  readonly code: string
  /** How often it fails; for ever, unless told. */
  times?: number
}

type Call = (...values: unknown[]) => unknown
type Functions = Record<string, Call>

/** `node:fs` for both faces, with one fault that can be switched on and off. */
export class FaultyFileSystem {
  readonly #files = new Set<unknown>()
  fault: Fault | undefined

  /** To be given to `open` and `openSync`. */
  readonly fs: object

  constructor() {
    const fs: Functions = { ...(nodeFs as unknown as Functions) }
    for (const call of ['write', 'writev', 'fsync', 'close', 'rename', 'link', 'unlink']) {
      this.#wrap(fs, call)
    }
    this.#wrapOpen(fs)
    this.fs = fs
  }

  #wrap(fs: Functions, call: string): void {
    const [later, now] = [fs[call]!, fs[`${call}Sync`]!]
    fs[call] = (...values) => {
      const error = this.#errorOf(call, values[0])
      const done = values.at(-1) as (error: unknown) => void
      if (error === undefined) later(...values)
      // Even a close that fails gives up the descriptor.
      else if (call === 'close') later(values[0], () => done(error))
      else process.nextTick(done, error)
    }
    fs[`${call}Sync`] = (...values) => {
      const error = this.#errorOf(call, values[0])
      if (error === undefined) return now(...values)
      if (call === 'close') now(...values)
      throw error
    }
  }

  #wrapOpen(fs: Functions): void {
    const { open, openSync } = fs as { open: Call; openSync: Call }
    const note = (flags: unknown, fd: unknown): void => {
      const isWritten = ((flags as number) & nodeFs.constants.O_WRONLY) !== 0
      if (isWritten) this.#files.add(fd)
      else this.#files.delete(fd)
    }
    fs['open'] = (path, flags, mode, done) =>
      open(path, flags, mode, (error: unknown, fd: unknown) => {
        if (error === null) note(flags, fd)
        ;(done as Call)(error, fd)
      })
    fs['openSync'] = (path, flags, mode) => {
      const fd = openSync(path, flags, mode)
      note(flags, fd)
      return fd
    }
  }

  #errorOf(call: string, subject: unknown): Error | undefined {
    const { fault } = this
    if (fault?.call !== call) return undefined
    const kind =
      typeof subject === 'string' ? 'name' : this.#files.has(subject) ? 'file' : 'directory'
    if (kind !== fault.on || fault.times === 0) return undefined
    if (fault.times !== undefined) fault.times -= 1
    const { code, number } = fault
    const message = `${code}: as the test wants it, ${call}`
    return Object.assign(new Error(message), { errno: -number, code, syscall: call })
  }
}
