/**
 * A data store for @tus/server: uploads that can be resumed, in whichever process the next
 * request arrives.
 *
 * An upload is a record, and an object for each request that brought a part of it. The parts are
 * numbered, and each is stored only if that number is not taken: of two requests that go on at
 * the same place one wins, and no lock is needed.
 */
import { Readable } from 'node:stream'
import { DataStore, ERRORS, Upload } from '@tus/server'
import { StoreError, type ObjectInfo, type Store } from '../../index.js'
import { OpenedStore, type AdapterOptions } from './opened-store.js'
import { keysUnder } from './prefixed-keys.js'

export type { StoreGiven } from './opened-store.js'

/** Options of the data store. */
export interface LinkstoreTusOptions extends AdapterOptions {
  /** What the keys of all objects begin with; default `tus/`. */
  readonly prefix?: string | undefined
  /** After how many milliseconds an upload that is not complete is given up; default never. */
  readonly expirationMs?: number | undefined
}

/** What is kept of an upload beside its parts. */
interface Record {
  readonly size: number | undefined
  readonly metadata: Upload['metadata']
  readonly createdAt: string
}

/** Keeps uploads. Those that are complete stay until they are removed. */
export class LinkstoreTusStore extends DataStore {
  readonly #store: OpenedStore
  readonly #uploads: string
  readonly #parts: string
  readonly #expirationMs: number

  constructor({ store, prefix = 'tus/', expirationMs = 0, ...how }: LinkstoreTusOptions) {
    super()
    this.#store = new OpenedStore(store, how)
    this.#uploads = `${prefix}upload/`
    this.#parts = `${prefix}part/`
    this.#expirationMs = expirationMs
    this.extensions = [
      'creation',
      'creation-with-upload',
      'creation-defer-length',
      'termination',
      'expiration',
    ]
  }

  override async create(upload: Upload): Promise<Upload> {
    const { id, size, metadata } = upload
    upload.creation_date = new Date().toISOString()
    await this.#writeRecord(id, { size, metadata, createdAt: upload.creation_date })
    upload.storage = { type: 'linkstore', path: this.#uploads + id }
    return upload
  }

  /**
   * Stores what a request brings, from an offset on; returns the offset after it. If the request
   * breaks off, what came before that is stored, and the upload can be resumed there.
   */
  override async write(source: Readable, id: string, offset: number): Promise<number> {
    const store = await this.#store.get()
    await this.#readRecord(store, id)
    const { count, endOffset } = await this.#partsOf(store, id)
    if (endOffset !== offset) throw ERRORS.INVALID_OFFSET
    const body = new Received(source)
    if (!(await body.hasBegun())) return offset
    const metadata = { offset: String(offset) }
    const key = partKey(this.#parts, id, count)
    if (!(await store.add(key, body.pieces(), { metadata }))) throw ERRORS.INVALID_OFFSET
    body.throwFailure()
    return offset + body.sizeBytes
  }

  override async getUpload(id: string): Promise<Upload> {
    const store = await this.#store.get()
    const { size, metadata, createdAt } = await this.#readRecord(store, id)
    const { endOffset } = await this.#partsOf(store, id)
    return new Upload({
      id,
      offset: endOffset,
      ...(size !== undefined && { size }),
      ...(metadata !== undefined && { metadata }),
      creation_date: createdAt,
      storage: { type: 'linkstore', path: this.#uploads + id },
    })
  }

  /** All that has been uploaded, as one stream. */
  read(id: string): Readable {
    return Readable.from(this.#pieces(id), { objectMode: false })
  }

  override async remove(id: string): Promise<void> {
    const store = await this.#store.get()
    await this.#readRecord(store, id)
    const { count } = await this.#partsOf(store, id)
    // The last first: whatever becomes of this, those that are left are the beginning of it.
    for (let number = count - 1; number >= 0; number -= 1) {
      await store.delete(partKey(this.#parts, id, number))
    }
    await store.delete(this.#uploads + id)
  }

  override async declareUploadLength(id: string, size: number): Promise<void> {
    const record = await this.#readRecord(await this.#store.get(), id)
    await this.#writeRecord(id, { ...record, size })
  }

  /** Removes uploads that were given up; says how many. Goes through the whole store. */
  override async deleteExpired(): Promise<number> {
    if (this.#expirationMs <= 0) return 0
    const store = await this.#store.get()
    let removed = 0
    for await (const id of keysUnder(store, this.#uploads)) {
      if (await this.#removeIfGivenUp(store, id)) removed += 1
    }
    return removed
  }

  /** How long an upload may stay unfinished, in milliseconds; 0: for ever. */
  override getExpiration(): number {
    return this.#expirationMs
  }

  /** Closes the store, if it was opened by its path. */
  async close(): Promise<void> {
    await this.#store.close()
  }

  /** Another process may clean up as well, and be faster. */
  async #removeIfGivenUp(store: Store, id: string): Promise<boolean> {
    try {
      if (!(await this.#isGivenUp(store, id))) return false
      await this.remove(id)
      return true
    } catch (error) {
      if (error === ERRORS.FILE_NOT_FOUND) return false
      throw error
    }
  }

  async #isGivenUp(store: Store, id: string): Promise<boolean> {
    const { size, createdAt } = await this.#readRecord(store, id)
    if (Date.now() < Date.parse(createdAt) + this.#expirationMs) return false
    return (await this.#partsOf(store, id)).endOffset !== size
  }

  async #writeRecord(id: string, record: Record): Promise<void> {
    const store = await this.#store.get()
    await store.set(this.#uploads + id, JSON.stringify(record), { contentType: 'application/json' })
  }

  async #readRecord(store: Store, id: string): Promise<Record> {
    const text = await store.get(this.#uploads + id)
    if (text === undefined) throw ERRORS.FILE_NOT_FOUND
    return JSON.parse(text.toString()) as Record
  }

  /** How many parts there are, and where they end; a look at each of a few of them. */
  async #partsOf(store: Store, id: string): Promise<{ count: number; endOffset: number }> {
    const look = (number: number): Promise<ObjectInfo | undefined> =>
      store.stat(partKey(this.#parts, id, number))
    // There are at least `count`, as `last` is one of them, and fewer than `missing`.
    let count = 0
    let missing = 1
    let last: ObjectInfo | undefined
    for (let info = await look(0); info !== undefined; info = await look(missing - 1)) {
      last = info
      count = missing
      missing *= 2
    }
    while (missing - count > 1) {
      const middle = Math.floor((count + missing) / 2)
      const info = await look(middle - 1)
      if (info === undefined) missing = middle
      else {
        last = info
        count = middle
      }
    }
    return { count, endOffset: last === undefined ? 0 : endOf(last) }
  }

  async *#pieces(id: string): AsyncGenerator<Buffer> {
    const store = await this.#store.get()
    await this.#readRecord(store, id)
    const { count } = await this.#partsOf(store, id)
    for (let number = 0; number < count; number += 1) {
      yield* store.createReadStream(partKey(this.#parts, id, number)) as AsyncIterable<Buffer>
    }
  }
}

/** What a request brings, up to where it ends or breaks off. */
class Received {
  readonly #iterator: AsyncIterator<Buffer, undefined>
  #first: Buffer | undefined
  #failure: unknown
  sizeBytes = 0

  constructor(source: Readable) {
    this.#iterator = source[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>
  }

  /** Waits for the first piece; throws where it breaks off before. */
  async hasBegun(): Promise<boolean> {
    this.#first = await this.#next()
    if (this.#first === undefined) this.throwFailure()
    return this.#first !== undefined
  }

  async *pieces(): AsyncGenerator<Buffer> {
    for (let piece = this.#first; piece !== undefined; piece = await this.#next()) {
      this.sizeBytes += piece.length
      yield piece
    }
  }

  throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  async #next(): Promise<Buffer | undefined> {
    try {
      const { done, value } = await this.#iterator.next()
      return done === true ? undefined : value
    } catch (error) {
      this.#failure = error ?? new Error('the request broke off')
      return undefined
    }
  }
}

function partKey(prefix: string, id: string, number: number): string {
  return `${prefix}${id}/${number}`
}

function endOf({ key, sizeBytes, metadata }: ObjectInfo): number {
  const offset = Number(metadata['offset'])
  if (Number.isSafeInteger(offset)) return offset + sizeBytes
  const message = 'this is no part of an upload, as it does not say where it belongs'
  throw new StoreError('CORRUPT', message, { key })
}
