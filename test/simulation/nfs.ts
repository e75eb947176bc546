/**
 * An NFS client of Linux, as far as it matters here: what one host believes of a file system that
 * a server holds.
 *
 * - A host remembers names, positive and negative ones and those of directories, for as long as
 *   the directory they are in has, as far as it knows, not changed. It learns of a change when it
 *   opens the directory (close-to-open), and from the answers to its own changes. Mounted with
 *   `lookupcache=none` it asks for each name anew; listings are remembered all the same.
 * - Change is told by an exact counter (NFS 4), or by a clock so coarse that two changes may fall
 *   into one of its ticks (NFS 3).
 * - A file is opened by the handle that the host remembers for its name (NFS 4.0 alone asks
 *   the server for what the name is now).
 * - What is no more on the server is ESTALE. The kernel looks a path that led through a removed
 *   directory up once again. For files it does the same, but not always: here for NFS 3 only, so
 *   that on NFS 4 the protocol has to.
 * - A rename moves what the host remembers of the old name to the new one, even if the server
 *   moved something newer. Names that must not exist are always looked up: a `mkdir` of one that
 *   does exist corrects what the host remembers.
 * - A file that is removed or replaced while the same host has it open, or is linking it, gets a
 *   name `.nfs…` first. Replacing it takes two calls then, and between them the name is free.
 *   Both are made even if the process is killed meanwhile.
 * - A reply may be lost: the call took effect, the host repeats it and the server, which does not
 *   remember the first, answers to the second. Only calls for which that makes a difference.
 */
import type { FileSystem, Inode } from './file-system.js'
import type { Mount, OpenFile, Steps } from './mount.js'
import { Failure } from './system-error.js'

/** What a yield tells of a rename between whose two calls the new name is free. */
export const GAP = -1

/** The mount option: whether names that are remembered are believed. */
export type LookupCache = 'all' | 'none'

interface Remembered {
  /** The change attribute for which `names` and `listing` hold. */
  change: number
  /** Inodes by name; undefined for a name that is known not to be there. */
  readonly names: Map<string, number | undefined>
  listing: readonly string[] | undefined
}

/** One host's mount of the file system. */
export class NfsMount implements Mount {
  readonly type = 0x6969
  /** Set to lose the reply to the next call that changes something. */
  losesReply = false
  readonly #changeIsToldBy: 'changes' | 'changedAt'
  /** Inodes of which the server has said that they are no more. */
  readonly #stale = new Set<number>()
  readonly #directories = new Map<number, Remembered>()
  readonly #openFiles = new Set<OpenFile>()

  constructor(
    readonly fileSystem: FileSystem,
    readonly version: 3 | 4,
    readonly lookupCache: LookupCache = 'all',
  ) {
    this.#changeIsToldBy = version === 4 ? 'changes' : 'changedAt'
  }

  find(directory: number, name: string): number | undefined {
    const { names } = this.#remembered(directory)
    if (this.lookupCache === 'all' && names.has(name)) return names.get(name)
    this.requireAlive(directory)
    const inode = this.fileSystem.lookup(directory, name)
    names.set(name, inode)
    return inode
  }

  openDirectory(directory: number): void {
    this.requireAlive(directory)
    const remembered = this.#remembered(directory)
    const change = this.#changeOf(directory)
    if (remembered.change !== change) forgetAll(remembered)
    remembered.change = change
  }

  openFile(directory: number, name: string): OpenFile {
    const inode = this.find(directory, name)
    if (inode === undefined) throw new Failure('ENOENT')
    this.requireAlive(inode)
    return this.#opened({ inode, directory, name })
  }

  closeFile(file: OpenFile): void {
    this.#openFiles.delete(file)
    const { directory, name } = file
    if (!name.startsWith('.nfs') || this.#openBy(directory, name).length > 0) return
    try {
      this.#change([directory], () => this.fileSystem.unlink(directory, name))
    } catch (error) {
      // Someone else removed it, and nobody is told.
      if (!(error instanceof Failure)) throw error
    }
  }

  forgetStale(): boolean {
    let isAny = false
    for (const { names } of this.#directories.values()) {
      for (const [name, inode] of names) {
        if (inode === undefined || !this.#stale.has(inode)) continue
        if (this.version === 4 && this.fileSystem.inode(inode).kind === 'file') continue
        names.delete(name)
        isAny = true
      }
    }
    return isAny
  }

  list(directory: number): string[] {
    this.openDirectory(directory)
    const remembered = this.#remembered(directory)
    remembered.listing ??= [...this.fileSystem.inode(directory).names.keys()].sort()
    return [...remembered.listing]
  }

  requireAlive(inode: number): void {
    if (this.fileSystem.inode(inode).links > 0) return
    this.#stale.add(inode)
    throw new Failure('ESTALE')
  }

  stat(inode: number): Inode {
    if (this.#stale.has(inode)) throw new Failure('ESTALE')
    return this.fileSystem.inode(inode)
  }

  hold(directory: number, name: string): OpenFile {
    const inode = this.find(directory, name)
    if (inode === undefined) throw new Failure('ENOENT')
    return this.#opened({ inode, directory, name })
  }

  create(directory: number, name: string): OpenFile {
    const inode = this.#change([directory], () => this.fileSystem.create(directory, name))
    this.#remembered(directory).names.set(name, inode)
    return this.#opened({ inode, directory, name })
  }

  mkdir(directory: number, name: string): void {
    this.#forgetOnFailure(directory, name, () => {
      this.#changeOnce([directory], () => this.fileSystem.mkdir(directory, name))
    })
    this.#remembered(directory).names.delete(name)
  }

  rmdir(directory: number, name: string): void {
    this.#forgetOnFailure(directory, name, () => {
      this.#changeOnce([directory], () => this.fileSystem.rmdir(directory, name))
    })
    this.#remembered(directory).names.set(name, undefined)
  }

  link(inode: number, directory: number, name: string): void {
    this.requireAlive(inode)
    this.#forgetOnFailure(directory, name, () => {
      this.#changeOnce([directory], () => this.fileSystem.link(inode, directory, name))
    })
    this.#remembered(directory).names.set(name, inode)
  }

  unlink(directory: number, name: string): void {
    const busy = this.#busyWith(directory, name)
    if (this.find(directory, name) === undefined) throw new Failure('ENOENT')
    this.#forgetOnFailure(directory, name, () => {
      if (busy.length > 0) this.#sillyRename(directory, name, busy)
      else this.#changeOnce([directory], () => this.fileSystem.unlink(directory, name))
    })
    this.#remembered(directory).names.set(name, undefined)
  }

  *rename(from: number, name: string, to: number, newName: string): Steps<void> {
    const believed = this.find(from, name)
    if (believed === undefined) throw new Failure('ENOENT')
    yield believed
    const busy = this.#busyWith(to, newName)
    if (busy.length > 0) yield* this.#moveAway(to, newName, busy)
    try {
      this.#forgetOnFailure(from, name, () => {
        this.#changeOnce([from, to], () => this.fileSystem.rename(from, name, to, newName))
      })
    } finally {
      for (const file of busy) if (file.isKernels === true) this.closeFile(file)
    }
    this.#remembered(from).names.set(name, undefined)
    this.#remembered(to).names.set(newName, believed)
    for (const file of this.#openBy(from, name))
      Object.assign(file, { directory: to, name: newName })
  }

  /** Whether what this host remembers of a name, if anything, is so. */
  isRight(directory: number, name: string): boolean {
    const { names } = this.#remembered(directory)
    if (this.lookupCache === 'none' || !names.has(name)) return true
    return names.get(name) === this.fileSystem.inode(directory).names.get(name)
  }

  copy(fileSystem: FileSystem): NfsMount {
    if (this.#openFiles.size > 0) throw new Error('a mount with open files cannot be copied')
    const copy = new NfsMount(fileSystem, this.version, this.lookupCache)
    for (const [directory, { change, names, listing }] of this.#directories) {
      copy.#directories.set(directory, { change, names: new Map(names), listing })
    }
    for (const inode of this.#stale) copy.#stale.add(inode)
    return copy
  }

  describe(): string {
    const directories = [...this.#directories].map(([directory, { change, names, listing }]) => {
      const known = [...names].map(([name, inode]) => `${name}=${inode ?? ''}`).sort()
      return `${directory}@${change}:${known.join()}/${listing?.join() ?? '?'}`
    })
    return `${directories.sort().join(' ')} ${[...this.#stale].join()}`
  }

  #opened(file: OpenFile): OpenFile {
    this.#openFiles.add(file)
    return file
  }

  #openBy(directory: number, name: string): OpenFile[] {
    const isIt = (file: OpenFile): boolean => file.directory === directory && file.name === name
    return [...this.#openFiles].filter(isIt)
  }

  /** Who has the file open that the host remembers for a name. */
  #busyWith(directory: number, name: string): OpenFile[] {
    const isAsked = this.lookupCache === 'none'
    const known = isAsked ? this.find(directory, name) : this.#remembered(directory).names.get(name)
    return this.#openBy(directory, name).filter(({ inode }) => inode === known)
  }

  /** The first of two calls that replace a busy file; the kernel holds it until both are done. */
  *#moveAway(directory: number, name: string, busy: OpenFile[]): Steps<void> {
    busy.push(this.#opened({ inode: busy[0]?.inode ?? 0, directory, name, isKernels: true }))
    try {
      this.#forgetOnFailure(directory, name, () => this.#sillyRename(directory, name, busy))
    } catch (error) {
      this.#openFiles.delete(busy.pop() as OpenFile)
      throw error
    }
    yield GAP
  }

  #sillyRename(directory: number, name: string, busy: readonly OpenFile[]): void {
    const silly = `.nfs${busy[0]?.inode ?? 0}`
    this.#change([directory], () => this.fileSystem.rename(directory, name, directory, silly))
    for (const file of busy) file.name = silly
  }

  #changeOf(directory: number): number {
    return this.fileSystem.inode(directory)[this.#changeIsToldBy]
  }

  #remembered(directory: number): Remembered {
    let remembered = this.#directories.get(directory)
    if (remembered === undefined) {
      const change = this.#changeOf(directory)
      remembered = { change, names: new Map(), listing: undefined }
      this.#directories.set(directory, remembered)
    }
    return remembered
  }

  #forgetOnFailure(directory: number, name: string, act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#remembered(directory).names.delete(name)
      throw error
    }
  }

  /** A call that makes a difference if it is done twice. */
  #changeOnce(directories: readonly number[], act: () => unknown): void {
    this.#change(directories, () => {
      act()
      if (!this.losesReply) return
      this.losesReply = false
      act()
    })
  }

  /** A call whose answer says how directories have changed, and so whether others changed them. */
  #change<T>(directories: readonly number[], act: () => T): T {
    for (const directory of directories) this.requireAlive(directory)
    const before = directories.map((directory) => this.#changeOf(directory))
    const result = act()
    directories.forEach((directory, i) => {
      const remembered = this.#remembered(directory)
      if (remembered.change !== before[i]) forgetAll(remembered)
      else remembered.listing = undefined
      remembered.change = this.#changeOf(directory)
    })
    return result
  }
}

function forgetAll(remembered: Remembered): void {
  remembered.names.clear()
  remembered.listing = undefined
}
