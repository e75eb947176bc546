import type { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { speakingOf, StoreError, toStoreError } from './errors.js'
import { requireBuffer, type ObjectInfo } from './object-info.js'
import type { RangeOptions, StoredObject } from './object-store.js'
import { checkRange } from './options.js'
import { pullReadable, webReadable } from './streams.js'
import { parseJson } from './value.js'

/** The pieces of a value, or of a part of it; they belong to whoever gets them. */
export type ValuePieces = AsyncIterator<Buffer, undefined> | Iterator<Buffer, undefined>

/** What a {@link StoredObject} is made of. */
export interface ObjectParts {
  readonly info: ObjectInfo
  /**
   * The bytes from `start` up to but not including `end`, which lie within the value. A whole
   * value is checked before its last piece is given out.
   */
  read(start: number, end: number): ValuePieces
  /** All of the value, where that is quicker than by `read`. */
  bytes?(): Promise<Buffer>
  /** Lets go of what it holds. Called once. */
  close(): Promise<void>
}

/**
 * Makes an object of its parts. Checked here are ranges and whether it is open, and its errors
 * speak of its key.
 */
export function storedObject(parts: ObjectParts): StoredObject {
  return new ObjectOfParts(parts)
}

class ObjectOfParts implements StoredObject {
  readonly info: ObjectInfo
  readonly #parts: ObjectParts
  #closing: Promise<void> | undefined

  constructor(parts: ObjectParts) {
    this.info = parts.info
    this.#parts = parts
  }

  async bytes(): Promise<Buffer> {
    requireBuffer(this.info)
    const whole = await this.#run(() => this.#parts.bytes?.())
    return whole ?? (await this.#gather())
  }

  async text(): Promise<string> {
    return (await this.bytes()).toString('utf8')
  }

  async json(): Promise<unknown> {
    return parseJson(await this.text(), this.info.key)
  }

  stream(options: RangeOptions = {}): Readable {
    const [start, end] = checkRange(options, this.info.sizeBytes)
    let pieces: ValuePieces | undefined
    const stream = pullReadable(() =>
      this.#run(async () => {
        pieces ??= this.#parts.read(start, end)
        const { done, value } = await pieces.next()
        return done === true ? undefined : value
      }),
    )
    // Whoever stops reading lets go of what the pieces are made from.
    return stream.once('close', () => void ignoringErrors(pieces?.return?.(undefined)))
  }

  webStream(options: RangeOptions = {}): ReadableStream<Uint8Array> {
    return webReadable(this.stream(options))
  }

  close(): Promise<void> {
    this.#closing ??= this.#parts.close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #gather(): Promise<Buffer> {
    const pieces: Buffer[] = []
    for await (const piece of this.stream()) pieces.push(piece as Buffer)
    return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces)
  }

  async #run<T>(act: () => T | Promise<T>): Promise<T> {
    const { key } = this.info
    return await speakingOf(key, async () => {
      if (this.#closing !== undefined) throw new StoreError('CLOSED', 'the object was closed')
      try {
        return await act()
      } catch (error) {
        throw toStoreError(error, 'read')
      }
    })
  }
}

async function ignoringErrors(promise: unknown): Promise<void> {
  try {
    await promise
  } catch {
    // Nobody reads it any more.
  }
}
