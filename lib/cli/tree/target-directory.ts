import { constants, type BigIntStats } from 'node:fs'
import { lutimes } from 'node:fs/promises'
import { dirname } from 'node:path'
import fs from 'fs-extra'
import { hasCode, LocalFileError, reasonOf } from '../failure.js'
import type { Attributes } from './attributes.js'
import { Skip } from './tally.js'
import { removeAbandoned, TemporaryNames } from './temporary-names.js'

/**
 * O_EXCL: whatever lies there, a symbolic link above all, is not written into. That, and that
 * short writes must be noticed, is why files are not written with write-file-atomic here.
 */
const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL
const OPEN_DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW

/** What is wrong with the whole directory, not with one path in it. */
const FATAL = ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EMFILE', 'ENFILE', 'ENOMEM']

/**
 * The directory of an export. Each file is complete before it gets its name, replacing what had
 * it, and nothing is ever written through a symbolic link: every directory on the way is checked
 * to be one. A process that replaces directories by links meanwhile is not reckoned with.
 */
export class TargetDirectory {
  readonly #root: string
  readonly #known = new Map<string, Promise<void>>()
  readonly #names = new TemporaryNames()
  readonly #flush: boolean

  /**
   * @param root - the directory, which is there, without symbolic links in its path
   * @param flush - whether a file is on the disk before it gets its name
   */
  constructor(root: string, flush: boolean) {
    this.#root = root
    this.#flush = flush
  }

  /** What lies at a path; undefined if nothing does. No symbolic link is followed. */
  async find(path: string): Promise<BigIntStats | undefined> {
    const parent = dirname(path)
    await this.makeDirectory(parent)
    try {
      return await fs.lstat(this.placeOf(path), { bigint: true })
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined
      throw new Skip(reasonOf(error))
    }
  }

  placeOf(path: string): string {
    return `${this.#root}/${path}`
  }

  async writeFile(
    path: string,
    pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    { mode, mtimeSeconds }: Attributes,
  ): Promise<void> {
    await this.#place(path, async (temporary) => {
      const fd = await fs.open(temporary, CREATE, mode === undefined ? 0o666 : 0o600)
      try {
        for await (const piece of pieces) await writeAll(fd, piece)
        if (mode !== undefined) await fs.fchmod(fd, mode)
        if (mtimeSeconds !== undefined) await fs.futimes(fd, mtimeSeconds, mtimeSeconds)
        if (this.#flush) await fs.fsync(fd)
      } finally {
        await fs.close(fd)
      }
    })
  }

  async makeLink(path: string, target: Buffer, { mtimeSeconds }: Attributes): Promise<void> {
    await this.#place(path, async (temporary) => {
      await fs.symlink(target, temporary)
      if (mtimeSeconds !== undefined) await lutimes(temporary, mtimeSeconds, mtimeSeconds)
    })
  }

  /** Makes a directory, if it is not there; its parents too. */
  makeDirectory(path: string): Promise<void> {
    let made = this.#known.get(path)
    if (made === undefined) {
      made = this.#make(path)
      this.#known.set(path, made)
    }
    return made
  }

  /** Gives a directory its mode and time, which is for the end: they may forbid new files. */
  async finishDirectory(path: string, { mode, mtimeSeconds }: Attributes): Promise<void> {
    await orSkip(this.#root, async () => {
      const fd = await fs.open(this.placeOf(path), OPEN_DIRECTORY)
      try {
        if (mode !== undefined) await fs.fchmod(fd, mode)
        if (mtimeSeconds !== undefined) await fs.futimes(fd, mtimeSeconds, mtimeSeconds)
      } finally {
        await fs.close(fd)
      }
    })
  }

  async #make(path: string): Promise<void> {
    if (path !== '.') await this.makeDirectory(dirname(path))
    const place = this.placeOf(path)
    await orSkip(this.#root, async () => {
      try {
        await fs.mkdir(place)
      } catch (error) {
        if (!hasCode(error, 'EEXIST')) throw error
        const found = await fs.lstat(place)
        if (found.isDirectory()) return await removeAbandoned(place)
        const what = found.isSymbolicLink() ? 'a symbolic link' : 'a file'
        throw new Skip(`${what} lies where its directory belongs`)
      }
    })
  }

  /** Makes something under a temporary name, then gives it its own. */
  async #place(path: string, make: (temporary: string) => Promise<void>): Promise<void> {
    const parent = dirname(path)
    await this.makeDirectory(parent)
    const temporary = this.placeOf(`${parent}/${this.#names.next()}`)
    await orSkip(this.#root, async () => {
      try {
        await make(temporary)
        await fs.rename(temporary, this.placeOf(path))
      } catch (error) {
        await fs.unlink(temporary).catch(() => undefined)
        throw error
      }
    })
  }
}

async function writeAll(fd: number, bytes: Uint8Array): Promise<void> {
  let done = 0
  while (done < bytes.length) {
    const { bytesWritten } = await fs.write(fd, bytes, done, bytes.length - done, null)
    done += bytesWritten
  }
}

/** System errors about one path skip it; those about the file system end the export. */
async function orSkip(root: string, call: () => Promise<void>): Promise<void> {
  try {
    await call()
  } catch (error) {
    if (hasCode(error, 'EISDIR', 'ENOTEMPTY', 'EEXIST')) {
      throw new Skip('a directory lies where it belongs')
    }
    if (hasCode(error, ...FATAL)) throw new LocalFileError('write to', root, error)
    const isSystem = (error as NodeJS.ErrnoException).syscall !== undefined
    throw isSystem || hasCode(error, 'ERR_INVALID_ARG_VALUE') ? new Skip(reasonOf(error)) : error
  }
}
