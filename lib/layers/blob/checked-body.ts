import { createHash, type Hash } from 'node:crypto'
import { StoreError } from '../../errors.js'
import type { ValuePieces } from '../../stored-object.js'

/** What a blob is said to be; undefined where it is not said. */
export interface Claim {
  readonly sha256: Buffer | undefined
  readonly sizeBytes: number | undefined
}

const OPERATION = { operation: 'putBlob' }

/** Counts and hashes the pieces of a value, and compares them with what it is said to be. */
export class Check {
  readonly #hash: Hash = createHash('sha256')
  readonly #claim: Claim
  /** Bytes that there were so far. */
  sizeBytes = 0

  constructor(claim: Claim) {
    this.#claim = claim
  }

  /** @throws StoreError `TOO_LARGE` as soon as there is more than there should be */
  update(piece: Uint8Array): void {
    this.#hash.update(piece)
    this.sizeBytes += piece.length
    const { sizeBytes = Infinity } = this.#claim
    if (this.sizeBytes <= sizeBytes) return
    const what = `the blob has more than the ${sizeBytes} bytes it should have`
    throw new StoreError('TOO_LARGE', what, OPERATION)
  }

  /**
   * The SHA-256, once all pieces were there.
   *
   * @throws StoreError `TOO_SMALL` or `INCONSISTENT`
   */
  finish(): Buffer {
    const { sizeBytes = this.sizeBytes, sha256 } = this.#claim
    if (this.sizeBytes < sizeBytes) {
      const what = `the blob has ${this.sizeBytes} bytes, and should have ${sizeBytes}`
      throw new StoreError('TOO_SMALL', what, OPERATION)
    }
    const found = this.#hash.digest()
    if (sha256 === undefined || found.equals(sha256)) return found
    const has = `the blob has the SHA-256 ${found.toString('hex')}`
    const what = `${has}, and should have ${sha256.toString('hex')}`
    throw new StoreError('INCONSISTENT', what, OPERATION)
  }
}

/** The same pieces; it fails at their end, or before, unless they are what they should be. */
export async function* checkedPieces(
  pieces: AsyncIterable<Uint8Array>,
  claim: Claim,
): AsyncGenerator<Uint8Array> {
  const check = new Check(claim)
  for await (const piece of pieces) {
    check.update(piece)
    yield piece
  }
  check.finish()
}

/** The pieces of a stored blob. The last one is given out only if all of them are right. */
export async function* verifiedPieces(
  pieces: ValuePieces,
  sha256: Buffer,
): AsyncGenerator<Buffer, undefined> {
  const hash = createHash('sha256')
  let held: Buffer | undefined
  try {
    for (;;) {
      const { done, value } = await pieces.next()
      if (done === true) break
      hash.update(value)
      if (held !== undefined) yield held
      held = value
    }
  } finally {
    await pieces.return?.(undefined)
  }
  if (!hash.digest().equals(sha256)) throw notItsName()
  if (held !== undefined) yield held
}

/** What is told of a blob that is not what its name says. */
export function notItsName(key?: string): StoreError {
  const message = 'the blob is not the one that its name says; delete it, and put it again'
  return new StoreError('CORRUPT', message, { key })
}
