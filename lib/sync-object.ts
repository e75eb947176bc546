import type { Operation } from './drivers/effects.js'
import { StoreError } from './errors.js'
import type { ObjectInfo } from './object-info.js'
import type { RangeOptions } from './object-store.js'
import { checkRange } from './options.js'
import { closeHandle, RangeReader, readBytes, type Handle } from './protocol/read.js'
import type { Counts } from './drivers/observed.js'
import { traceOf, type Trace } from './tracing/trace.js'
import { parseJson } from './value.js'

/** Runs a part of what is done to an object, and counts it if that is asked for. */
type RunPart = <T>(operation: Operation<T>, counts?: Counts) => T

/** One version of one object, pinned until it is closed. The synchronous `StoredObject`. */
export class SyncStoredObject implements Disposable {
  /** What is known of this version. */
  readonly info: ObjectInfo
  readonly #handle: Handle
  readonly #run: RunPart
  readonly #root: string
  readonly #onClose: (object: SyncStoredObject) => void
  #closed = false

  /** @internal Made by {@link SyncStore}. */
  constructor(
    root: string,
    handle: Handle,
    run: RunPart,
    onClose: (object: SyncStoredObject) => void,
  ) {
    this.info = handle.info
    this.#root = root
    this.#handle = handle
    this.#run = run
    this.#onClose = onClose
  }

  /** The whole value. Throws `CORRUPT` if its crc does not match; RangeError beyond 4 GiB. */
  bytes(): Buffer {
    this.#requireOpen()
    const trace = this.#trace()
    const read = (): Buffer => this.#run(readBytes(this.#handle), trace?.counts)
    return trace === undefined ? read() : trace.runSync(read)
  }

  /** The value as UTF-8 text. */
  text(): string {
    return this.bytes().toString('utf8')
  }

  /** The value as JSON; `DECODE` if it is none. */
  json(): unknown {
    return parseJson(this.text(), this.info.key)
  }

  /** The value, or a part of it (`end` inclusive), in pieces of at most 256 KiB. */
  pieces(options: RangeOptions = {}): Generator<Buffer> {
    const [start, end] = checkRange(options, this.info.sizeBytes)
    return this.#piecesOf(new RangeReader(this.#handle, start, end))
  }

  /** Lets go of it. Closing twice is fine. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#onClose(this)
    this.#run(closeHandle(this.#handle))
  }

  /** The same as {@link close}: for `using`. */
  [Symbol.dispose](): void {
    this.close()
  }

  *#piecesOf(reader: RangeReader): Generator<Buffer> {
    const trace = this.#trace()
    const pieces = this.#eachPiece(reader, trace?.counts)
    yield* trace === undefined ? pieces : trace.during(pieces)
  }

  *#eachPiece(reader: RangeReader, counts: Counts | undefined): Generator<Buffer> {
    for (;;) {
      this.#requireOpen()
      const piece = this.#run(reader.next(), counts)
      if (piece === undefined) return
      yield piece
    }
  }

  /** Only what is not in memory yet takes anything to read. */
  #trace(): Trace | undefined {
    if (this.#handle.bytes !== undefined) return undefined
    return traceOf('stream', this.#root, true, this.info.key)
  }

  #requireOpen(): void {
    const { key } = this.info
    if (this.#closed) throw new StoreError('CLOSED', 'the object was closed', { key })
  }
}
