import { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import { orAbort } from './drivers/abort.js'
import { pull, type Operation } from './drivers/effects.js'
import { CallerFailure, StoreError } from './errors.js'
import type { Body } from './object-store.js'
import { bytesSource, requireUnchanged, type Source } from './source.js'

/** Values up to this many bytes are copied when they are given, so the caller may go on. */
const SNAPSHOT_BYTES = 64 * 1024

type Piece = Uint8Array | string

/** A value that comes in pieces, none of which was checked yet. */
interface Pieces {
  readonly iterator: AsyncIterator<Piece> | Iterator<Piece>
  /** Lets whoever makes them stop, also in the middle of one. */
  readonly cancel: (reason: unknown) => void
  /** Whether someone has read some before: if nothing is left, an empty value is not meant. */
  readonly wasRead: boolean
}

/**
 * Turns any body into the source of a write.
 *
 * @throws TypeError for what is no body, or is text with a lone surrogate
 */
export function toSource(body: Body): Source {
  const bytes = bytesInMemory(body)
  if (bytes === undefined) return piecesSource(toPieces(body))
  if (typeof body === 'string') return bytesSource(bytes, false)
  if (bytes.length > SNAPSHOT_BYTES) return bytesSource(bytes, true)
  return bytesSource(Buffer.from(bytes), false)
}

/**
 * The bytes of a body that is in memory, which its owner may still change; undefined of any other.
 *
 * @throws TypeError for text with a lone surrogate
 */
export function bytesInMemory(body: Body): Uint8Array | undefined {
  if (!isInMemory(body)) return undefined
  if (typeof body === 'string') return textBytes(body)
  return ArrayBuffer.isView(body) ? viewBytes(body) : new Uint8Array(body)
}

/** Whether a body is in memory, so that it can be read more than once. */
export function isInMemory(body: Body): body is string | Uint8Array | ArrayBuffer {
  return (
    typeof body === 'string' ||
    ArrayBuffer.isView(body) ||
    body instanceof ArrayBuffer ||
    body instanceof SharedArrayBuffer
  )
}

/**
 * A body as bytes that come in pieces, for whoever makes another body of it. A piece
 * holds until the next one is asked for. To return it early stops whoever makes them, even in the
 * middle of one.
 *
 * @param signal - interrupts the wait for a piece: `ABORTED`
 * @throws TypeError for what is no body, at once; for what is no piece, when its turn comes; for
 *   a value in memory that was changed meanwhile, at its end
 */
export function bytesOfBody(body: Body, signal?: AbortSignal): AsyncIterableIterator<Uint8Array> {
  const bytes = bytesInMemory(body)
  const given = bytes === undefined ? toPieces(body) : memoryPieces(bytes)
  let mustHaveMore = given.wasRead
  return {
    async next(): Promise<IteratorResult<Uint8Array, undefined>> {
      const step = await nextOf(given, signal)
      requireRest(step.done === true && mustHaveMore)
      mustHaveMore = false
      if (step.done === true) return { done: true, value: undefined }
      return { done: false, value: pieceBytes(step.value) }
    },
    return(): Promise<IteratorReturnResult<undefined>> {
      given.cancel(undefined)
      return Promise.resolve({ done: true, value: undefined })
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

async function nextOf(
  { iterator, cancel }: Pieces,
  signal: AbortSignal | undefined,
): Promise<IteratorResult<Piece, unknown>> {
  try {
    return await orAbort(Promise.resolve(iterator.next()), signal)
  } catch (error) {
    cancel(error)
    throw error
  }
}

/** All bytes of a body, in memory. */
export async function gatherBody(body: Body, signal?: AbortSignal): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of bytesOfBody(body, signal)) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}

function toPieces(body: Body): Pieces {
  if (body instanceof Blob) return webPieces(body.stream() as ReadableStream<Uint8Array>)
  if (body instanceof Readable) return streamPieces(body)
  if (body instanceof ReadableStream) return webPieces(body)
  return iterablePieces(body as Iterable<Uint8Array>)
}

function memoryPieces(bytes: Uint8Array): Pieces {
  const isSmall = bytes.length <= SNAPSHOT_BYTES
  const iterator = isSmall ? [Buffer.from(bytes)].values() : copies(bytes, crc32(bytes))
  return { iterator, cancel: () => undefined, wasRead: false }
}

/** Copies of parts of a value that its owner could change meanwhile. */
function* copies(bytes: Uint8Array, givenCrc: number): Generator<Uint8Array, undefined> {
  let crc = 0
  for (let start = 0; start < bytes.length; start += SNAPSHOT_BYTES) {
    const copy = Buffer.from(bytes.subarray(start, start + SNAPSHOT_BYTES))
    crc = crc32(copy, crc)
    yield copy
  }
  requireUnchanged(givenCrc, crc)
}

function viewBytes(view: ArrayBufferView): Uint8Array {
  return view instanceof Uint8Array
    ? view
    : new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
}

/** Text as UTF-8; TypeError where it has none. */
export function textBytes(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text)
  throw new TypeError('text with a lone surrogate cannot be stored: UTF-8 has no bytes for it')
}

function streamPieces(stream: Readable): Pieces {
  // It may fail before its first piece is asked for, as a file does that is not there. Without a
  // listener that would end the process; the iterator gives the error once more.
  stream.on('error', () => undefined)
  const iterator = stream.iterator({ destroyOnReturn: true }) as AsyncIterator<Piece>
  // destroy(), since return() would wait for a read that may never end.
  return { iterator, cancel: () => stream.destroy(), wasRead: Readable.isDisturbed(stream) }
}

function webPieces(stream: ReadableStream<Uint8Array> | ReadableStream<Piece>): Pieces {
  const wasRead = Readable.isDisturbed(stream as unknown as NodeJS.ReadableStream)
  const reader = stream.getReader()
  const iterator: AsyncIterator<Piece> = {
    next: async () => {
      const { done, value } = await reader.read()
      return done ? { done: true, value: undefined } : { done: false, value }
    },
  }
  const cancel = (reason: unknown): void => void reader.cancel(reason).catch(() => undefined)
  return { iterator, cancel, wasRead }
}

function iterablePieces(body: AsyncIterable<Piece> | Iterable<Piece>): Pieces {
  // Callers without types pass anything.
  const given = body as Partial<AsyncIterable<Piece> & Iterable<Piece>> | null | undefined
  const iterator = given?.[Symbol.asyncIterator]?.() ?? given?.[Symbol.iterator]?.()
  if (iterator === undefined) {
    const what = given === null ? 'null' : typeof given
    throw new TypeError(`a value must be text, bytes, a Blob, a stream or an iterable, not ${what}`)
  }
  const cancel = (): void => {
    // Not awaited: a generator in the middle of a step that never ends would never answer.
    void Promise.resolve()
      .then(() => iterator.return?.())
      .catch(() => undefined)
  }
  return { iterator, cancel, wasRead: false }
}

function piecesSource({ iterator, cancel, wasRead }: Pieces): Source {
  let mustHaveMore = wasRead
  return {
    bytes: undefined,
    shared: true,
    *next(): Operation<Uint8Array | undefined> {
      const { done, value } = yield* pullFromCaller(iterator)
      requireRest(done === true && mustHaveMore)
      mustHaveMore = false
      return done === true ? undefined : pieceBytes(value)
    },
    cancel,
  }
}

function requireRest(isMissing: boolean): void {
  if (!isMissing) return
  throw new TypeError('the stream was read before, and nothing is left of it to store')
}

function* pullFromCaller(
  iterator: AsyncIterator<Piece> | Iterator<Piece>,
): Operation<IteratorResult<Piece, unknown>> {
  try {
    return yield* pull(iterator)
  } catch (error) {
    // An abort interrupts the pull with the store's own error.
    throw error instanceof StoreError ? error : new CallerFailure(error)
  }
}

function pieceBytes(piece: unknown): Uint8Array {
  if (piece instanceof Uint8Array) return piece
  if (typeof piece === 'string') return textBytes(piece)
  const what = piece === null ? 'null' : typeof piece
  throw new TypeError(`a piece of a value must be bytes or text, not ${what}`)
}
