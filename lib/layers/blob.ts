/**
 * Verified blobs: bytes under the name that follows from them.
 *
 * @packageDocumentation
 */
import { bytesInMemory, bytesOfBody } from '../body.js'
import { checkCall, checkChange, checkListing, checkRemoval } from '../call-options.js'
import { hasCode, speakingOf } from '../errors.js'
import type { ObjectInfo } from '../object-info.js'
import type {
  Body,
  CallOptions,
  ChangeOptions,
  ListOptions,
  ObjectStore,
  RemoveOptions,
  StoredObject,
} from '../object-store.js'
import { checkOptionNames } from '../options.js'
import { Store } from '../store.js'
import { storedObject, type ObjectParts } from '../stored-object.js'
import {
  Check,
  checkedPieces,
  notItsName,
  verifiedPieces,
  type Claim,
} from './blob/checked-body.js'
import { isName, nameOf, sha256Of, type Digest } from './blob/digest.js'
import { Spool } from './blob/spool.js'
import { innerPieces } from './inner-object.js'

export type { Digest } from './blob/digest.js'

/** How a {@link BlobStore} is made. */
export interface BlobStoreOptions {
  /**
   * Where a blob waits that is larger than 1 MiB, comes as a stream and whose digest is not given;
   * default the temporary directory of the system. Nothing is left there.
   */
  readonly temporaryDirectory?: string | undefined
}

/** Options of `putBlob`: what the blob must be, as far as that is known. */
export interface PutBlobOptions extends ChangeOptions {
  /** Its SHA-256: a CID in base32, 64 hexadecimal digits, or a multihash. */
  readonly digest?: Digest | undefined
  /** Its length in bytes. */
  readonly sizeBytes?: number | undefined
}

/**
 * Blobs, each under the name that follows from its bytes: a CID of version 1 in base32, as in
 * `bafkrei…`, which is the key of its object. Equal blobs are one. Nothing is published that was
 * not checked, and nothing whole is read that is not what its name says.
 *
 * A blob is asked for by its name or its SHA-256, see {@link Digest}; TypeError for anything else.
 */
export class BlobStore implements AsyncDisposable {
  readonly #objects: ObjectStore
  readonly #temporaryDirectory: string | undefined

  /** @internal Made by {@link withBlobs}. */
  constructor(objects: ObjectStore, temporaryDirectory: string | undefined) {
    this.#objects = objects
    this.#temporaryDirectory = temporaryDirectory
  }

  /**
   * Stores a blob and returns what is known of it: its `key` is its name. It is published when all
   * of it was there and is what it should be; else nothing is stored. One that is there already is
   * only checked, not written. With the digest given it passes through once; without, a stream
   * of more than 1 MiB is written to a temporary file first, as its name is known at its end.
   *
   * @throws StoreError `TOO_LARGE` at once when more comes than `sizeBytes`; `TOO_SMALL` and
   *   `INCONSISTENT` (with `digest`) at its end
   */
  async putBlob(body: Body, options: PutBlobOptions = {}): Promise<ObjectInfo> {
    checkOptionNames(options, ['signal', 'durability', 'digest', 'sizeBytes'])
    const { digest, sizeBytes, ...call } = options
    checkChange(call)
    const claim: Claim = {
      sha256: digest === undefined ? undefined : sha256Of(digest),
      sizeBytes: checkSize(sizeBytes),
    }
    if (claim.sha256 !== undefined) return await this.#putNamed(body, claim, claim.sha256, call)
    const isRepeatable = body instanceof Blob || bytesInMemory(body) !== undefined
    return isRepeatable
      ? await this.#putTwice(body, claim, call)
      : await this.#putSpooled(body, claim, call)
  }

  /**
   * Opens a blob; undefined if there is none. Read as a whole it is checked against its name before
   * the last piece is given out: `CORRUPT`. A part, by `stream({ start, end })`, cannot be.
   */
  async getBlob(digest: Digest, options: CallOptions = {}): Promise<StoredObject | undefined> {
    const sha256 = sha256Of(digest)
    checkCall(options)
    const object = await this.#objects.read(nameOf(sha256), options)
    return object === undefined ? undefined : storedObject(blobParts(object, sha256))
  }

  /** What is known of a blob, without its bytes; undefined if there is none. */
  async statBlob(digest: Digest, options: CallOptions = {}): Promise<ObjectInfo | undefined> {
    return await this.#objects.stat(nameOf(sha256Of(digest)), options)
  }

  /** Whether there is a blob. */
  async hasBlob(digest: Digest, options: CallOptions = {}): Promise<boolean> {
    return (await this.statBlob(digest, options)) !== undefined
  }

  /** Removes a blob; says whether there was one. Nobody counts who else refers to it. */
  async deleteBlob(digest: Digest, options: RemoveOptions = {}): Promise<boolean> {
    checkRemoval(options)
    return await this.#objects.remove(nameOf(sha256Of(digest)), options)
  }

  /** What is known of every blob, in no meaningful order; what else the store has is left out. */
  async *list(options: ListOptions = {}): AsyncGenerator<ObjectInfo> {
    checkListing(options)
    for await (const info of this.#objects.list(options)) if (isName(info.key)) yield info
  }

  /** Closes the store underneath. */
  close(): Promise<void> {
    return this.#objects.close()
  }

  /** The same as {@link close}: for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** What can be read twice is hashed first, then written. */
  async #putTwice(body: Body, claim: Claim, call: ChangeOptions): Promise<ObjectInfo> {
    const check = new Check(claim)
    for await (const piece of bytesOfBody(body, call.signal)) check.update(piece)
    const sha256 = check.finish()
    const found = await this.#found(nameOf(sha256), call)
    return found ?? (await this.#write(body, { ...claim, sha256 }, sha256, call))
  }

  async #putSpooled(body: Body, claim: Claim, call: ChangeOptions): Promise<ObjectInfo> {
    const check = new Check(claim)
    await using spool = new Spool(this.#temporaryDirectory)
    for await (const piece of bytesOfBody(body, call.signal)) {
      check.update(piece)
      await spool.add(piece)
    }
    const name = nameOf(check.finish())
    return (await this.#found(name, call)) ?? (await this.#objects.write(name, spool.read(), call))
  }

  async #putNamed(
    body: Body,
    claim: Claim,
    sha256: Buffer,
    call: ChangeOptions,
  ): Promise<ObjectInfo> {
    const found = await this.#found(nameOf(sha256), call)
    if (found === undefined) return await this.#write(body, claim, sha256, call)
    const check = new Check(claim)
    await speakingOf(found.key, async () => {
      for await (const piece of bytesOfBody(body, call.signal)) check.update(piece)
      check.finish()
    })
    if (found.sizeBytes === check.sizeBytes) return found
    throw notItsName(found.key)
  }

  #write(body: Body, claim: Claim, sha256: Buffer, call: ChangeOptions): Promise<ObjectInfo> {
    const name = nameOf(sha256)
    const pieces = checkedPieces(bytesOfBody(body, call.signal), claim)
    return speakingOf(name, () => this.#objects.write(name, pieces, call))
  }

  /** What is there already. What is damaged is replaced. */
  async #found(name: string, { signal }: CallOptions): Promise<ObjectInfo | undefined> {
    try {
      return await this.#objects.stat(name, { signal })
    } catch (error) {
      if (hasCode(error, 'CORRUPT')) return undefined
      throw error
    }
  }
}

/**
 * Blobs in a store. What else is in it is left alone; `withNamespace` keeps the two apart. Closing
 * it closes the store underneath.
 *
 * @param store - the store to keep them in: a backend, a layer, or what `open` gives
 */
export function withBlobs(store: ObjectStore | Store, options: BlobStoreOptions = {}): BlobStore {
  checkOptionNames(options, ['temporaryDirectory'])
  const { temporaryDirectory } = options
  if (temporaryDirectory !== undefined && typeof temporaryDirectory !== 'string') {
    throw new TypeError('temporaryDirectory must be the path of a directory')
  }
  return new BlobStore(store instanceof Store ? store.objects : store, temporaryDirectory)
}

function blobParts(object: StoredObject, sha256: Buffer): ObjectParts {
  const { info } = object
  return {
    info,
    read: (start, end) => {
      const pieces = innerPieces(object, start, end)
      return start === 0 && end === info.sizeBytes ? verifiedPieces(pieces, sha256) : pieces
    },
    close: () => object.close(),
  }
}

function checkSize(sizeBytes: unknown): number | undefined {
  if (sizeBytes === undefined) return undefined
  if (typeof sizeBytes !== 'number') throw new TypeError('sizeBytes must be a number of bytes')
  if (Number.isSafeInteger(sizeBytes) && sizeBytes >= 0) return sizeBytes
  throw new RangeError(`sizeBytes must be a whole number that is not negative, not ${sizeBytes}`)
}
