/**
 * Loading: from an open descriptor to what the object says. Nothing that fails its checks is
 * ever returned: an empty file, a short one, a wrong crc or a foreign key is `CORRUPT`.
 */
import { constants } from 'node:os'
import { crc32 } from 'node:zlib'
import { isErrno, StoreError } from '../errors.js'
import { fstat, read, type Operation } from '../drivers/effects.js'
import {
  decodeFooter,
  FooterProblem,
  measureFooter,
  type Chain,
  type Footer,
} from '../format/footer.js'
import { hashKey } from '../key.js'
import { infoOfFile, infoOfFooter, type ObjectInfo } from '../object-info.js'
import {
  noteSize,
  returnScratch,
  SCRATCH_BYTES,
  takeScratch,
  type Context,
  type ObjectPath,
} from './context.js'

const { errno } = constants

/** What is read to find a footer: most are shorter. */
const LOOK_BYTES = 4096

/** The kernel reads at most 2 GiB less a page at once. */
const MAX_READ_BYTES = 1024 * 1024 * 1024

/** An object's description and, where one read fetched all of it, its checked value. */
export interface Loaded {
  readonly info: ObjectInfo
  /** The crc its value must have; undefined in the `raw` format. */
  readonly valueCrc: number | undefined
  /** The whole value, if the object is small. */
  readonly bytes: Buffer | undefined
  /** Of a generation of a cell. */
  readonly chain: Chain | undefined
}

/** Reads a small object wholly, or the description of a large one. */
export function* load(context: Context, object: ObjectPath, fd: number): Operation<Loaded> {
  if (context.format === 'raw') return yield* loadRaw(object, fd)
  const scratch = takeScratch(context)
  try {
    const count = yield* read(fd, scratch, 0, scratch.length, 0)
    if (count < scratch.length) return parseWhole(object, scratch.subarray(0, count))
  } finally {
    returnScratch(context, scratch)
  }
  const footer = yield* loadFooter(object, fd)
  noteSize(context, footer.valueBytes)
  return {
    info: infoOfFooter(footer),
    valueCrc: footer.valueCrc,
    bytes: undefined,
    chain: footer.chain,
  }
}

/** Reads and checks the footer of an object of any size, and nothing else of it. */
export function* loadFooter(object: ObjectPath, fd: number): Operation<Footer> {
  const { size } = yield* fstat(fd)
  const guess = Math.min(size, LOOK_BYTES)
  const end = yield* readExactly(object, fd, size - guess, guess)
  const footerBytes = check(object, measureFooter(end, size))
  if (footerBytes <= guess) return parseFooter(object, end, size)
  const footer = yield* readExactly(object, fd, size - footerBytes, footerBytes)
  return parseFooter(object, footer, size)
}

/** Exactly these bytes of a file; `CORRUPT` when it ends before them. */
export function* readExactly(
  object: ObjectPath,
  fd: number,
  position: number,
  length: number,
): Operation<Buffer> {
  const buffer = Buffer.allocUnsafe(length)
  yield* readInto(object, fd, buffer, position)
  return buffer
}

/** Fills a buffer from a file; `CORRUPT` when the file ends before that. */
export function* readInto(
  object: ObjectPath,
  fd: number,
  buffer: Buffer,
  position: number,
): Operation<void> {
  let done = 0
  while (done < buffer.length) {
    const wanted = Math.min(buffer.length - done, MAX_READ_BYTES)
    const count = yield* read(fd, buffer, done, wanted, position + done)
    if (count === 0) throw corrupt(object, 'the file is cut short')
    done += count
  }
}

/** Checks a complete value against its object's description. */
export function checkValue(object: ObjectPath, valueCrc: number | undefined, crc: number): void {
  if (valueCrc === undefined || valueCrc === crc) return
  throw corrupt(object, "the value's crc32 does not match")
}

/** The error of an object that is not what was written. */
export function corrupt(
  object: ObjectPath,
  reason: string,
  code: 'CORRUPT' | 'FORMAT_UNSUPPORTED' = 'CORRUPT',
): StoreError {
  const { hash, path } = object
  const which = `the object ${hash} at ${path}`
  // Found by listing, its key is not known: it was in the part that cannot be read.
  const remedy = object.key === undefined ? 'remove the file' : 'delete its key'
  const advice = code === 'CORRUPT' ? `restore it or ${remedy}` : 'read it with a newer linkstore'
  return new StoreError(code, `${which} cannot be read: ${reason}; ${advice}`, { path })
}

/** Names the object in a system error that means that no object file lies there. */
export function asCorrupt(object: ObjectPath, error: unknown): unknown {
  if (isErrno(error, errno.ELOOP)) return corrupt(object, 'it is a symbolic link')
  if (isErrno(error, errno.EISDIR)) return corrupt(object, 'it is a directory')
  if (isErrno(error, errno.ENOTDIR)) return corrupt(object, 'its shard path is a file')
  // What reading a pipe at a position, and opening a socket, fail with.
  if (isErrno(error, errno.ESPIPE, errno.ENXIO)) return corrupt(object, 'it is not a regular file')
  return error
}

/** The footer that the end of a file has, all of it within `end`. */
function parseFooter(object: ObjectPath, end: Buffer, fileBytes: number): Footer {
  const footerBytes = check(object, measureFooter(end, fileBytes))
  const footer = decodeFooter(end.subarray(end.length - footerBytes), fileBytes)
  return checkKey(object, check(object, footer))
}

function parseWhole(object: ObjectPath, file: Buffer): Loaded {
  const footer = parseFooter(object, file, file.length)
  const { valueBytes, valueCrc, chain } = footer
  const bytes = Buffer.allocUnsafe(valueBytes)
  file.copy(bytes, 0, 0, valueBytes)
  checkValue(object, valueCrc, crc32(bytes))
  return { info: infoOfFooter(footer), valueCrc, bytes, chain }
}

function* loadRaw(object: ObjectPath, fd: number): Operation<Loaded> {
  const file = yield* fstat(fd)
  if (!file.isFile()) throw corrupt(object, 'it is not a regular file')
  const info = infoOfFile(object.key ?? '', file)
  if (file.size >= SCRATCH_BYTES) {
    return { info, valueCrc: undefined, bytes: undefined, chain: undefined }
  }
  const bytes = yield* readExactly(object, fd, 0, file.size)
  return { info, valueCrc: undefined, bytes, chain: undefined }
}

function check<T>(object: ObjectPath, result: T | FooterProblem): T {
  if (result instanceof FooterProblem) throw corrupt(object, result.reason, result.code)
  return result
}

/** A file that was moved to another key's place is not that key's object. */
function checkKey(object: ObjectPath, footer: Footer): Footer {
  const { key, hash } = object
  const isRight = key === undefined ? hashKey(footer.key) === hash : footer.key === key
  if (!isRight) throw corrupt(object, 'it holds another key')
  return footer
}
