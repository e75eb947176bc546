import { bytesInMemory, bytesOfBody } from '../../body.js'
import type { Body } from '../../object-store.js'
import { transformedBody } from '../transformed-body.js'
import { codecOf, type Algorithm } from './algorithms.js'
import { FRAME_BYTES, IndexWriter } from './frames.js'

/** How values are compressed. */
export interface CompressionHow {
  readonly algorithm: Algorithm
  readonly level: number
  readonly minBytes: number
}

/** A body to be stored in place of another one. */
export interface Compressed {
  readonly body: Body
  /** Whether it is compressed; if not, it is the value itself. */
  readonly isCompressed: boolean
  /** Length of the value in bytes: undefined as long as that is not known. */
  readonly valueBytes: () => number | undefined
}

/**
 * Compresses a body. A value of one frame is compressed before it is stored, to know whether that
 * gains anything; more of it is compressed as it comes.
 */
export async function compressBody(
  body: Body,
  how: CompressionHow,
  signal: AbortSignal | undefined,
): Promise<Compressed> {
  const inMemory = bytesInMemory(body)
  if (inMemory !== undefined && inMemory.length < FRAME_BYTES) {
    return await compressWhole(Buffer.from(inMemory), how)
  }
  const frames = cut(bytesOfBody(body, signal))
  const first = await frames.next()
  if (first.done === true) return await compressWhole(Buffer.alloc(0), how)
  if (first.value.length < FRAME_BYTES) return await compressWhole(first.value, how)
  const index = new IndexWriter()
  let isDone = false
  const made = (async function* (): AsyncGenerator<Uint8Array> {
    for (let step: IteratorResult<Buffer> = first; step.done !== true; step = await frames.next()) {
      yield await compressFrame(step.value, how, index)
    }
    yield index.finish()
    isDone = true
  })()
  return {
    body: transformedBody(frames, made),
    isCompressed: true,
    valueBytes: () => inMemory?.length ?? (isDone ? index.valueBytes : undefined),
  }
}

/** A value of less than a frame, which belongs to the layer. */
async function compressWhole(plain: Buffer, how: CompressionHow): Promise<Compressed> {
  const valueBytes = (): number => plain.length
  if (plain.length < how.minBytes) return { body: plain, isCompressed: false, valueBytes }
  const index = new IndexWriter()
  const stored = await compressFrame(plain, how, index)
  const rest = index.finish()
  const isCompressed = stored.length + rest.length < plain.length
  return { body: isCompressed ? Buffer.concat([stored, rest]) : plain, isCompressed, valueBytes }
}

async function compressFrame(
  plain: Buffer,
  { algorithm, level }: CompressionHow,
  index: IndexWriter,
): Promise<Buffer> {
  const compressed = await codecOf(algorithm).compress(plain, level)
  const isAsItIs = compressed.length >= plain.length
  const stored = isAsItIs ? plain : compressed
  index.add(plain, stored.length, isAsItIs)
  return stored
}

/** The pieces of a body as frames: all but the last one are of {@link FRAME_BYTES}. */
function cut(pieces: AsyncIterableIterator<Uint8Array>): AsyncIterableIterator<Buffer> {
  const made = (async function* (): AsyncGenerator<Buffer> {
    let frame = Buffer.allocUnsafe(FRAME_BYTES)
    let filled = 0
    for await (const piece of pieces) {
      for (let start = 0; start < piece.length;) {
        const part = piece.subarray(start, start + FRAME_BYTES - filled)
        frame.set(part, filled)
        filled += part.length
        start += part.length
        if (filled < FRAME_BYTES) continue
        yield frame
        frame = Buffer.allocUnsafe(FRAME_BYTES)
        filled = 0
      }
    }
    if (filled > 0) yield frame.subarray(0, filled)
  })()
  return transformedBody(pieces, made) as AsyncIterableIterator<Buffer>
}
