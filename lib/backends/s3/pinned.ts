import type { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import { StoreError } from '../../errors.js'
import type { ValuePieces } from '../../stored-object.js'
import type { Facts } from './attributes.js'
import type { Bucket, Opened } from './bucket.js'
import { toFailure } from './failure.js'
import { crcInBase64 } from './staged.js'

/** So many bytes come with the first request, and are kept while the object is open. */
export const FIRST_BYTES = 1024 * 1024 + 64

/** What is read of an object: the first bytes from memory, the others by requests. */
export class Content {
  readonly #bucket: Bucket
  readonly #name: string
  readonly #facts: Facts
  readonly #opened: Opened
  readonly #signal: AbortSignal

  /** @param signal - ends what is being read */
  constructor(bucket: Bucket, name: string, facts: Facts, opened: Opened, signal: AbortSignal) {
    this.#bucket = bucket
    this.#name = name
    this.#facts = facts
    this.#opened = opened
    this.#signal = signal
  }

  /** The bytes of the value from `start` up to but not including `end`. */
  read(start: number, end: number): ValuePieces {
    if (start !== 0 || end !== this.#facts.info.sizeBytes) return this.#pieces(start, end)
    return this.#checked(this.#pieces(0, this.#opened.totalBytes), end)
  }

  /** All pieces, each but the last as soon as the next is there: then all of them are checked. */
  async *#checked(pieces: AsyncGenerator<Buffer>, end: number): AsyncGenerator<Buffer, undefined> {
    const expected = await this.#expectedCrc()
    let crc = 0
    let position = 0
    let held: Buffer | undefined
    for await (const piece of pieces) {
      crc = crc32(piece, crc)
      // What lies behind the value is not given out.
      const own = piece.subarray(0, Math.max(0, end - position))
      position += piece.length
      if (own.length === 0) continue
      if (held !== undefined) yield held
      held = own
    }
    if (expected !== undefined && crcInBase64(crc) !== expected) {
      throw new StoreError('CORRUPT', 'the value is not what was written: its crc does not match')
    }
    if (held !== undefined) yield held
    return undefined
  }

  async *#pieces(start: number, end: number): AsyncGenerator<Buffer, undefined> {
    const { bytes } = this.#opened
    if (start < bytes.length) yield Buffer.from(bytes.subarray(start, end))
    const from = Math.max(start, bytes.length)
    if (from >= end) return undefined
    const { etag, versionId } = this.#facts
    const part = { start: from, end, versionId, etag: etag === '' ? undefined : etag }
    const body = await this.#bucket.stream(this.#name, part, this.#signal)
    const stop = (): unknown => body.destroy()
    this.#signal.addEventListener('abort', stop, { once: true })
    try {
      yield* arriving(body, end - from)
    } finally {
      this.#signal.removeEventListener('abort', stop)
      body.destroy()
    }
    return undefined
  }

  /** In base64; undefined if nobody has kept one. */
  async #expectedCrc(): Promise<string | undefined> {
    const { crc, etag } = this.#facts
    if (crc !== undefined) return crcInBase64(crc)
    const { bytes, totalBytes } = this.#opened
    // What is small and has none was stored by another tool.
    if (bytes.length === totalBytes) return undefined
    return await this.#bucket.keptCrc(this.#name, etag, this.#signal)
  }
}

async function* arriving(body: Readable, sizeBytes: number): AsyncGenerator<Buffer> {
  let arrived = 0
  try {
    for await (const piece of body) {
      arrived += (piece as Buffer).length
      yield piece as Buffer
    }
  } catch (error) {
    throw toFailure(error, undefined)
  }
  if (arrived === sizeBytes) return
  throw new StoreError('UNAVAILABLE', 'the connection ended before the value did; read it again')
}
