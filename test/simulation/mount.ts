import type { FileSystem, Inode } from './file-system.js'
import { Failure } from './system-error.js'

/** A call in several steps: others may act where it yields. What it yields tells states apart. */
export type Steps<T> = Generator<number, T, void>

/** An open file, and the name by which this host opened it. */
export interface OpenFile {
  readonly inode: number
  directory: number
  name: string
  /** Whether it is the kernel that has it open, for a call of its own. */
  readonly isKernels?: boolean
}

/** A file system as one host sees it. Directories are given by inode number. */
export interface Mount {
  readonly fileSystem: FileSystem
  /** The `type` that statfs gives. */
  readonly type: number
  /** The inode that this host takes a name for. */
  find(directory: number, name: string): number | undefined
  /** Opens a directory: what close-to-open consistency revalidates by. */
  openDirectory(directory: number): void
  /** Opens a file by its name. */
  openFile(directory: number, name: string): OpenFile
  /** Looks a file up to do something with it; until it is closed, this host is busy with it. */
  hold(directory: number, name: string): OpenFile
  closeFile(file: OpenFile): void
  /** What this host takes for the attributes of an inode. */
  stat(inode: number): Inode
  /** Forgets names of what proved to be no more, to look them up again; says whether it had any. */
  forgetStale(): boolean
  list(directory: number): string[]
  /** Fails when the inode, which is open or was looked up, cannot be used any more. */
  requireAlive(inode: number): void
  create(directory: number, name: string): OpenFile
  mkdir(directory: number, name: string): void
  rmdir(directory: number, name: string): void
  link(inode: number, directory: number, name: string): void
  unlink(directory: number, name: string): void
  rename(from: number, name: string, to: number, newName: string): Steps<void>
  /** The same for a copy of the file system. */
  copy(fileSystem: FileSystem): Mount
  /** All that it remembers, to compare states. */
  describe(): string
}

/** A local file system: everybody sees what is there. */
export class LocalMount implements Mount {
  readonly type = 0xef53

  constructor(readonly fileSystem: FileSystem) {}

  find(directory: number, name: string): number | undefined {
    return this.fileSystem.lookup(directory, name)
  }

  openDirectory(directory: number): void {
    if (this.fileSystem.inode(directory).links === 0) throw new Failure('ENOENT')
  }

  openFile(directory: number, name: string): OpenFile {
    const inode = this.fileSystem.lookup(directory, name)
    if (inode === undefined) throw new Failure('ENOENT')
    return { inode, directory, name }
  }

  hold(directory: number, name: string): OpenFile {
    return this.openFile(directory, name)
  }

  stat(inode: number): Inode {
    return this.fileSystem.inode(inode)
  }

  closeFile(): void {
    // A file whose last name is gone just vanishes.
  }

  forgetStale(): boolean {
    return false
  }

  list(directory: number): string[] {
    return [...this.fileSystem.inode(directory).names.keys()].sort()
  }

  /** An open file stays, whatever happens to its names. */
  requireAlive(): void {
    // Nothing can be wrong with it.
  }

  create(directory: number, name: string): OpenFile {
    return { inode: this.fileSystem.create(directory, name), directory, name }
  }

  mkdir(directory: number, name: string): void {
    this.fileSystem.mkdir(directory, name)
  }

  rmdir(directory: number, name: string): void {
    this.fileSystem.rmdir(directory, name)
  }

  link(inode: number, directory: number, name: string): void {
    this.fileSystem.link(inode, directory, name)
  }

  unlink(directory: number, name: string): void {
    this.fileSystem.unlink(directory, name)
  }

  // eslint-disable-next-line require-yield -- it is one step
  *rename(from: number, name: string, to: number, newName: string): Steps<void> {
    this.fileSystem.rename(from, name, to, newName)
  }

  copy(fileSystem: FileSystem): Mount {
    return new LocalMount(fileSystem)
  }

  describe(): string {
    return ''
  }
}
