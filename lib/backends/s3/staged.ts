import { crc32 } from 'node:zlib'
import { StoreError } from '../../errors.js'
import type { Beside, Bucket, Condition, UploadedPart } from './bucket.js'

/** Values up to this many bytes are one request; larger ones are uploaded in parts of so many. */
export const PART_BYTES = 8 * 1024 * 1024
/** From then on parts are twice as large, again and again: S3 takes 10,000, and 5 TiB of all. */
const PARTS_OF_A_SIZE = 1000
const PARTS_AT_ONCE = 3

/** A complete value that nobody sees yet. */
export interface Staged {
  /** Of the value; without what was put behind it. */
  readonly sizeBytes: number
  readonly isLarge: boolean
  /** Gives it its name; false if the condition did not hold: then it can be tried again. */
  publish(condition: Condition, signal?: AbortSignal): Promise<boolean>
  /** Removes it, if it was not published. */
  discard(): Promise<void>
}

/** What is staged, and as what. */
export interface StageHow {
  readonly name: string
  /** What is put behind the value. */
  readonly tail: Buffer
  /** What is stored beside it; the crc32 of all its bytes is not known where it is large. */
  beside(crc: number | undefined): Beside
}

/**
 * Takes a value to where one request publishes it: small ones into memory, large ones into parts
 * of an upload. If it fails, nothing of it is left.
 */
export async function stage(
  bucket: Bucket,
  body: AsyncIterableIterator<Uint8Array>,
  how: StageHow,
  signal: AbortSignal | undefined,
): Promise<Staged> {
  const sum = { sizeBytes: 0, crc: 0 }
  const parts = partsOf(body, how.tail, sum)
  try {
    const first = await parts.next()
    const second = await parts.next()
    if (second.done === true) {
      const bytes = first.done === true ? Buffer.alloc(0) : first.value
      return smallValue(bucket, how, bytes, sum)
    }
    const beside = how.beside(undefined)
    const id = await bucket.createUpload(how.name, beside, signal)
    const upload = new Upload(bucket, how.name, id, signal)
    try {
      await upload.add(first.value ?? Buffer.alloc(0))
      await upload.add(second.value)
      for await (const part of parts) await upload.add(part)
      await upload.settle()
    } catch (error) {
      await upload.discard()
      throw error
    }
    return largeValue(upload, sum, how.tail.length)
  } catch (error) {
    // Whoever makes the value can stop.
    await body.return?.()
    throw error
  }
}

interface Sum {
  sizeBytes: number
  crc: number
}

function smallValue(bucket: Bucket, how: StageHow, bytes: Buffer, { crc }: Sum): Staged {
  const { name, tail } = how
  const stored = how.beside(crc)
  return {
    sizeBytes: bytes.length - tail.length,
    isLarge: false,
    publish: async (condition, signal) =>
      (await bucket.put(name, bytes, stored, condition, signal)) !== undefined,
    discard: () => Promise.resolve(),
  }
}

function largeValue(upload: Upload, { sizeBytes, crc }: Sum, tailBytes: number): Staged {
  return {
    sizeBytes: sizeBytes - tailBytes,
    isLarge: true,
    publish: (condition, signal) => upload.publish(condition, crc, signal),
    discard: () => upload.discard(),
  }
}

/** An upload in parts, some at a time. */
class Upload {
  readonly #bucket: Bucket
  readonly #name: string
  readonly #id: string
  readonly #signal: AbortSignal | undefined
  readonly #underWay = new Set<Promise<void>>()
  readonly #parts: UploadedPart[] = []
  #count = 0
  #failure: { readonly error: unknown } | undefined
  #isPublished = false

  constructor(bucket: Bucket, name: string, id: string, signal: AbortSignal | undefined) {
    this.#bucket = bucket
    this.#name = name
    this.#id = id
    this.#signal = signal
  }

  /** Waits only while too many are under way. */
  async add(bytes: Buffer): Promise<void> {
    this.#count += 1
    const putting = this.#put(this.#count, bytes)
    this.#underWay.add(putting)
    void putting.then(() => this.#underWay.delete(putting))
    if (this.#underWay.size >= PARTS_AT_ONCE) await Promise.race(this.#underWay)
    this.#requireSuccess()
  }

  async settle(): Promise<void> {
    await Promise.all(this.#underWay)
    this.#requireSuccess()
  }

  async publish(
    condition: Condition,
    crc: number,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const parts = this.#parts.toSorted((a, b) => a.PartNumber - b.PartNumber)
    const crcText = crcInBase64(crc)
    const [bucket, name, id] = [this.#bucket, this.#name, this.#id]
    this.#isPublished = await bucket.completeUpload(name, id, parts, crcText, condition, signal)
    return this.#isPublished
  }

  async discard(): Promise<void> {
    if (this.#isPublished) return
    // A part that arrives after the abort would stay.
    await Promise.all(this.#underWay)
    try {
      await this.#bucket.abortUpload(this.#name, this.#id)
    } catch {
      // What went wrong first is what the caller must hear of. A lifecycle rule removes the rest.
    }
  }

  async #put(number: number, bytes: Buffer): Promise<void> {
    try {
      const [bucket, name, id] = [this.#bucket, this.#name, this.#id]
      this.#parts.push(await bucket.putPart(name, id, number, bytes, this.#signal))
    } catch (error) {
      this.#failure ??= { error }
    }
  }

  #requireSuccess(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}

/** A value and what comes behind it, in parts as they are uploaded. */
async function* partsOf(
  body: AsyncIterable<Uint8Array>,
  tail: Buffer,
  sum: Sum,
): AsyncGenerator<Buffer, undefined> {
  let pieces: Buffer[] = []
  let gathered = 0
  let number = 0
  for await (const piece of withTail(body, tail)) {
    sum.sizeBytes += piece.length
    sum.crc = crc32(piece, sum.crc)
    let rest = piece
    while (gathered + rest.length > sizeOfPart(number)) {
      const missing = sizeOfPart(number) - gathered
      yield Buffer.concat([...pieces, rest.subarray(0, missing)])
      rest = rest.subarray(missing)
      pieces = []
      gathered = 0
      number += 1
      if (number === 10 * PARTS_OF_A_SIZE) throw tooLarge()
    }
    // A copy: the piece is its maker's when the next one is asked for.
    pieces.push(Buffer.from(rest))
    gathered += rest.length
  }
  if (gathered > 0) yield Buffer.concat(pieces)
}

async function* withTail(
  body: AsyncIterable<Uint8Array>,
  tail: Buffer,
): AsyncGenerator<Uint8Array> {
  yield* body
  if (tail.length > 0) yield tail
}

function sizeOfPart(number: number): number {
  return PART_BYTES * 2 ** Math.floor(number / PARTS_OF_A_SIZE)
}

/** A crc32 as S3 writes it. */
export function crcInBase64(crc: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc)
  return bytes.toString('base64')
}

function tooLarge(): StoreError {
  return new StoreError('NOT_SUPPORTED', 'the value is larger than S3 can store as one object')
}
