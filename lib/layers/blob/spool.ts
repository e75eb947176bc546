/**
 * Where the bytes of a blob wait until its name is known, which comes from all of them: in memory
 * up to a size, and beyond that in a temporary file that has no name any more, so that nothing is
 * left of it if everything is killed.
 */
import { randomUUID } from 'node:crypto'
import { open, unlink, type FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toStoreError } from '../../errors.js'

/** Up to so many bytes stay in memory. */
const MEMORY_BYTES = 1024 * 1024

/** Holds bytes until they are read. */
export class Spool implements AsyncDisposable {
  readonly #directory: string
  readonly #pieces: Buffer[] = []
  #heldBytes = 0
  #file: FileHandle | undefined

  /** @param directory - for the temporary file; default that of the system */
  constructor(directory: string | undefined) {
    this.#directory = directory ?? tmpdir()
  }

  /** Adds a copy of a piece. */
  async add(piece: Uint8Array): Promise<void> {
    this.#pieces.push(Buffer.from(piece))
    this.#heldBytes += piece.length
    if (this.#heldBytes > MEMORY_BYTES) await this.#spill()
  }

  /** All that was added. */
  async *read(): AsyncGenerator<Uint8Array> {
    const file = this.#file
    if (file !== undefined) {
      const stream = file.createReadStream({ start: 0, autoClose: false })
      const pieces = stream.iterator() as AsyncIterator<Buffer, undefined>
      for (;;) {
        const { done, value } = await reported(() => pieces.next())
        if (done === true) break
        yield value
      }
    }
    yield* this.#pieces
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.close()
  }

  async #spill(): Promise<void> {
    await reported(async () => {
      this.#file ??= await openNameless(this.#directory)
      await this.#file.appendFile(Buffer.concat(this.#pieces))
    })
    this.#heldBytes = 0
    this.#pieces.length = 0
  }
}

async function openNameless(directory: string): Promise<FileHandle> {
  const path = join(directory, `linkstore-blob-${randomUUID()}`)
  const file = await open(path, 'wx+', 0o600)
  await unlink(path)
  return file
}

/** Errors of the temporary file are those of the store: for the caller, it is a part of it. */
async function reported<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw toStoreError(error, 'putBlob')
  }
}
