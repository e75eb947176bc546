/**
 * Two file systems that are asked the same: the simulated one, and the one that the tests run
 * on. Only what both can say alike is compared; a directory's size and links are each file
 * system's own matter.
 */
import fs from 'node:fs'
import { constants } from 'node:os'
import { FileSystem } from './file-system.js'
import { LocalMount } from './mount.js'
import { MOUNT_POINT, SystemCalls } from './system-calls.js'
import type { Chance } from './walk.js'

const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC, O_DIRECTORY } = fs.constants
const OPENINGS = [O_RDWR | O_CREAT | O_TRUNC, O_RDWR | O_CREAT | O_EXCL, O_RDWR | O_CREAT]
const NAMES = ['a', 'b', 'c', 'd', 'd/a', 'd/b', 'e', 'e/a', 'a/x']
const LONGEST = 8

type Ask = (call: string, ...values: readonly unknown[]) => unknown

/** One of the two. */
export class Side {
  readonly #root: string
  readonly #ask: Ask
  /** Descriptors in the order in which they were opened; a directory has none to read from. */
  readonly #open: { readonly fd: number; readonly isFile: boolean }[] = []

  constructor(root: string, ask: Ask) {
    this.#root = root
    this.#ask = ask
  }

  /** Asks for a call on one or two names. */
  onNames(call: string, one: string, ...others: readonly string[]): unknown {
    const paths = [one, ...others].map((name) => `${this.#root}/${name}`)
    const more = call === 'mkdir' ? [0o777] : []
    return told(this.#ask(call, ...paths, ...more))
  }

  open(name: string, flags: number): unknown {
    const fd = this.#ask('open', `${this.#root}/${name}`, flags, 0o666)
    if (typeof fd !== 'number') return fd
    this.#open.push({ fd, isFile: (flags & O_DIRECTORY) === 0 })
    return 'open'
  }

  write(which: number, text: string): unknown {
    const file = this.#open[which]
    if (file?.isFile !== true) return 'not open'
    return this.#ask('write', file.fd, Buffer.from(text), 0, text.length, null)
  }

  read(which: number): unknown {
    const file = this.#open[which]
    if (file?.isFile !== true) return 'not open'
    const buffer = Buffer.alloc(100)
    const count = this.#ask('read', file.fd, buffer, 0, buffer.length, 0)
    return typeof count === 'number' ? buffer.toString('latin1', 0, count) : count
  }

  onOpen(call: 'fsync' | 'fstat', which: number): unknown {
    const file = this.#open[which]
    return file === undefined ? 'not open' : told(this.#ask(call, file.fd))
  }

  close(which: number): unknown {
    const [file] = this.#open.splice(which, 1)
    return file === undefined ? 'not open' : this.#ask('close', file.fd)
  }

  closeAll(): void {
    while (this.#open.length > 0) this.close(0)
  }
}

/** The real file system, below an empty directory. */
export function realSide(root: string): Side {
  return new Side(root, (call, ...values) => {
    try {
      const run = fs[`${call}Sync` as keyof typeof fs] as (...values: unknown[]) => unknown
      return run(...values)
    } catch (error) {
      return nameOfError(error)
    }
  })
}

/** The simulated one. */
export function simulatedSide(fileSystem = new FileSystem()): Side {
  const calls = new SystemCalls(new LocalMount(fileSystem))
  return new Side(MOUNT_POINT, (call, ...values) => {
    try {
      const steps = calls.perform({ call, values })
      let step = steps.next()
      while (step.done !== true) step = steps.next()
      return step.value
    } catch (error) {
      return nameOfError(error)
    }
  })
}

/** A call chosen at random, to be done to either side. */
export function randomCall(chance: Chance): [text: string, run: (side: Side) => unknown] {
  const [one, other] = [chance.pick(NAMES), chance.pick(NAMES)]
  const [which, flags] = [chance.below(4), chance.pick(OPENINGS)]
  const letters = 'vwxyz'.charAt(chance.below(5)).repeat(1 + chance.below(LONGEST))
  const often = ['open', 'write', 'read', 'link', 'rename', 'unlink'] as const
  const rarely = ['mkdir', 'rmdir', 'readdir', 'lstat', 'fstat', 'fsync', 'close', 'dir'] as const
  const call = chance.next() < 0.65 ? chance.pick(often) : chance.pick(rarely)
  switch (call) {
    case 'open':
      return [`open ${one} ${flags}`, (side) => side.open(one, flags)]
    case 'dir':
      return [`open ${one}/`, (side) => side.open(one, O_RDONLY | O_DIRECTORY)]
    case 'write':
      return [`write ${which} ${letters}`, (side) => side.write(which, letters)]
    case 'read':
      return [`read ${which}`, (side) => side.read(which)]
    case 'close':
      return [`close ${which}`, (side) => side.close(which)]
    case 'fsync':
    case 'fstat':
      return [`${call} ${which}`, (side) => side.onOpen(call, which)]
    case 'link':
      return [`link ${one} ${other}`, (side) => side.onNames('link', one, other)]
    case 'rename': {
      // The kernel refuses a move into a directory's own parent or child before all else.
      const isBelow = other.startsWith(`${one}/`) || one.startsWith(`${other}/`)
      const to = isBelow ? one : other
      return [`rename ${one} ${to}`, (side) => side.onNames('rename', one, to)]
    }
    default:
      return [`${call} ${one}`, (side) => side.onNames(call, one)]
  }
}

function told(answer: unknown): unknown {
  if (Array.isArray(answer)) return (answer as string[]).toSorted().join()
  if (typeof answer !== 'object' || answer === null) return answer
  const stats = answer as fs.Stats
  return stats.isFile() ? `file, ${stats.nlink} names, ${stats.size} bytes` : 'directory'
}

/** The name of a system error, which Node does not have for all. */
export function nameOfError(error: unknown): string {
  const { errno } = error as NodeJS.ErrnoException
  const found = Object.entries(constants.errno).find(([, number]) => number === -(errno ?? 0))
  if (found === undefined) throw error
  return found[0]
}
