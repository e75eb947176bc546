/**
 * The interface abstract-blob-store, which is that of many packages that keep files.
 * A blob is there when its stream has finished, and never a part of it.
 */
import { randomUUID } from 'node:crypto'
import { finished, Readable, Writable } from 'node:stream'
import type { OpenOptions, Store } from '../../index.js'
import { OpenedStore, type StoreGiven } from './opened-store.js'

export type { StoreGiven } from './opened-store.js'

/** Which blob: its key, or an object with it; a new one gets a key if it has none. */
export type BlobOptions =
  | string
  | {
      /** What the blob is found by; default for a new one: a random one, which `done` is told. */
      readonly key?: string | undefined
      /** The same as `key`, which some callers say. */
      readonly name?: string | undefined
      /** A media type such as `image/png`; default: none is kept. */
      readonly contentType?: string | undefined
      /** Lifetime in milliseconds; default: for ever. */
      readonly ttlMs?: number | undefined
      /** The first byte to read; default 0. */
      readonly start?: number | undefined
      /** The last byte to read, inclusive; default the last. */
      readonly end?: number | undefined
    }

/** What is told of a blob that was written. */
export interface BlobMetadata {
  /** The key that was given, or the one that was made. */
  readonly key: string
  /** In bytes. */
  readonly size: number
}

/** What is called once at the end: with an error, or with null and the result. */
export type Done<T> = (error: Error | null, result?: T) => void

/** Keeps blobs in a store. */
export class LinkstoreBlobStore {
  readonly #store: OpenedStore

  /**
   * @param store - a store, or the path of its directory
   * @param options - how the directory is opened, where a path is given
   */
  constructor(store: StoreGiven, options?: OpenOptions) {
    this.#store = new OpenedStore(store, options)
  }

  /** A stream to write a blob to; `done` is told what was stored, or why nothing was. */
  createWriteStream(options: BlobOptions, done: Done<BlobMetadata> = ignore): Writable {
    const { key = randomUUID(), contentType, ttlMs } = detailsOf(options)
    const writer = new BlobWriter(async () => {
      return (await this.#store.get()).createWriteStream(key, { contentType, ttlMs })
    })
    finished(writer, { readable: false }, (error) => {
      if (error) done(error)
      else done(null, { key, size: writer.sizeBytes })
    })
    return writer
  }

  /** A stream of a blob or a part of it; it fails with `NOT_FOUND` if there is none. */
  createReadStream(options: BlobOptions): Readable {
    const { start, end } = detailsOf(options)
    const store = this.#store
    const pieces = async function* (): AsyncGenerator<Buffer> {
      const stream = (await store.get()).createReadStream(keyOf(options), { start, end })
      yield* stream as AsyncIterable<Buffer>
    }
    const reader = Readable.from(pieces(), { objectMode: false })
    // Whoever only listens is told at once that there is none.
    reader.read(0)
    return reader
  }

  /** Whether there is a blob. */
  exists(options: BlobOptions, done: Done<boolean>): void {
    this.#answer(done, async (store) => await store.has(keyOf(options)))
  }

  /** Removes a blob, which need not be there. */
  remove(options: BlobOptions, done: Done<boolean> = ignore): void {
    this.#answer(done, async (store) => await store.delete(keyOf(options)))
  }

  /** Closes the store, if it was opened by its path. */
  async close(): Promise<void> {
    await this.#store.close()
  }

  #answer(done: Done<boolean>, work: (store: Store) => Promise<boolean>): void {
    const result = this.#store.get().then(work)
    // Outside of the promise: what the callback throws is nobody's rejection.
    result.then(
      (value) => setImmediate(() => done(null, value)),
      (error: unknown) => setImmediate(() => done(error as Error)),
    )
  }
}

/** Writes to a stream that has to be opened first; it finishes when that one has. */
class BlobWriter extends Writable {
  readonly #open: () => Promise<Writable>
  #target: Writable | undefined
  sizeBytes = 0

  constructor(open: () => Promise<Writable>) {
    super()
    this.#open = open
  }

  override _construct(done: (error?: Error) => void): void {
    this.#open().then(
      (target) => {
        this.#target = target.on('error', (error) => this.destroy(error))
        done()
      },
      (error: unknown) => done(error as Error),
    )
  }

  override _write(piece: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.sizeBytes += piece.length
    this.#target?.write(piece, done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#target?.end(done)
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#target?.destroy(error ?? undefined)
    done(error)
  }
}

function detailsOf(options: BlobOptions): Exclude<BlobOptions, string> {
  return typeof options === 'string'
    ? { key: options }
    : { ...options, key: options.key ?? options.name }
}

function keyOf(options: BlobOptions): string {
  const { key } = detailsOf(options)
  if (key === undefined) throw new TypeError('a blob is named by a key')
  return key
}

function ignore(): void {
  // Whoever gives no callback listens to the events of the stream.
}
