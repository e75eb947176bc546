import { constants } from 'node:fs'
import fs from 'fs-extra'
import { hasCode, reasonOf } from '../failure.js'
import type { FileNumbers } from './attributes.js'
import { Skip } from './tally.js'

/** What a file has to be at the end of reading it as it was at the start. */
interface Stamp extends FileNumbers {
  readonly size: bigint
}

// O_NONBLOCK: should a pipe have taken the file's place, opening it must not wait for a writer.
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
const PIECE_BYTES = 256 * 1024
const CHANGED = 'it changed while it was read; import it again'

/** A file of a tree, open for reading. What goes wrong with it is a {@link Skip}. */
export class SourceFile {
  readonly stamp: Stamp
  readonly #fd: number

  private constructor(fd: number, stamp: Stamp) {
    this.#fd = fd
    this.stamp = stamp
  }

  static async open(path: string): Promise<SourceFile> {
    const fd = await orSkip(() => fs.open(path, FLAGS))
    try {
      const stats = await orSkip(() => fs.fstat(fd, { bigint: true }))
      if (!stats.isFile()) throw new Skip(CHANGED)
      return new SourceFile(fd, stats)
    } catch (error) {
      await fs.close(fd)
      throw error
    }
  }

  /** The content: bytes if there are few, else a stream of them. */
  async content(): Promise<Buffer | AsyncIterable<Buffer>> {
    const { size } = this.stamp
    if (size > PIECE_BYTES) return this.#pieces()
    const parts: Buffer[] = []
    for await (const piece of this.#pieces()) parts.push(piece)
    const [only] = parts
    return only !== undefined && parts.length === 1 ? only : Buffer.concat(parts)
  }

  async close(): Promise<void> {
    await fs.close(this.#fd)
  }

  /** All of the content; fails at its end if the file is not what it was at the start. */
  async *#pieces(): AsyncGenerator<Buffer> {
    const { size, mtimeNs } = this.stamp
    let left = Number(size)
    while (left > 0) {
      const piece = Buffer.allocUnsafeSlow(Math.min(left, PIECE_BYTES))
      const { bytesRead } = await orSkip(() => fs.read(this.#fd, piece, 0, piece.length, null))
      if (bytesRead === 0) throw new Skip(CHANGED)
      left -= bytesRead
      yield piece.subarray(0, bytesRead)
    }
    const now = await orSkip(() => fs.fstat(this.#fd, { bigint: true }))
    if (now.size !== size || now.mtimeNs !== mtimeNs) throw new Skip(CHANGED)
  }
}

/** The numbers of a file, without opening it. */
export async function statFile(path: string): Promise<Stamp> {
  const stamp = await orSkip(() => fs.lstat(path, { bigint: true }))
  if (!stamp.isFile()) throw new Skip(CHANGED)
  return stamp
}

/** A symbolic link's target, and its own numbers. */
export async function readLink(path: string): Promise<{ target: Buffer; stamp: Stamp }> {
  return await orSkip(async () => ({
    target: await fs.readlink(path, { encoding: 'buffer' }),
    stamp: await fs.lstat(path, { bigint: true }),
  }))
}

/** A directory's numbers. */
export async function statDirectory(path: string): Promise<Stamp> {
  const stamp = await orSkip(() => fs.lstat(path, { bigint: true }))
  if (!stamp.isDirectory()) throw new Skip(CHANGED)
  return stamp
}

/** The content of a file that is closed when all of it was read, or no more is wanted. */
export async function piecesOf(path: string): Promise<AsyncIterable<Buffer>> {
  const file = await SourceFile.open(path)
  const pieces = async function* (): AsyncGenerator<Buffer> {
    try {
      const content = await file.content()
      if (Buffer.isBuffer(content)) yield content
      else yield* content
    } finally {
      await file.close()
    }
  }
  return pieces()
}

async function orSkip<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) throw new Skip('it vanished meanwhile')
    throw new Skip(reasonOf(error))
  }
}
