import { addAbortSignal, Readable, Writable } from 'node:stream'
import type { Body } from './object-store.js'

/** A stream of the pieces that a function gives, one after the other; undefined ends it. */
export function pullReadable(next: () => Promise<Buffer | undefined>): Readable {
  return new Readable({
    read() {
      next().then(
        (piece) => this.push(piece ?? null),
        (error: unknown) => this.destroy(error as Error),
      )
    },
  })
}

/** The same as a web stream. */
export function webReadable(stream: Readable): ReadableStream<Uint8Array> {
  const iterator = stream.iterator() as AsyncIterator<Buffer, undefined>
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await iterator.next()
        if (done === true) controller.close()
        else controller.enqueue(value)
      },
      cancel(reason) {
        stream.destroy(reason instanceof Error ? reason : undefined)
      },
    },
    { highWaterMark: 0 },
  )
}

/** What {@link lazyReadable} opens: a stream, and what to close after it. */
export interface Opened {
  readonly stream: Readable
  close(): Promise<void>
}

/**
 * A stream that opens another when it is first read, and closes what that belongs to at its end.
 *
 * @param signal - destroys the stream
 */
export function lazyReadable(open: () => Promise<Opened>, signal?: AbortSignal): Readable {
  let opened: Opened | undefined
  let iterator: AsyncIterator<Buffer, undefined> | undefined
  const readable = pullReadable(async () => {
    if (opened === undefined) {
      opened = await open()
      if (readable.destroyed) await opened.close()
    }
    iterator ??= opened.stream.iterator() as AsyncIterator<Buffer, undefined>
    const { done, value } = await iterator.next()
    return done === true ? undefined : value
  })
  readable.once('close', () => {
    opened?.stream.destroy()
    void opened?.close()
  })
  return signal === undefined ? readable : addAbortSignal(signal, readable)
}

/**
 * A stream whose data becomes the body of one write. It finishes when the write has been
 * published; if it is destroyed before, nothing is.
 */
export function writeStream(
  write: (body: Body, signal: AbortSignal) => Promise<unknown>,
): Writable {
  const abort = new AbortController()
  const pieces = new Handover()
  const written = write(pieces, abort.signal)
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      pieces.give(chunk, done)
    },
    final(done) {
      pieces.end()
      written.then(() => done(), done)
    },
    destroy(error, done) {
      abort.abort(error ?? undefined)
      const finish = (): void => done(error)
      written.then(finish, finish)
    },
  })
  written.catch((error: unknown) => stream.destroy(error as Error))
  return stream
}

/** Hands pieces from a writer to a reader; the writer goes on when the next one is asked for. */
class Handover implements AsyncIterable<Buffer> {
  #piece: Buffer | undefined
  #taken: (() => void) | undefined
  #ended = false
  #wake: (() => void) | undefined

  give(piece: Buffer, taken: () => void): void {
    this.#piece = piece
    this.#taken = taken
    this.#wake?.()
  }

  end(): void {
    this.#ended = true
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    for (;;) {
      if (this.#piece !== undefined) {
        const [piece, taken] = [this.#piece, this.#taken]
        this.#piece = undefined
        yield piece
        taken?.()
      } else if (this.#ended) return
      else await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}
