/**
 * Read: the value of a key as one write left it.
 *
 *     1  pin the object (pin.ts)                 crash: a private name, for the sweep
 *     2  read it: a small object wholly, in one  crash: as above
 *        read, a large one's footer
 *     3  close it and remove the private name,   crash: as above
 *        in the background; a large object's
 *        when its handle is closed
 */
import { crc32 } from 'node:zlib'
import { constants } from 'node:os'
import { isErrno, StoreError } from '../errors.js'
import { checkpoint, read as readAt, type Operation } from '../drivers/effects.js'
import type { Chain } from '../format/footer.js'
import { isExpired, requireBuffer, type ObjectInfo } from '../object-info.js'
import type { Source } from '../source.js'
import { MAX_ATTEMPTS, restless } from './absence.js'
import type { Context, ObjectPath } from './context.js'
import { asCorrupt, checkValue, corrupt, load, readInto, type Loaded } from './load.js'
import { pin, release, type Pin } from './pin.js'

const { errno } = constants
const PIECE_BYTES = 256 * 1024

/** A value that stays the same until it is released. */
export interface Handle {
  readonly object: ObjectPath
  readonly info: ObjectInfo
  /** The crc the value must have; undefined in the `raw` format. */
  readonly valueCrc: number | undefined
  /** All of the value, if the object is small: nothing is held open then. */
  readonly bytes: Buffer | undefined
  /** What holds a large object open; undefined for a small one. */
  readonly pin: Pin | undefined
  /** Of a generation of a cell. */
  readonly chain?: Chain | undefined
}

/** What becomes of the pin of a small object, once that is read. */
type Settle = (loaded: Loaded, pinned: Pin) => Operation<void>

const LET_GO: Settle = (_, pinned) => release(pinned)

/**
 * Opens the object of a key for reading; undefined when it is proved absent, or expired.
 *
 * @param settle - releases the pin of a small object, or keeps it
 */
export function* read(
  context: Context,
  object: ObjectPath,
  settle = LET_GO,
): Operation<Handle | undefined> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    // The time before the object was found: one that expires while it is read may have been
    // replaced by then, and the key was never absent.
    const nowMs = context.now()
    const pinned = yield* pin(context, object, 'link')
    if (pinned === undefined) return undefined
    try {
      const handle = yield* handleOf(context, object, pinned, settle)
      return isExpired(handle.info, nowMs) ? yield* letGo(handle) : handle
    } catch (error) {
      if (!isErrno(error, errno.ESTALE)) throw error
    }
  }
  throw restless(object)
}

/** Reads what is pinned; keeps it pinned only if it is large. */
export function* handleOf(
  context: Context,
  object: ObjectPath,
  pinned: Pin,
  settle = LET_GO,
): Operation<Handle> {
  let isSettled = false
  try {
    const loaded = yield* load(context, object, pinned.fd)
    const { info, valueCrc, bytes, chain } = loaded
    if (bytes !== undefined) yield* settle(loaded, pinned)
    isSettled = true
    return { object, info, valueCrc, bytes, pin: bytes === undefined ? pinned : undefined, chain }
  } catch (error) {
    throw asCorrupt(object, error)
  } finally {
    if (!isSettled) yield* release(pinned)
  }
}

/** Releases what a handle holds, if anything. */
export function* closeHandle(handle: Handle): Operation<void> {
  if (handle.pin !== undefined) yield* release(handle.pin)
}

function* letGo(handle: Handle): Operation<undefined> {
  yield* closeHandle(handle)
  return undefined
}

/** All of what reading a key gives, and nothing that must be closed. */
export function* readWhole(reading: Operation<Handle | undefined>): Operation<Buffer | undefined> {
  const handle = yield* reading
  if (handle === undefined || handle.bytes !== undefined) return handle?.bytes
  try {
    return yield* readBytes(handle)
  } finally {
    yield* closeHandle(handle)
  }
}

/** The whole value, checked. */
export function* readBytes(handle: Handle): Operation<Buffer> {
  if (handle.bytes !== undefined) return handle.bytes
  const { object, info, valueCrc } = handle
  requireBuffer(info)
  const bytes = Buffer.allocUnsafeSlow(info.sizeBytes)
  yield* readInto(object, fdOf(handle), bytes, 0)
  if (valueCrc !== undefined) checkValue(object, valueCrc, crc32(bytes))
  return bytes
}

/** Reads a range of the value piece by piece; the whole value is checked before its last piece. */
export class RangeReader {
  readonly #handle: Handle
  readonly #end: number
  readonly #checks: boolean
  #position: number
  #crc = 0

  /**
   * @param start - first byte of the range, which must be within the value
   * @param end - the byte after its last
   */
  constructor(handle: Handle, start: number, end: number) {
    const { sizeBytes } = handle.info
    this.#handle = handle
    this.#position = start
    this.#end = end
    this.#checks = start === 0 && end === sizeBytes && handle.valueCrc !== undefined
  }

  /** The next piece, of at most 256 KiB; undefined at the end. */
  *next(): Operation<Buffer | undefined> {
    const { object, valueCrc, bytes } = this.#handle
    const length = Math.min(PIECE_BYTES, this.#end - this.#position)
    if (length === 0) return undefined
    yield* checkpoint()
    const from = this.#position
    let piece: Buffer
    if (bytes !== undefined) piece = bytes.subarray(from, from + length)
    else {
      piece = Buffer.allocUnsafeSlow(length)
      const count = yield* readAt(fdOf(this.#handle), piece, 0, length, from)
      if (count === 0) throw corrupt(object, 'the file is cut short')
      piece = piece.subarray(0, count)
    }
    this.#position += piece.length
    if (this.#checks) {
      this.#crc = crc32(piece, this.#crc)
      if (this.#position === this.#end) checkValue(object, valueCrc, this.#crc)
    }
    return piece
  }
}

/** Reads all of a value, only to check it. */
export function* checkAll(handle: Handle): Operation<void> {
  const reader = new RangeReader(handle, 0, handle.info.sizeBytes)
  while ((yield* reader.next()) !== undefined);
}

/** A handle's value as the value of another write. */
export function handleSource(handle: Handle): Source {
  const reader = new RangeReader(handle, 0, handle.info.sizeBytes)
  return {
    bytes: handle.bytes,
    shared: false,
    next: () => reader.next(),
    cancel: () => undefined,
  }
}

function fdOf(handle: Handle): number {
  if (handle.pin !== undefined) return handle.pin.fd
  throw new StoreError('CLOSED', 'the object was closed')
}
