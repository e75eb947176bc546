import { constants as fsConstants } from 'node:fs'
import type { Effect } from '../../lib/drivers/effects.js'
import type { Inode } from './file-system.js'
import type { Mount, OpenFile, Steps } from './mount.js'
import { Failure, systemError } from './system-error.js'

/** Where the file system is mounted. */
export const MOUNT_POINT = '/s'

interface Descriptor {
  readonly inode: number
  /** Undefined for a directory. */
  readonly file: OpenFile | undefined
  position: number
}

type Place = [directory: number, name: string]

/** The system calls of one process, by the names and with the values of {@link Effect}. */
export class SystemCalls {
  readonly #mount: Mount
  readonly #descriptors = new Map<number, Descriptor>()
  #lastDescriptor = 2

  constructor(mount: Mount) {
    this.#mount = mount
  }

  /** Performs an effect; what the file system refuses is thrown as Node throws it. */
  *perform({ call, values }: Effect): Steps<unknown> {
    try {
      return yield* this.#tries(call, values)
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      const [path, dest] = values.filter((value) => typeof value === 'string')
      throw systemError(error, call, path, dest)
    }
  }

  /** The inode that a descriptor is open on. */
  inodeOf(fd: number): Inode {
    return this.#mount.fileSystem.inode(this.#descriptor(fd).inode)
  }

  /** The file that a descriptor is open on; undefined for a directory. */
  fileOf(fd: number): OpenFile | undefined {
    return this.#descriptor(fd).file
  }

  /** What the kernel does when the process dies. */
  closeAll(): void {
    for (const { file } of this.#descriptors.values()) {
      if (file !== undefined) this.#mount.closeFile(file)
    }
    this.#descriptors.clear()
  }

  /** How many descriptors are open. */
  get openCount(): number {
    return this.#descriptors.size
  }

  /** What leads through names of what is no more is looked up once again. */
  *#tries(call: string, values: readonly unknown[]): Steps<unknown> {
    try {
      return yield* this.#steps(call, values)
    } catch (error) {
      const isStale = error instanceof Failure && error.code === 'ESTALE'
      if (!isStale || !this.#mount.forgetStale()) throw error
      return yield* this.#steps(call, values)
    }
  }

  *#steps(call: string, values: readonly unknown[]): Steps<unknown> {
    switch (call) {
      case 'link':
        return yield* this.#link(values[0] as string, values[1] as string)
      case 'rename': {
        const [from, to] = [this.#place(values[0] as string), this.#place(values[1] as string)]
        yield* this.#mount.rename(...from, ...to)
        this.#noteShared(values[1] as string, ...to)
        return undefined
      }
      case 'open':
        return this.#open(values[0] as string, values[1] as number)
      default:
        return typeof values[0] === 'number'
          ? this.#onDescriptor(call, values[0], values)
          : this.#onPath(call, values[0] as string, values)
    }
  }

  #onDescriptor(call: string, fd: number, values: readonly unknown[]): unknown {
    const { fileSystem } = this.#mount
    const descriptor = this.#descriptor(fd)
    const { inode, file } = descriptor
    if (call === 'close') {
      this.#descriptors.delete(fd)
      if (file !== undefined) this.#mount.closeFile(file)
      return undefined
    }
    this.#mount.requireAlive(inode)
    switch (call) {
      case 'read': {
        const [, buffer, offset, length, position] = values as [
          number,
          Buffer,
          number,
          number,
          number,
        ]
        const { kind, content } = fileSystem.inode(inode)
        if (kind === 'directory') throw new Failure('EISDIR')
        return content.copy(buffer, offset, position, position + length)
      }
      case 'write': {
        const [, buffer, offset, length] = values as [number, Buffer, number, number]
        return this.#append(descriptor, [buffer.subarray(offset, offset + length)])
      }
      case 'writev':
        return this.#append(descriptor, values[1] as Buffer[])
      case 'fsync':
        return fileSystem.sync(inode)
      case 'fstat':
        return statsOf(
          fileSystem.inode(inode),
          (values[1] as { bigint?: boolean })?.bigint === true,
        )
      case 'fchmod':
        return undefined
      default:
        throw new Error(`no such call: ${call}`)
    }
  }

  #onPath(call: string, path: string, values: readonly unknown[]): unknown {
    const { fileSystem } = this.#mount
    const options = values[1] as { bigint?: boolean; withFileTypes?: boolean } | undefined
    switch (call) {
      case 'lstat':
        return statsOf(this.#mount.stat(this.#walk(path)), options?.bigint === true)
      case 'unlink':
        return this.#mount.unlink(...this.#place(path))
      case 'mkdir':
        return this.#mkdir(path)
      case 'rmdir':
        return this.#mount.rmdir(...this.#place(path))
      case 'readdir': {
        const directory = this.#walk(path)
        if (fileSystem.inode(directory).kind !== 'directory') throw new Failure('ENOTDIR')
        const names = this.#mount.list(directory)
        return options?.withFileTypes === true
          ? names.map((name) => this.#entry(directory, name))
          : names
      }
      case 'chmod':
      case 'access':
        this.#walk(path)
        return undefined
      case 'statfs':
        return { type: this.#mount.type }
      default:
        throw new Error(`no such call: ${call}`)
    }
  }

  #open(path: string, flags: number): number {
    if ((flags & fsConstants.O_DIRECTORY) !== 0) {
      const inode = this.#walk(path)
      if (this.#mount.fileSystem.inode(inode).kind !== 'directory') throw new Failure('ENOTDIR')
      this.#mount.openDirectory(inode)
      return this.#describe(inode, undefined)
    }
    const place = this.#place(path)
    const creates = (flags & fsConstants.O_CREAT) !== 0
    const isExclusive = (flags & fsConstants.O_EXCL) !== 0
    if (creates && isExclusive && this.#mount.fileSystem.lookup(...place) !== undefined) {
      throw new Failure('EEXIST')
    }
    const file = creates ? this.#mount.create(...place) : this.#mount.openFile(...place)
    const { inode } = file
    if ((flags & fsConstants.O_TRUNC) !== 0)
      this.#mount.fileSystem.setContent(inode, Buffer.alloc(0))
    if (creates) this.#noteShared(path, ...place)
    return this.#describe(inode, file)
  }

  /** The kernel looks the file up first, and links what it found afterwards. */
  *#link(from: string, to: string): Steps<void> {
    const held = this.#mount.hold(...this.#place(from))
    try {
      yield held.inode
      const place = this.#place(to)
      this.#mount.link(held.inode, ...place)
      this.#noteShared(to, ...place)
    } finally {
      this.#mount.closeFile(held)
    }
  }

  #mkdir(path: string): void {
    const place = this.#place(path)
    this.#mount.mkdir(...place)
    const { fileSystem } = this.#mount
    const made = fileSystem.lookup(...place)
    if (made !== undefined && isPrivate(path)) fileSystem.inode(made).isShared = false
  }

  #append(descriptor: Descriptor, buffers: readonly Buffer[]): number {
    const bytes = buffers.length === 1 ? (buffers[0] as Buffer) : Buffer.concat(buffers)
    this.#mount.fileSystem.write(descriptor.inode, descriptor.position, bytes)
    descriptor.position += bytes.length
    return bytes.length
  }

  #entry(directory: number, name: string): object {
    const inode = this.#mount.fileSystem.lookup(directory, name)
    const kind = inode === undefined ? 'file' : this.#mount.fileSystem.inode(inode).kind
    return { name, isDirectory: () => kind === 'directory', isFile: () => kind === 'file' }
  }

  #describe(inode: number, file: OpenFile | undefined): number {
    this.#lastDescriptor += 1
    this.#descriptors.set(this.#lastDescriptor, { inode, file, position: 0 })
    return this.#lastDescriptor
  }

  #descriptor(fd: number): Descriptor {
    const descriptor = this.#descriptors.get(fd)
    if (descriptor === undefined) throw new Failure('EBADF')
    return descriptor
  }

  /** The inode of a path. */
  #walk(path: string): number {
    let inode = this.#mount.fileSystem.root
    for (const name of namesOf(path)) {
      const found = this.#mount.find(inode, name)
      if (found === undefined) throw new Failure('ENOENT')
      inode = found
    }
    return inode
  }

  /** The directory of a path, and the name in it. */
  #place(path: string): Place {
    const end = path.lastIndexOf('/')
    if (path === MOUNT_POINT) throw new Failure('EEXIST')
    const directory = this.#walk(path.slice(0, end))
    if (this.#mount.fileSystem.inode(directory).kind === 'file') throw new Failure('ENOTDIR')
    return [directory, path.slice(end + 1)]
  }

  /** From the moment that it has a name which is not private, a file may be known to others. */
  #noteShared(path: string, directory: number, name: string): void {
    if (isPrivate(path)) return
    const { fileSystem } = this.#mount
    const inode = fileSystem.lookup(directory, name)
    if (inode !== undefined) fileSystem.inode(inode).isShared = true
  }
}

/** Whether a path lies in, or is, the directory of private names. */
export function isPrivate(path: string): boolean {
  return path.startsWith(`${MOUNT_POINT}/.tmp`)
}

function namesOf(path: string): string[] {
  return path === MOUNT_POINT ? [] : path.slice(MOUNT_POINT.length + 1).split('/')
}

function statsOf({ place, kind, content, links, mtimeMs }: Inode, exact: boolean): object {
  return {
    ino: exact ? BigInt(place) : place,
    dev: exact ? 1n : 1,
    nlink: exact ? BigInt(links) : links,
    size: exact ? BigInt(content.length) : content.length,
    mtimeMs,
    ...(exact && { mtimeNs: BigInt(mtimeMs) * 1_000_000n }),
    isFile: () => kind === 'file',
    isDirectory: () => kind === 'directory',
    isSymbolicLink: () => false,
  }
}
