/** The trailer of a group: the hashes of its chunks, and what its writer signs. */
import { notAuthentic } from './failures.js'
import type { Head } from './head.js'
import { isSigned } from './identity.js'
import { TRAILER_FIXED_BYTES } from './layout.js'
import { decrypt, KEY_BYTES, readUint64, SIGNATURE_BYTES, streamNonce } from './primitives.js'

/** A trailer, opened. */
export interface Trailer {
  /** SHA-256 of each sealed chunk, one behind the other. */
  readonly hashes: Buffer
  /** Length of the value up to the end of the group. */
  readonly sizeBytes: number
  readonly signedAtMs: number
  /** The lifetime the writer gave it; 0: for ever. */
  readonly ttlMs: number
}

const LABEL = 'linkstore sealed 1 sign'

/** What is signed of a group. */
export function signedGroup(
  headHash: Buffer,
  group: number,
  isLast: boolean,
  text: Buffer,
): Buffer {
  const numbers = Buffer.alloc(5)
  numbers.writeUInt32BE(group)
  numbers[4] = isLast ? 1 : 0
  return Buffer.concat([Buffer.from(LABEL), headHash, numbers, text])
}

/** Opens a trailer and checks its signature. */
export function openTrailer(sealed: Buffer, head: Head, group: number, isLast: boolean): Trailer {
  const text = decrypt(head.trailerKey, streamNonce(group, isLast), sealed, head.headHash)
  if (text === undefined) throw notAuthentic('the end of a group')
  const signatureAt = text.length - SIGNATURE_BYTES
  const signed = signedGroup(head.headHash, group, isLast, text.subarray(0, signatureAt))
  if (!isSigned(head.attributes.writer, signed, text.subarray(signatureAt))) {
    throw notAuthentic('the signature')
  }
  const hashes = text.subarray(0, text.length - TRAILER_FIXED_BYTES)
  const [sizeBytes, signedAtMs, ttlMs] = [0, 8, 16].map((at) =>
    readUint64(text, hashes.length + at),
  )
  if (sizeBytes === undefined || signedAtMs === undefined || ttlMs === undefined) {
    throw notAuthentic('the end of a group')
  }
  return { hashes, sizeBytes, signedAtMs, ttlMs }
}

/** The hash that a trailer has of a chunk. */
export function hashOfChunk({ hashes }: Trailer, indexInGroup: number): Buffer {
  return hashes.subarray(indexInGroup * KEY_BYTES, (indexInGroup + 1) * KEY_BYTES)
}
