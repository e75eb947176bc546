/** A value on its way in: cut into chunks, each encrypted and hashed, and signed in groups. */
import { idOf, type ObjectKeys } from './head.js'
import type { Identity } from './identity.js'
import { CHUNK_BYTES, GROUP_CHUNKS, MAX_CHUNKS } from './layout.js'
import { digest, encrypt, streamNonce, uint64 } from './primitives.js'
import { signedGroup } from './trailer.js'

/** A part of a value. It holds until the next one is asked for. */
export interface Chunk {
  readonly bytes: Uint8Array
  readonly isLast: boolean
}

/** Cuts bytes that come in any pieces into chunks, and tells the last one. */
export class Chunks {
  readonly #pieces: AsyncIterator<Uint8Array, undefined>
  readonly #buffer = Buffer.allocUnsafe(CHUNK_BYTES)
  #filledBytes = 0
  #rest: Uint8Array = Buffer.alloc(0)

  constructor(pieces: AsyncIterator<Uint8Array, undefined>) {
    this.#pieces = pieces
  }

  /** The next chunk; only the last one is not full, and only that of an empty value is empty. */
  async next(): Promise<Chunk> {
    for (;;) {
      if (this.#rest.length > 0) {
        if (this.#filledBytes === CHUNK_BYTES) {
          this.#filledBytes = 0
          return { bytes: this.#buffer, isLast: false }
        }
        const taken = this.#rest.subarray(0, CHUNK_BYTES - this.#filledBytes)
        this.#buffer.set(taken, this.#filledBytes)
        this.#filledBytes += taken.length
        this.#rest = this.#rest.subarray(taken.length)
      } else {
        const step = await this.#pieces.next()
        if (step.done === true) {
          return { bytes: this.#buffer.subarray(0, this.#filledBytes), isLast: true }
        }
        this.#rest = step.value
      }
    }
  }
}

/** What the parts of one object are sealed with. */
export interface SealHow {
  readonly keys: ObjectKeys
  readonly writer: Identity
  readonly ttlMs: number | undefined
  /** The time that is signed, asked for when the value is complete. */
  readonly nowMs: () => number
}

/** Seals the chunks of one object, one after the other. */
export class Sealer {
  readonly #how: SealHow
  #hashes: Buffer[] = []
  #chunk = 0
  /** Length of the value so far. */
  sizeBytes = 0
  /** When it was signed; 0 before. */
  signedAtMs = 0

  constructor(how: SealHow) {
    this.#how = how
  }

  get id(): string {
    return idOf(this.#how.keys)
  }

  /** The bytes of a chunk, and behind the last one of a group its trailer. */
  seal({ bytes, isLast }: Chunk): Buffer {
    if (this.#chunk >= MAX_CHUNKS) throw new RangeError('a sealed value has at most 256 TiB')
    const { chunkKey, headHash } = this.#how.keys
    const sealed = encrypt(chunkKey, streamNonce(this.#chunk, isLast), bytes, headHash)
    this.#chunk += 1
    this.sizeBytes += bytes.length
    this.#hashes.push(digest(sealed))
    if (!isLast && this.#hashes.length < GROUP_CHUNKS) return sealed
    return Buffer.concat([sealed, this.#trailer(isLast)])
  }

  #trailer(isLast: boolean): Buffer {
    const { keys, writer, ttlMs = 0, nowMs } = this.#how
    const group = Math.floor((this.#chunk - 1) / GROUP_CHUNKS)
    this.signedAtMs = nowMs()
    const figures = [this.sizeBytes, this.signedAtMs, ttlMs].map(uint64)
    const text = Buffer.concat([...this.#hashes, ...figures])
    this.#hashes = []
    const signature = writer.sign(signedGroup(keys.headHash, group, isLast, text))
    const whole = Buffer.concat([text, signature])
    return encrypt(keys.trailerKey, streamNonce(group, isLast), whole, keys.headHash)
  }
}

/** All pieces of a sealed object, as the body of a write of the store underneath. */
export class SealedPieces implements AsyncIterableIterator<Buffer> {
  readonly #chunks: Chunks
  readonly #sealer: Sealer
  readonly #stop: () => unknown
  #ready: Buffer | undefined
  #isDone = false

  /**
   * @param first - what comes before all that is sealed here
   * @param stop - lets whoever makes the value stop, also in the middle of a piece
   */
  constructor(first: Buffer, chunks: Chunks, sealer: Sealer, stop: () => unknown) {
    this.#ready = first
    this.#chunks = chunks
    this.#sealer = sealer
    this.#stop = stop
  }

  async next(): Promise<IteratorResult<Buffer, undefined>> {
    const ready = this.#ready
    this.#ready = undefined
    if (ready !== undefined) return { done: false, value: ready }
    if (this.#isDone) return { done: true, value: undefined }
    const chunk = await this.#chunks.next()
    this.#isDone = chunk.isLast
    return { done: false, value: this.#sealer.seal(chunk) }
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    this.#isDone = true
    this.#stop()
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
