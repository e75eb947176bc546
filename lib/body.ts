import { Readable } from 'node:stream'
import { pull, type Operation } from './drivers/effects.js'
import { CallerFailure, StoreError } from './errors.js'
import type { Body } from './object-store.js'
import { bytesSource, type Source } from './source.js'

/** Values up to this many bytes are copied when they are given, so the caller may go on. */
const SNAPSHOT_BYTES = 64 * 1024

type Piece = Uint8Array | string

/**
 * Turns any body into the source of a write.
 *
 * @throws TypeError for what is no body, or is text with a lone surrogate
 */
export function toSource(body: Body): Source {
  if (typeof body === 'string') return bytesSource(textBytes(body), false)
  if (ArrayBuffer.isView(body)) return memorySource(viewBytes(body))
  if (body instanceof ArrayBuffer || body instanceof SharedArrayBuffer) {
    return memorySource(new Uint8Array(body))
  }
  if (body instanceof Blob) return webSource(body.stream() as ReadableStream<Uint8Array>)
  if (body instanceof Readable) return streamSource(body)
  if (body instanceof ReadableStream) return webSource(body)
  return iterableSource(body)
}

function memorySource(bytes: Uint8Array): Source {
  if (bytes.length > SNAPSHOT_BYTES) return bytesSource(bytes, true)
  return bytesSource(Buffer.from(bytes), false)
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

function streamSource(stream: Readable): Source {
  // It may fail before its first piece is asked for, as a file does that is not there. Without a
  // listener that would end the process; the iterator gives the error once more.
  stream.on('error', () => undefined)
  const iterator = stream.iterator({ destroyOnReturn: true }) as AsyncIterator<Piece>
  // destroy(), since return() would wait for a read that may never end.
  return piecesSource(iterator, () => stream.destroy(), Readable.isDisturbed(stream))
}

function webSource(stream: ReadableStream<Uint8Array> | ReadableStream<Piece>): Source {
  const wasRead = Readable.isDisturbed(stream as unknown as NodeJS.ReadableStream)
  const reader = stream.getReader()
  const iterator: AsyncIterator<Piece> = {
    next: async () => {
      const { done, value } = await reader.read()
      return done ? { done: true, value: undefined } : { done: false, value }
    },
  }
  const cancel = (reason: unknown): void => void reader.cancel(reason).catch(() => undefined)
  return piecesSource(iterator, cancel, wasRead)
}

function iterableSource(body: AsyncIterable<Piece> | Iterable<Piece>): Source {
  // Callers without types pass anything.
  const given = body as Partial<AsyncIterable<Piece> & Iterable<Piece>> | null | undefined
  const iterator = given?.[Symbol.asyncIterator]?.() ?? given?.[Symbol.iterator]?.()
  if (iterator === undefined) {
    const what = given === null ? 'null' : typeof given
    throw new TypeError(`a value must be text, bytes, a Blob, a stream or an iterable, not ${what}`)
  }
  return piecesSource(iterator, () => {
    // Not awaited: a generator in the middle of a step that never ends would never answer.
    void Promise.resolve()
      .then(() => iterator.return?.())
      .catch(() => undefined)
  })
}

/**
 * @param wasRead - whether someone has read from the stream before: if nothing is left of it, an
 *   empty value is not what was meant
 */
function piecesSource(
  iterator: AsyncIterator<Piece> | Iterator<Piece>,
  cancel: (reason: unknown) => void,
  wasRead = false,
): Source {
  let mustHaveMore = wasRead
  return {
    bytes: undefined,
    shared: true,
    *next(): Operation<Uint8Array | undefined> {
      const { done, value } = yield* pullFromCaller(iterator)
      if (done === true && mustHaveMore) {
        throw new TypeError('the stream was read before, and nothing is left of it to store')
      }
      mustHaveMore = false
      return done === true ? undefined : pieceBytes(value)
    },
    cancel,
  }
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
