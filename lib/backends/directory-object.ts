import type { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import type { AsyncDriver } from '../drivers/async.js'
import { StoreError, toStoreError } from '../errors.js'
import type { Operation } from '../drivers/effects.js'
import type { ObjectInfo } from '../object-info.js'
import type { RangeOptions, StoredObject } from '../object-store.js'
import { checkRange } from '../options.js'
import { closeHandle, RangeReader, readBytes, type Handle } from '../protocol/read.js'
import { pullReadable, webReadable } from '../streams.js'
import { traceOf, type Trace } from '../tracing/trace.js'
import { parseJson } from '../value.js'

/** Others may wait for the descriptor, so what ends in closing it goes before them. */
const HOLDS_DESCRIPTOR = { places: 0 }

/** A pinned object of a directory. */
export class DirectoryObject implements StoredObject {
  readonly info: ObjectInfo
  readonly #handle: Handle
  readonly #driver: AsyncDriver
  readonly #root: string
  readonly #onClose: (object: DirectoryObject) => void
  /** Reads under way: their descriptor must not be closed under them. */
  #reading = 0
  #closed = false

  /** @param root - the store it is in */
  constructor(
    driver: AsyncDriver,
    root: string,
    handle: Handle,
    onClose: (object: DirectoryObject) => void,
  ) {
    this.info = handle.info
    this.#handle = handle
    this.#driver = driver
    this.#root = root
    this.#onClose = onClose
  }

  bytes(): Promise<Buffer> {
    // What is in memory needs no turn.
    const { bytes } = this.#handle
    if (bytes !== undefined && !this.#closed) return Promise.resolve(bytes)
    const trace = this.#trace()
    const read = (): Promise<Buffer> => this.#run(readBytes(this.#handle), trace)
    return trace === undefined ? read() : trace.run(read)
  }

  async text(): Promise<string> {
    return (await this.bytes()).toString('utf8')
  }

  async json(): Promise<unknown> {
    return parseJson(await this.text(), this.info.key)
  }

  stream(options: RangeOptions = {}): Readable {
    const [start, end] = checkRange(options, this.info.sizeBytes)
    const reader = new RangeReader(this.#handle, start, end)
    const trace = this.#trace()
    if (trace === undefined) return pullReadable(() => this.#run(reader.next()))
    let hasBegun = false
    const stream = pullReadable(() => {
      if (!hasBegun) trace.begin()
      hasBegun = true
      return this.#run(reader.next(), trace)
    })
    return stream.once('close', () => {
      if (hasBegun) trace.finish(stream.errored ?? undefined)
    })
  }

  webStream(options: RangeOptions = {}): ReadableStream<Uint8Array> {
    return webReadable(this.stream(options))
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve()
    this.#closed = true
    this.#onClose(this)
    this.#releaseIfDone()
    return Promise.resolve()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Only what is not in memory yet takes anything to read. */
  #trace(): Trace | undefined {
    if (this.#handle.bytes !== undefined) return undefined
    return traceOf('stream', this.#root, false, this.info.key)
  }

  async #run<T>(operation: Operation<T>, trace?: Trace): Promise<T> {
    const { key } = this.info
    if (this.#closed) throw new StoreError('CLOSED', 'the object was closed', { key })
    this.#reading += 1
    try {
      return await this.#driver.run(operation, HOLDS_DESCRIPTOR, trace?.counts)
    } catch (error) {
      throw toStoreError(error, 'read', key)
    } finally {
      this.#reading -= 1
      this.#releaseIfDone()
    }
  }

  /** The last of close and of the reads under way lets go; the store's own close waits for it. */
  #releaseIfDone(): void {
    if (!this.#closed || this.#reading > 0 || this.#handle.pin === undefined) return
    void this.#driver.run(closeHandle(this.#handle), HOLDS_DESCRIPTOR)
  }
}
