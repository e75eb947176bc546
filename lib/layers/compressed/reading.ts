import { crc32 } from 'node:zlib'
import { StoreError } from '../../errors.js'
import type { StoredObject } from '../../object-store.js'
import { innerPieces } from '../inner-object.js'
import { codecOf, type Algorithm } from './algorithms.js'
import { damaged, FRAME_BYTES, indexBytes, readIndex, readTail, TAIL_BYTES } from './frames.js'
import type { Frame } from './frames.js'

/** Length of the value in a compressed object, in bytes. */
export async function valueBytesOf(inner: StoredObject): Promise<number> {
  return (await tailOf(inner)).valueBytes
}

/** The bytes from `start` up to but not including `end` of the value in a compressed object. */
export async function* expand(
  inner: StoredObject,
  algorithm: Algorithm,
  start: number,
  end: number,
): AsyncGenerator<Buffer, undefined> {
  const frames = await framesOf(inner)
  const first = Math.floor(start / FRAME_BYTES)
  const wanted = frames.slice(first, Math.ceil(end / FRAME_BYTES))
  let frameStart = first * FRAME_BYTES
  for await (const [frame, stored] of storedFrames(inner, wanted)) {
    const plain = await expandFrame(frame, stored, algorithm)
    yield plain.subarray(Math.max(0, start - frameStart), end - frameStart)
    frameStart += FRAME_BYTES
  }
  return undefined
}

async function expandFrame(frame: Frame, stored: Buffer, algorithm: Algorithm): Promise<Buffer> {
  const plain = frame.isAsItIs ? stored : await expandBytes(stored, algorithm)
  if (crc32(plain) !== frame.crc) throw damaged()
  return plain
}

async function expandBytes(stored: Buffer, algorithm: Algorithm): Promise<Buffer> {
  const { expand } = codecOf(algorithm)
  try {
    return await expand(stored, FRAME_BYTES)
  } catch (error) {
    throw damaged(error)
  }
}

/** The stored bytes of frames that follow each other. */
async function* storedFrames(
  inner: StoredObject,
  frames: readonly Frame[],
): AsyncGenerator<[frame: Frame, stored: Buffer]> {
  const [first, last] = [frames[0], frames.at(-1)]
  if (first === undefined || last === undefined) return
  const pieces = innerPieces(inner, first.offset, last.offset + last.storedBytes)
  let rest: Buffer = Buffer.alloc(0)
  try {
    for (const frame of frames) {
      const gathered = [rest]
      for (let length = rest.length; length < frame.storedBytes;) {
        const { done, value } = await pieces.next()
        if (done === true) throw damaged()
        gathered.push(value)
        length += value.length
      }
      const bytes = gathered.length === 1 ? rest : Buffer.concat(gathered)
      rest = bytes.subarray(frame.storedBytes)
      yield [frame, bytes.subarray(0, frame.storedBytes)]
    }
  } finally {
    await pieces.return?.(undefined)
  }
}

async function framesOf(inner: StoredObject): Promise<Frame[]> {
  const { sizeBytes } = inner.info
  const tail = await tailOf(inner)
  const end = sizeBytes - TAIL_BYTES
  const index = await bytesBetween(inner, end - indexBytes(tail), end)
  return readIndex(index, tail, sizeBytes)
}

async function tailOf(inner: StoredObject): Promise<ReturnType<typeof readTail>> {
  const { sizeBytes } = inner.info
  if (sizeBytes < TAIL_BYTES) throw damaged()
  return readTail(await bytesBetween(inner, sizeBytes - TAIL_BYTES, sizeBytes), sizeBytes)
}

async function bytesBetween(inner: StoredObject, start: number, end: number): Promise<Buffer> {
  if (start === end) return Buffer.alloc(0)
  const pieces: Buffer[] = []
  const stream = inner.stream({ start, end: end - 1 })
  for await (const piece of stream) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}

/** What a mark says that nobody here can read. */
export function unknownMark(mark: string): StoreError {
  const message = `the value is compressed in a way this version does not know: ${mark}`
  return new StoreError('FORMAT_UNSUPPORTED', `${message}; use a newer version`)
}
