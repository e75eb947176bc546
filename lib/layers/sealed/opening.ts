/** A sealed object on its way out: nothing of it is given out before it is authentic. */
import type { StoredObject } from '../../object-store.js'
import type { ValuePieces } from '../../stored-object.js'
import { innerPieces } from '../inner-object.js'
import { notAuthentic, notTrusted } from './failures.js'
import {
  epochOf,
  FIXED_HEAD_BYTES,
  idOf,
  measureHead,
  openHead,
  type Head,
  type HeadAttributes,
} from './head.js'
import { publicText } from './identity.js'
import type { Epoch } from './keyring-format.js'
import {
  CHUNK_BYTES,
  chunkStart,
  chunkValueBytes,
  GROUP_CHUNKS,
  layoutOf,
  SEALED_CHUNK_BYTES,
  trailerRange,
  type Layout,
} from './layout.js'
import { decrypt, digest, isSame, streamNonce, TAG_BYTES } from './primitives.js'
import { hashOfChunk, openTrailer, type Trailer } from './trailer.js'

/** What is needed to open an object. */
export interface OpenHow {
  /** What its key is hidden as. */
  readonly name: Buffer
  /** The public lines of those who may have written it. */
  readonly trust: ReadonlySet<string>
  readonly epoch: (id: string) => Promise<Epoch>
}

/** An object up to this size is read in one piece. */
const WHOLE_BYTES = 256 * 1024
/** Most heads are shorter. */
const HEAD_GUESS_BYTES = 4096

/** An opened sealed object: its head and its end are authentic, and its writer is trusted. */
export class SealedObject {
  readonly #place: Place
  readonly #head: Head
  readonly #layout: Layout
  readonly #end: Trailer
  #recent: readonly [group: number, trailer: Trailer] | undefined

  private constructor(place: Place, head: Head, layout: Layout, end: Trailer) {
    this.#place = place
    this.#head = head
    this.#layout = layout
    this.#end = end
  }

  /**
   * Opens what a name has in the store underneath.
   *
   * @throws StoreError `DECRYPT` for anything that is not what a trusted writer has put there;
   *   `UNTRUSTED` for another writer
   */
  static async open(inner: StoredObject, how: OpenHow): Promise<SealedObject> {
    const place = await placeOf(inner)
    const head = await readHead(place, how)
    const writer = publicText(head.attributes.writer)
    if (!how.trust.has(writer)) {
      const what = `the object was signed by ${writer}, whom this reader does not trust`
      throw notTrusted(`${what}; add it to trust, if that is right`)
    }
    const layout = layoutOf(place.sizeBytes, head.sizeBytes)
    const last = layout.groups - 1
    const bytes = await place.bytes(...trailerRange(layout, last))
    const end = openTrailer(bytes, head, last, true)
    if (end.sizeBytes !== layout.sizeBytes) throw notAuthentic('the length')
    return new SealedObject(place, head, layout, end)
  }

  get attributes(): HeadAttributes {
    return this.#head.attributes
  }

  /** Tells this write from all others. */
  get id(): string {
    return idOf(this.#head)
  }

  /** Length of the value. */
  get sizeBytes(): number {
    return this.#layout.sizeBytes
  }

  /** When its writer has signed it. */
  get signedAtMs(): number {
    return this.#end.signedAtMs
  }

  /** The lifetime its writer gave it; 0: for ever. */
  get ttlMs(): number {
    return this.#end.ttlMs
  }

  /** The value from `start` up to but not including `end`; only the chunks it lies in are read. */
  async *read(start: number, end: number): AsyncGenerator<Buffer, undefined> {
    const last = Math.max(0, Math.ceil(end / CHUNK_BYTES) - 1)
    for (let chunk = Math.floor(start / CHUNK_BYTES); chunk <= last;) {
      const group = Math.floor(chunk / GROUP_CHUNKS)
      const until = Math.min(last + 1, (group + 1) * GROUP_CHUNKS)
      const trailer = await this.#trailer(group)
      for await (const sealed of this.#sealedChunks(chunk, until)) {
        const bytes = this.#open(chunk, sealed, trailer)
        const at = chunk * CHUNK_BYTES
        const part = bytes.subarray(Math.max(0, start - at), end - at)
        if (part.length > 0) yield part
        chunk += 1
      }
      if (chunk < until) throw notAuthentic('the length')
    }
    return undefined
  }

  /** All of the value. */
  async bytes(): Promise<Buffer> {
    const pieces: Buffer[] = []
    for await (const piece of this.read(0, this.sizeBytes)) pieces.push(piece)
    return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces)
  }

  /** Reads and checks all of it, and gives out nothing. */
  async check(): Promise<void> {
    const pieces = this.read(0, this.sizeBytes)
    while ((await pieces.next()).done !== true);
  }

  async #trailer(group: number): Promise<Trailer> {
    if (group === this.#layout.groups - 1) return this.#end
    if (this.#recent?.[0] === group) return this.#recent[1]
    const bytes = await this.#place.bytes(...trailerRange(this.#layout, group))
    const trailer = openTrailer(bytes, this.#head, group, false)
    this.#recent = [group, trailer]
    return trailer
  }

  #open(chunk: number, sealed: Buffer, trailer: Trailer): Buffer {
    const isLast = chunk === this.#layout.chunks - 1
    const hash = hashOfChunk(trailer, chunk % GROUP_CHUNKS)
    const { chunkKey, headHash } = this.#head
    const isRight = isSame(digest(sealed), hash)
    const bytes = isRight && decrypt(chunkKey, streamNonce(chunk, isLast), sealed, headHash)
    if (bytes === undefined || bytes === false) throw notAuthentic(`chunk ${chunk}`)
    return bytes
  }

  /** Chunks of one group as they lie there, from one number up to but not including another. */
  #sealedChunks(from: number, until: number): AsyncGenerator<Buffer> {
    const end = chunkStart(this.#layout, until - 1) + this.#sealedBytes(until - 1)
    const pieces = this.#place.pieces(chunkStart(this.#layout, from), end)
    return cut(pieces, SEALED_CHUNK_BYTES)
  }

  #sealedBytes(chunk: number): number {
    return chunkValueBytes(this.#layout, chunk) + TAG_BYTES
  }
}

/** Where the bytes of a sealed object come from. */
interface Place {
  readonly sizeBytes: number
  /** A part of them, for which there is memory. */
  bytes(start: number, end: number): Promise<Buffer>
  /** A part of any length. */
  pieces(start: number, end: number): ValuePieces
}

async function placeOf(inner: StoredObject): Promise<Place> {
  const { sizeBytes } = inner.info
  if (sizeBytes > WHOLE_BYTES) {
    const pieces = (start: number, end: number): ValuePieces => innerPieces(inner, start, end)
    return { sizeBytes, pieces, bytes: (start, end) => gathered(pieces(start, end)) }
  }
  const whole = await inner.bytes()
  return {
    sizeBytes: whole.length,
    bytes: (start, end) => Promise.resolve(whole.subarray(start, end)),
    pieces: (start, end) => [whole.subarray(start, end)].values(),
  }
}

async function readHead(place: Place, { name, epoch }: OpenHow): Promise<Head> {
  const start = await place.bytes(0, Math.min(HEAD_GUESS_BYTES, place.sizeBytes))
  const headBytes = measureHead(start)
  if (headBytes > place.sizeBytes) throw notAuthentic('the head')
  const head =
    headBytes <= start.length ? start.subarray(0, headBytes) : await place.bytes(0, headBytes)
  return openHead(head, name, await epoch(epochOf(head.subarray(0, FIXED_HEAD_BYTES))))
}

async function gathered(pieces: ValuePieces): Promise<Buffer> {
  const all: Buffer[] = []
  for (let step = await pieces.next(); step.done !== true; step = await pieces.next()) {
    all.push(step.value)
  }
  return Buffer.concat(all)
}

/** Pieces of one length, but for the last, out of pieces of any. */
async function* cut(pieces: ValuePieces, pieceBytes: number): AsyncGenerator<Buffer> {
  let held: Buffer[] = []
  let heldBytes = 0
  try {
    for (let step = await pieces.next(); step.done !== true; step = await pieces.next()) {
      held.push(step.value)
      heldBytes += step.value.length
      if (heldBytes < pieceBytes) continue
      const bytes = held.length === 1 ? step.value : Buffer.concat(held)
      let at = 0
      for (; heldBytes - at >= pieceBytes; at += pieceBytes) {
        yield bytes.subarray(at, at + pieceBytes)
      }
      held = [bytes.subarray(at)]
      heldBytes -= at
    }
    if (heldBytes > 0)
      yield held.length === 1 && held[0] !== undefined ? held[0] : Buffer.concat(held)
  } finally {
    await pieces.return?.(undefined)
  }
}
