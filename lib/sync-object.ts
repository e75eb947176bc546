import type { Operation } from './drivers/effects.js'
import { StoreError } from './errors.js'
import type { ObjectInfo } from './object-info.js'
import type { RangeOptions } from './object-store.js'
import { checkRange } from './options.js'
import { closeHandle, RangeReader, readBytes, type Handle } from './protocol/read.js'
import { parseJson } from './value.js'

/** One version of one object, pinned until it is closed. The synchronous `StoredObject`. */
export class SyncStoredObject implements Disposable {
  /** What is known of this version. */
  readonly info: ObjectInfo
  readonly #handle: Handle
  readonly #run: <T>(operation: Operation<T>) => T
  readonly #onClose: (object: SyncStoredObject) => void
  #closed = false

  /** @internal Made by {@link SyncStore}. */
  constructor(
    handle: Handle,
    run: <T>(operation: Operation<T>) => T,
    onClose: (object: SyncStoredObject) => void,
  ) {
    this.info = handle.info
    this.#handle = handle
    this.#run = run
    this.#onClose = onClose
  }

  /** The whole value. Throws `CORRUPT` if its crc does not match; RangeError beyond 4 GiB. */
  bytes(): Buffer {
    this.#requireOpen()
    return this.#run(readBytes(this.#handle))
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
    for (;;) {
      this.#requireOpen()
      const piece = this.#run(reader.next())
      if (piece === undefined) return
      yield piece
    }
  }

  #requireOpen(): void {
    const { key } = this.info
    if (this.#closed) throw new StoreError('CLOSED', 'the object was closed', { key })
  }
}
