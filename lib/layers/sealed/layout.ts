/** Where what lies in a sealed object: chunks in groups, each group behind by its trailer; pure. */
import { notAuthentic } from './failures.js'
import { KEY_BYTES, SIGNATURE_BYTES, TAG_BYTES } from './primitives.js'

/** Bytes of the value in every chunk but the last. */
export const CHUNK_BYTES = 64 * 1024
/** How many chunks have one trailer. */
export const GROUP_CHUNKS = 256
/** Bytes of the value in every group but the last. */
export const GROUP_VALUE_BYTES = GROUP_CHUNKS * CHUNK_BYTES
/** Bytes of a chunk as it lies in the object. */
export const SEALED_CHUNK_BYTES = CHUNK_BYTES + TAG_BYTES
/** What a trailer has beside its hashes, before it is sealed: three numbers and a signature. */
export const TRAILER_FIXED_BYTES = 3 * 8 + SIGNATURE_BYTES
/** Chunks are numbered by four bytes. */
export const MAX_CHUNKS = 2 ** 32

const GROUP_BYTES = GROUP_CHUNKS * SEALED_CHUNK_BYTES + trailerBytes(GROUP_CHUNKS)

/** Where the parts of one object are. */
export interface Layout {
  readonly headBytes: number
  /** Length of the value. */
  readonly sizeBytes: number
  readonly chunks: number
  readonly groups: number
}

/** Bytes of a trailer of so many chunks, as it lies in the object. */
export function trailerBytes(chunks: number): number {
  return chunks * KEY_BYTES + TRAILER_FIXED_BYTES + TAG_BYTES
}

/**
 * Where the parts of an object must be that has so many bytes.
 *
 * @throws StoreError `DECRYPT` for a number of bytes that no object can have
 */
export function layoutOf(objectBytes: number, headBytes: number): Layout {
  const rest = objectBytes - headBytes
  const whole = Math.max(0, Math.ceil(rest / GROUP_BYTES) - 1)
  const last = rest - whole * GROUP_BYTES
  const chunks = Math.max(1, Math.ceil((last - trailerBytes(0)) / (SEALED_CHUNK_BYTES + KEY_BYTES)))
  const valueBytes = last - trailerBytes(chunks) - chunks * TAG_BYTES
  const isEmpty = whole === 0 && chunks === 1 && valueBytes === 0
  const isPossible = valueBytes > (chunks - 1) * CHUNK_BYTES && valueBytes <= chunks * CHUNK_BYTES
  const allChunks = whole * GROUP_CHUNKS + chunks
  if (!(isEmpty || isPossible) || chunks > GROUP_CHUNKS || allChunks > MAX_CHUNKS) {
    throw notAuthentic('the length')
  }
  const sizeBytes = whole * GROUP_VALUE_BYTES + valueBytes
  return { headBytes, sizeBytes, chunks: allChunks, groups: whole + 1 }
}

/** How many chunks a group has. */
export function chunksOfGroup({ chunks }: Layout, group: number): number {
  return Math.min(GROUP_CHUNKS, chunks - group * GROUP_CHUNKS)
}

/** The bytes of a chunk of the value. */
export function chunkValueBytes({ chunks, sizeBytes }: Layout, chunk: number): number {
  return chunk < chunks - 1 ? CHUNK_BYTES : sizeBytes - chunk * CHUNK_BYTES
}

/** Where a chunk begins. */
export function chunkStart({ headBytes }: Layout, chunk: number): number {
  const group = Math.floor(chunk / GROUP_CHUNKS)
  return headBytes + group * GROUP_BYTES + (chunk % GROUP_CHUNKS) * SEALED_CHUNK_BYTES
}

/** Where the trailer of a group begins, and where it ends. */
export function trailerRange(layout: Layout, group: number): [start: number, end: number] {
  const chunks = chunksOfGroup(layout, group)
  const last = group * GROUP_CHUNKS + chunks - 1
  const start = chunkStart(layout, last) + chunkValueBytes(layout, last) + TAG_BYTES
  return [start, start + trailerBytes(chunks)]
}
