/** One host of a simulated NFS, asked by hand. */
import { constants } from 'node:fs'
import type { FileSystem } from './file-system.js'
import type { Steps } from './mount.js'
import { NfsMount, type LookupCache } from './nfs.js'
import { MOUNT_POINT, SystemCalls } from './system-calls.js'
import { nameOfError } from './twin.js'

const { O_RDONLY, O_RDWR, O_CREAT, O_DIRECTORY } = constants

/** Names are given as from the mount point: `d/k`. Answers are values, or names of errors. */
export class Host {
  readonly mount: NfsMount
  readonly #calls: SystemCalls

  constructor(fileSystem: FileSystem, version: 3 | 4, lookupCache?: LookupCache) {
    this.mount = new NfsMount(fileSystem, version, lookupCache)
    this.#calls = new SystemCalls(this.mount)
  }

  /** Makes a call, as far as it goes before another host may act. */
  begin(call: string, ...names: readonly string[]): Steps<unknown> {
    const steps = this.#calls.perform({ call, values: names.map(pathOf) })
    steps.next()
    return steps
  }

  /** Makes a call on names. */
  ask(call: string, ...names: readonly string[]): unknown {
    return this.#run(call, ...names.map(pathOf))
  }

  /** Opens a file; a descriptor. */
  open(name: string): unknown {
    return this.#run('open', pathOf(name), O_RDONLY)
  }

  /** Makes a call on a descriptor. */
  on(call: 'close' | 'fsync', fd: unknown): unknown {
    return this.#run(call, fd)
  }

  read(fd: unknown): unknown {
    const buffer = Buffer.alloc(100)
    const count = this.#run('read', fd, buffer, 0, buffer.length, 0)
    return typeof count === 'number' ? buffer.toString('latin1', 0, count) : count
  }

  /** What is in a file. */
  get(name: string): unknown {
    const fd = this.open(name)
    if (typeof fd !== 'number') return fd
    const text = this.read(fd)
    this.on('close', fd)
    return text
  }

  /** Writes a file elsewhere and renames it to its name. */
  put(name: string, text: string): unknown {
    const fd = this.#run('open', pathOf('new'), O_RDWR | O_CREAT, 0o666)
    this.#run('write', fd, Buffer.from(text), 0, text.length, null)
    this.on('close', fd)
    return this.ask('rename', 'new', name)
  }

  /** Opens and closes a directory: what makes an NFS client ask whether it has changed. */
  revalidate(directory: string): unknown {
    const fd = this.#run('open', pathOf(directory), O_RDONLY | O_DIRECTORY)
    return typeof fd === 'number' ? this.on('close', fd) : fd
  }

  /** The names in a directory. */
  list(directory: string): unknown {
    const names = this.ask('readdir', directory)
    return Array.isArray(names) ? names.join() : names
  }

  #run(call: string, ...values: readonly unknown[]): unknown {
    try {
      const steps = this.#calls.perform({ call, values })
      let step = steps.next()
      while (step.done !== true) step = steps.next()
      return step.value
    } catch (error) {
      return nameOfError(error)
    }
  }
}

function pathOf(name: string): string {
  return `${MOUNT_POINT}/${name}`
}
