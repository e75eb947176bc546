import { bytesOfBody, isInMemory } from '../body.js'
import { checkWriteCall } from '../call-options.js'
import { speakingOf } from '../errors.js'
import type { ObjectInfo } from '../object-info.js'
import type {
  Body,
  CallOptions,
  ChangeOptions,
  ListOptions,
  ObjectStore,
  RemoveOptions,
  StoredObject,
  Supports,
  WriteOptions,
} from '../object-store.js'
import { checkCount, checkNumber, checkOptionNames } from '../options.js'
import { storedObject, type ValuePieces } from '../stored-object.js'
import { innerPieces } from './inner-object.js'
import { Pace } from './limited/pace.js'
import { Places } from './limited/places.js'
import { transformedBody } from './transformed-body.js'

/** What {@link withLimits} limits. */
export interface LimitOptions {
  /** Bytes of values that may pass in a second, written and read together; default: any number. */
  readonly bytesPerSecond?: number | undefined
  /**
   * Calls that may be under way at a time; default: any number. A write of a stream does not
   * count: its body may wait for another call of the same store.
   */
  readonly inFlight?: number | undefined
}

/** Pieces that pass at a time, so that a rate is kept within a value too. */
const PIECE_BYTES = 64 * 1024

/**
 * Limits what the calls of this process ask of a store: for a volume that others need, too, or
 * one that is paid for by use. What is beyond waits its turn, in order; an abort ends the wait.
 *
 * @param inner - the store that is spared
 */
export function withLimits(inner: ObjectStore, options: LimitOptions): ObjectStore {
  checkOptionNames(options, ['bytesPerSecond', 'inFlight'])
  const { bytesPerSecond = Infinity, inFlight } = options
  const rate = checkNumber('bytesPerSecond', bytesPerSecond, 1, Infinity)
  const count = inFlight === undefined ? Infinity : checkCount('inFlight', inFlight)
  return new LimitedStore(inner, new Pace(rate), new Places(count))
}

class LimitedStore implements ObjectStore {
  readonly supports: Supports
  readonly #inner: ObjectStore
  readonly #pace: Pace
  readonly #places: Places

  constructor(inner: ObjectStore, pace: Pace, places: Places) {
    this.#inner = inner
    this.#pace = pace
    this.#places = places
    const { list, metadata, expiry, versions, conditions, maxKeyBytes } = inner.supports
    this.supports = { list, metadata, expiry, versions, conditions, maxKeyBytes }
  }

  async read(key: string, options?: CallOptions): Promise<StoredObject | undefined> {
    return this.#own(await this.#during(key, options, () => this.#inner.read(key, options)))
  }

  stat(key: string, options?: CallOptions): Promise<ObjectInfo | undefined> {
    return this.#during(key, options, () => this.#inner.stat(key, options))
  }

  async write(key: string, body: Body, options: WriteOptions = {}): Promise<ObjectInfo> {
    checkWriteCall(this.supports, key, options)
    const { signal } = options
    const pieces = bytesOfBody(body, signal)
    const paced = transformedBody(pieces, this.#paced(pieces, signal))
    const write = (): Promise<ObjectInfo> => this.#inner.write(key, paced, options)
    if (!isInMemory(body)) return await write()
    return await this.#during(key, options, write)
  }

  remove(key: string, options?: RemoveOptions): Promise<boolean> {
    return this.#during(key, options, () => this.#inner.remove(key, options))
  }

  async take(key: string, options?: ChangeOptions): Promise<StoredObject | undefined> {
    return this.#own(await this.#during(key, options, () => this.#inner.take(key, options)))
  }

  list(options?: ListOptions): AsyncIterable<ObjectInfo> {
    return this.#inner.list(options)
  }

  close(): Promise<void> {
    // Who waits is told by the store underneath that it is closed.
    this.#places.open()
    this.#pace.open()
    return this.#inner.close()
  }

  #during<T>(key: string, options: CallOptions | undefined, call: () => Promise<T>): Promise<T> {
    return speakingOf(key, () => this.#places.during(options?.signal, call))
  }

  #own(inner: StoredObject | undefined): StoredObject | undefined {
    if (inner === undefined) return undefined
    return storedObject({
      info: inner.info,
      bytes: async () => {
        await this.#pace.pass(inner.info.sizeBytes, undefined)
        return await inner.bytes()
      },
      read: (start, end) => this.#pacedValue(innerPieces(inner, start, end)),
      close: () => inner.close(),
    })
  }

  async *#pacedValue(pieces: ValuePieces): AsyncGenerator<Buffer, undefined> {
    try {
      for (let step = await pieces.next(); step.done !== true; step = await pieces.next()) {
        await this.#pace.pass(step.value.length, undefined)
        yield step.value
      }
      return undefined
    } finally {
      await pieces.return?.(undefined)
    }
  }

  async *#paced(
    pieces: AsyncIterable<Uint8Array>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces) {
      for (let start = 0; start < piece.length; start += PIECE_BYTES) {
        const part = piece.subarray(start, start + PIECE_BYTES)
        await this.#pace.pass(part.length, signal)
        yield part
      }
    }
  }
}
