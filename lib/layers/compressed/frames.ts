/**
 * How a compressed value lies in its object: frames, each of which can be expanded by itself, then
 * an index of them, then a tail of fixed size.
 *
 *     frames    each of FRAME_BYTES of the value, the last one of what is left; as it is where
 *               compressing it gains nothing
 *     index     for each frame 8 bytes: its stored length, with the highest bit set where it is
 *               as it is; the crc32 of what it expands to
 *     tail      8 bytes: length of the value; 4: number of frames; 4: crc32 of the index and of
 *               the 12 bytes before; 4: MAGIC. All numbers are big-endian.
 */
import { crc32 } from 'node:zlib'
import { StoreError } from '../../errors.js'

/** So much of a value is expanded for the first byte of a range. */
export const FRAME_BYTES = 256 * 1024

/** The size of the tail. */
export const TAIL_BYTES = 20

const ENTRY_BYTES = 8
const MAGIC = 0x4c_53_5a_31
const AS_IT_IS = 0x8000_0000

/** One frame, where it lies and what it gives. */
export interface Frame {
  /** Where it begins in the stored bytes. */
  readonly offset: number
  readonly storedBytes: number
  readonly isAsItIs: boolean
  /** The crc32 of what it expands to. */
  readonly crc: number
}

/** What a tail says, of an object of this size. */
export interface Tail {
  readonly valueBytes: number
  readonly frames: number
  readonly crc: number
}

/** What is noted of the frames as they are written. */
export class IndexWriter {
  readonly #entries: Buffer[] = []
  #valueBytes = 0

  /** Length of the value so far, in bytes. */
  get valueBytes(): number {
    return this.#valueBytes
  }

  add(plain: Uint8Array, storedBytes: number, isAsItIs: boolean): void {
    const entry = Buffer.alloc(ENTRY_BYTES)
    entry.writeUInt32BE((storedBytes | (isAsItIs ? AS_IT_IS : 0)) >>> 0, 0)
    entry.writeUInt32BE(crc32(plain), 4)
    this.#entries.push(entry)
    this.#valueBytes += plain.length
  }

  /** The index and the tail. */
  finish(): Buffer {
    const tail = Buffer.alloc(TAIL_BYTES)
    tail.writeBigUInt64BE(BigInt(this.#valueBytes), 0)
    tail.writeUInt32BE(this.#entries.length, 8)
    const index = Buffer.concat(this.#entries)
    tail.writeUInt32BE(crc32(tail.subarray(0, 12), crc32(index)), 12)
    tail.writeUInt32BE(MAGIC, 16)
    return Buffer.concat([index, tail])
  }
}

/** Reads the tail of an object of `sizeBytes`. */
export function readTail(tail: Buffer, sizeBytes: number): Tail {
  if (tail.length !== TAIL_BYTES || tail.readUInt32BE(16) !== MAGIC) throw damaged()
  const valueBytes = Number(tail.readBigUInt64BE(0))
  const frames = tail.readUInt32BE(8)
  // What the numbers must be before anything is read or allocated by them.
  const isPlausible =
    frames === Math.ceil(valueBytes / FRAME_BYTES) && frames * ENTRY_BYTES + TAIL_BYTES <= sizeBytes
  if (!isPlausible) throw damaged()
  return { valueBytes, frames, crc: tail.readUInt32BE(12) }
}

/** How long the index is that a tail speaks of, in bytes. */
export function indexBytes({ frames }: Tail): number {
  return frames * ENTRY_BYTES
}

/** Reads the index of an object of `sizeBytes`. */
export function readIndex(index: Buffer, tail: Tail, sizeBytes: number): Frame[] {
  const head = Buffer.alloc(12)
  head.writeBigUInt64BE(BigInt(tail.valueBytes), 0)
  head.writeUInt32BE(tail.frames, 8)
  if (crc32(head, crc32(index)) !== tail.crc) throw damaged()
  const frames: Frame[] = []
  let offset = 0
  for (let at = 0; at < index.length; at += ENTRY_BYTES) {
    const word = index.readUInt32BE(at)
    const storedBytes = word & (AS_IT_IS - 1)
    const isAsItIs = word >= AS_IT_IS
    frames.push({ offset, storedBytes, isAsItIs, crc: index.readUInt32BE(at + 4) })
    offset += storedBytes
  }
  if (offset + index.length + TAIL_BYTES !== sizeBytes) throw damaged()
  return frames
}

/** What a compressed value is, of which something is not as it was written. */
export function damaged(cause?: unknown): StoreError {
  const message = 'the compressed value is damaged; restore it, or remove it'
  return new StoreError('CORRUPT', message, { cause })
}
