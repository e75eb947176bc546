import { crc32 } from 'node:zlib'
import { flushNames, type Journal } from './power-cut.js'
import { Failure } from './system-error.js'

/** A file or directory. */
export interface Inode {
  readonly number: number
  /** The number that `stat` tells, which another file may get when this one has no name. */
  readonly place: number
  readonly kind: 'file' | 'directory'
  /** Names it has; 0 for one that was removed and may still be open. */
  links: number
  content: Buffer
  /** What the content was when it was last flushed; undefined: never. */
  flushed: Buffer | undefined
  /** Tells contents apart, for comparing states. */
  contentTag: string
  /** A directory's entries. */
  readonly names: Map<string, number>
  /** How often a directory has changed: what NFS 4 tells its clients. */
  changes: number
  /** When it changed last, by the server's coarse clock: what NFS 3 tells. */
  changedAt: number
  /** When it was written, or its entries changed, by the server's clock. */
  mtimeMs: number
  /** Whether more than one process may know of it: what has, or had, no private name only. */
  isShared: boolean
}

/** What one change does to one directory. */
export interface Edit {
  readonly directory: number
  readonly name: string
  /** The inode the name has now; undefined when the name is gone. */
  readonly inode: number | undefined
}

/** One change of names: after a power cut all of it is there, or nothing. */
export interface Transaction {
  readonly edits: readonly Edit[]
  durable: boolean
}

/** Limits of a file system. */
export interface Limits {
  readonly maxLinks: number
  /** Nothing can be made or written, as on a full disk. */
  readonly isFull: boolean
}

const ROOT_NUMBER = 1
const NOTHING = Buffer.alloc(0)

/**
 * A file system in memory, as POSIX has it: names, inodes with link counts, atomic changes. Paths
 * and descriptors are not its matter (`system-calls.ts`), nor are caches (`nfs.ts`). Every method
 * is one atomic step, and throws a {@link Failure} as Linux does.
 *
 * What of it survives a power cut is said in `power-cut.ts`; here it is only recorded.
 */
export class FileSystem {
  readonly inodes = new Map<number, Inode>()
  /** Changes since {@link settle}, in order. */
  transactions: Transaction[] = []
  /** The entries of all directories at the last {@link settle}. */
  settled = new Map<number, ReadonlyMap<string, number>>()
  /** The server's clock, in milliseconds; what it says is part of states only for sweeps. */
  nowMs = 0
  tracksTimes = false
  /** The server's clock, in ticks too long for NFS 3. */
  clock = 1
  /** Whether every change falls into a tick of its own. */
  ticksByItself = true
  /** Whether some shared directory changed twice within one tick. */
  sawTwoInOneTick = false
  /** How changes of names reach the disk. */
  journal: Journal = 'one'
  /** Whose step it is: inodes are numbered by process, so that order leaves no trace in them. */
  actor = 0
  limits: Limits = { maxLinks: 65_000, isFull: false }
  /** Whether numbers of files that are gone are given to new ones, the lowest first. */
  reusesNumbers = false
  readonly #made = new Map<number, number>()

  constructor() {
    this.inodes.set(ROOT_NUMBER, newInode(ROOT_NUMBER, 'directory'))
  }

  get root(): number {
    return ROOT_NUMBER
  }

  inode(number: number): Inode {
    const inode = this.inodes.get(number)
    if (inode === undefined) throw new Error(`there is no inode ${number}`)
    return inode
  }

  /** The inode of a name. */
  lookup(directory: number, name: string): number | undefined {
    const { kind, links, names } = this.inode(directory)
    if (kind !== 'directory') throw new Failure('ENOTDIR')
    if (links === 0) throw new Failure('ENOENT')
    return names.get(name)
  }

  /** The inode of a path below the mount point, as the server sees it. */
  resolve(path: string): number | undefined {
    let inode: number | undefined = ROOT_NUMBER
    for (const name of path.split('/').slice(2)) {
      inode = inode === undefined ? undefined : this.inode(inode).names.get(name)
    }
    return inode
  }

  /** Opens a name for writing, making the file if it is not there. */
  create(directory: number, name: string): number {
    const found = this.lookup(directory, name)
    if (found !== undefined) {
      if (this.inode(found).kind === 'directory') throw new Failure('EISDIR')
      return found
    }
    return this.#make(directory, name, 'file')
  }

  mkdir(directory: number, name: string): number {
    if (this.lookup(directory, name) !== undefined) throw new Failure('EEXIST')
    return this.#make(directory, name, 'directory')
  }

  /** Gives an inode, which was looked up before and may have lost its last name since, a name. */
  link(number: number, directory: number, name: string): void {
    const inode = this.inode(number)
    if (this.lookup(directory, name) !== undefined) throw new Failure('EEXIST')
    if (inode.kind === 'directory') throw new Failure('EPERM')
    if (inode.links === 0) throw new Failure('ENOENT')
    if (inode.links >= this.limits.maxLinks) throw new Failure('EMLINK')
    if (this.limits.isFull) throw new Failure('ENOSPC')
    inode.links += 1
    this.#change([{ directory, name, inode: number }])
  }

  /** Removes the name of a file; says which. */
  unlink(directory: number, name: string): number {
    const number = this.#require(directory, name)
    const inode = this.inode(number)
    if (inode.kind === 'directory') throw new Failure('EISDIR')
    inode.links -= 1
    this.#change([{ directory, name, inode: undefined }])
    return number
  }

  rmdir(directory: number, name: string): void {
    const inode = this.inode(this.#require(directory, name))
    if (inode.kind !== 'directory') throw new Failure('ENOTDIR')
    if (inode.names.size > 0) throw new Failure('ENOTEMPTY')
    inode.links = 0
    this.#change([{ directory, name, inode: undefined }])
  }

  /** Renames over whatever has the new name; says which inode lost that name. */
  rename(from: number, name: string, to: number, newName: string): number | undefined {
    const number = this.#require(from, name)
    const replaced = this.lookup(to, newName)
    if (replaced === number) return undefined
    if (replaced !== undefined) {
      this.#requireReplaceable(this.inode(number), this.inode(replaced))
      this.inode(replaced).links -= 1
    }
    this.#change([
      { directory: from, name, inode: undefined },
      { directory: to, name: newName, inode: number },
    ])
    return replaced
  }

  /** Replaces the content of a file from a position on. */
  write(number: number, position: number, bytes: Uint8Array): void {
    if (this.limits.isFull) throw new Failure('ENOSPC')
    const { content } = this.inode(number)
    const gap = Buffer.alloc(Math.max(0, position - content.length))
    const rest = content.subarray(position + bytes.length)
    this.setContent(number, Buffer.concat([content.subarray(0, position), gap, bytes, rest]))
  }

  setContent(number: number, content: Buffer): void {
    const inode = this.inode(number)
    inode.content = content
    inode.mtimeMs = this.nowMs
    inode.contentTag = `${content.length}.${crc32(content)}`
  }

  /** Flushes a file's content, or a directory's entries. */
  sync(number: number): void {
    const inode = this.inode(number)
    if (inode.kind === 'file') inode.flushed = inode.content
    else flushNames(this, number)
  }

  /** Makes all that was done until now durable. */
  settle(): void {
    this.transactions = []
    this.settled = new Map()
    for (const inode of this.inodes.values()) {
      if (inode.kind === 'directory') this.settled.set(inode.number, new Map(inode.names))
      else inode.flushed = inode.content
    }
  }

  /** The same file system, to go its own way. */
  copy(): FileSystem {
    const copy = new FileSystem()
    for (const inode of this.inodes.values()) {
      copy.inodes.set(inode.number, { ...inode, names: new Map(inode.names) })
    }
    copy.transactions = this.transactions.map((transaction) => ({ ...transaction }))
    copy.settled = this.settled
    copy.clock = this.clock
    copy.nowMs = this.nowMs
    copy.tracksTimes = this.tracksTimes
    copy.ticksByItself = this.ticksByItself
    copy.sawTwoInOneTick = this.sawTwoInOneTick
    copy.limits = this.limits
    copy.journal = this.journal
    copy.reusesNumbers = this.reusesNumbers
    for (const [actor, made] of this.#made) copy.#made.set(actor, made)
    return copy
  }

  /**
   * All that calls depend on, to compare states; optionally with what tells NFS of changes, and
   * with what is flushed.
   */
  describe(told: 'changes' | 'changedAt' | undefined, withFlushes: boolean): string {
    const parts: string[] = []
    const visit = (number: number): void => {
      const inode = this.inode(number)
      const { links, contentTag, names, flushed, content, mtimeMs } = inode
      parts.push(`${number}:${links}${contentTag}`)
      if (this.reusesNumbers) parts.push(`#${inode.place}`)
      if (this.tracksTimes) parts.push(`m${mtimeMs}`)
      if (withFlushes && flushed === content) parts.push('f')
      if (told !== undefined) parts.push(`@${inode[told]}`)
      for (const name of [...names.keys()].sort()) {
        parts.push(name)
        visit(names.get(name) as number)
      }
      parts.push('.')
    }
    visit(ROOT_NUMBER)
    if (told === 'changedAt') parts.push(`${this.clock}${this.sawTwoInOneTick ? 't' : ''}`)
    if (withFlushes) {
      const changes = this.transactions.map(({ edits, durable }) => {
        const each = edits.map(
          ({ directory, name, inode }) => `${directory}/${name}=${inode ?? ''}`,
        )
        return `${each.join('+')}${durable ? 'd' : ''}`
      })
      parts.push(changes.join())
    }
    return parts.join(' ')
  }

  #make(directory: number, name: string, kind: Inode['kind']): number {
    if (this.limits.isFull) throw new Failure('ENOSPC')
    const made = (this.#made.get(this.actor) ?? 0) + 1
    this.#made.set(this.actor, made)
    const number = (this.actor + 1) * 1000 + made
    const place = this.reusesNumbers ? this.#freePlace() : number
    this.inodes.set(number, { ...newInode(number, kind), place, mtimeMs: this.nowMs })
    this.#change([{ directory, name, inode: number }])
    return number
  }

  #freePlace(): number {
    const taken = new Set<number>()
    for (const { links, place } of this.inodes.values()) if (links > 0) taken.add(place)
    for (let place = 1; ; place += 1) if (!taken.has(place)) return place
  }

  #require(directory: number, name: string): number {
    const number = this.lookup(directory, name)
    if (number === undefined) throw new Failure('ENOENT')
    return number
  }

  #requireReplaceable(inode: Inode, replaced: Inode): void {
    if (inode.kind === 'file' && replaced.kind === 'directory') throw new Failure('EISDIR')
    if (inode.kind === 'directory' && replaced.kind === 'file') throw new Failure('ENOTDIR')
    if (replaced.names.size > 0) throw new Failure('ENOTEMPTY')
  }

  #change(edits: readonly Edit[]): void {
    this.transactions.push({ edits, durable: false })
    const isSeen = edits.some(({ directory }) => this.inode(directory).isShared)
    if (this.ticksByItself && isSeen) this.clock += 1
    for (const { directory, name, inode } of edits) {
      const { names } = this.inode(directory)
      if (inode === undefined) names.delete(name)
      else names.set(name, inode)
    }
    for (const number of new Set(edits.map(({ directory }) => directory))) {
      const directory = this.inode(number)
      if (directory.changedAt === this.clock && directory.isShared) this.sawTwoInOneTick = true
      directory.changes += 1
      directory.mtimeMs = this.nowMs
      directory.changedAt = this.clock
    }
  }
}

function newInode(number: number, kind: Inode['kind']): Inode {
  return {
    number,
    place: number,
    kind,
    links: 1,
    content: NOTHING,
    flushed: undefined,
    contentTag: '',
    names: new Map(),
    changes: 0,
    changedAt: 0,
    mtimeMs: 0,
    isShared: kind === 'directory',
  }
}
