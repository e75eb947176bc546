/**
 * Staging: a complete object under a private name, the first half of every write.
 *
 *     1  create a private file, with its final mode   crash: an empty private file
 *     2  write value and footer                       crash: part of a private file
 *     3  fsync it (durability full and file)          crash: a private file
 *     4  close it, and believe its error: NFS says    crash: a private file
 *        ENOSPC and EDQUOT only here
 *
 * Whatever fails, the private file is removed and nothing was published; what a crash leaves
 * in .tmp goes with the sweep. Every byte is copied before it is summed and written, so that
 * the crc is right even if the caller changes the value meanwhile; that is then noticed and
 * refused.
 */
import { constants as fsConstants } from 'node:fs'
import { crc32 } from 'node:zlib'
import {
  checkpoint,
  close,
  fchmod,
  fsync,
  open,
  quietly,
  unlink,
  write,
  writev,
  writeWhile,
  type Operation,
} from '../drivers/effects.js'
import { encodeFooter, type Footer } from '../format/footer.js'
import type { ObjectKey } from '../key.js'
import { infoOfFile, infoOfFooter, type Attributes, type ObjectInfo } from '../object-info.js'
import { requireUnchanged, type Source } from '../source.js'
import { looksAbsent } from './absence.js'
import type { Context, Durability } from './context.js'
import { nextVersion, noticeLostInstance, privateName, readOnlyError } from './private-names.js'

const CREATE = fsConstants.O_WRONLY | fsConstants.O_CREAT | fsConstants.O_TRUNC
const PIECE_BYTES = 256 * 1024
const NOTHING = Buffer.alloc(0)

/** A complete object that is not published yet. */
export interface Staged {
  readonly path: string
  readonly info: ObjectInfo
}

/** Steps 1 to 4. */
export function* stage(
  context: Context,
  key: ObjectKey,
  source: Source,
  attributes: Attributes,
  durability: Durability,
): Operation<Staged> {
  if (context.readOnly !== undefined) throw readOnlyError(context)
  const fill = (fd: number): Operation<ObjectInfo> =>
    writeObject(context, fd, key, source, attributes)
  const [path, info] = yield* privateFile(context, fill, durability !== 'none')
  return { path, info }
}

/** Any other bytes as a complete private file; returns its name. */
export function* stageBytes(context: Context, bytes: Buffer, durable: boolean): Operation<string> {
  const [path] = yield* privateFile(context, (fd) => writeAll(fd, bytes, 0), durable)
  return path
}

/** A private file with what `fill` writes into it. */
function* privateFile<T>(
  context: Context,
  fill: (fd: number) => Operation<T>,
  durable: boolean,
): Operation<[path: string, result: T]> {
  const [path, fd] = yield* createPrivateFile(context)
  try {
    let result: T
    try {
      if (context.fileMode !== undefined) yield* fchmod(fd, context.fileMode)
      result = yield* fill(fd)
      if (durable) yield* fsync(fd)
    } catch (error) {
      yield* quietly(close(fd))
      throw error
    }
    yield* close(fd)
    return [path, result]
  } catch (error) {
    yield* quietly(unlink(path))
    throw error
  }
}

function* createPrivateFile(context: Context): Operation<[path: string, fd: number]> {
  const mode = context.fileMode ?? 0o666
  const path = yield* privateName(context)
  try {
    return [path, yield* open(path, CREATE, mode)]
  } catch (error) {
    if (!looksAbsent(error) || !(yield* noticeLostInstance(context))) throw error
  }
  const again = yield* privateName(context)
  return [again, yield* open(again, CREATE, mode)]
}

function* writeObject(
  context: Context,
  fd: number,
  key: ObjectKey,
  source: Source,
  attributes: Attributes,
): Operation<ObjectInfo> {
  const whole = source.bytes !== undefined && !source.shared
  const sum = new PieceWriter(fd)
  if (whole) yield* sum.addAll(source.bytes)
  else if (source.bytes !== undefined) yield* sum.addCopy(source.bytes)
  else {
    let piece = yield* source.next()
    for (; piece !== undefined; piece = yield* source.next()) yield* sum.addCopy(piece)
  }
  const writtenAtMs = context.now()
  if (context.format === 'raw') {
    yield* sum.finish(NOTHING)
    if (source.givenCrc !== undefined) requireUnchanged(source.givenCrc, sum.crc)
    return infoOfFile(key.text, { size: sum.sizeBytes, mtimeMs: writtenAtMs })
  }
  const { contentType, metadata, ttlMs, chain } = attributes
  const expiresAtMs = ttlMs === undefined ? attributes.expiresAtMs : writtenAtMs + ttlMs
  const footer: Footer = {
    version: nextVersion(context),
    valueBytes: sum.sizeBytes,
    valueCrc: sum.crc,
    key: key.text,
    host: context.host,
    writtenAtMs,
    expiresAtMs,
    contentType,
    metadata,
    chain,
  }
  yield* sum.finish(encodeFooter(footer))
  if (source.givenCrc !== undefined) requireUnchanged(source.givenCrc, sum.crc)
  return infoOfFooter(footer)
}

/** Gathers a value into pieces worth a system call, summing each as it is written. */
class PieceWriter {
  readonly #fd: number
  #piece: Buffer = NOTHING
  #pending: Uint8Array = NOTHING
  /** Of what was written. */
  #crc = 0
  /** Of that and what is pending; undefined until it is asked for. */
  #totalCrc: number | undefined
  /** Bytes added so far. */
  sizeBytes = 0

  constructor(fd: number) {
    this.#fd = fd
  }

  /** All of a value that nobody can change: it is not copied. */
  *addAll(bytes: Uint8Array): Operation<void> {
    this.sizeBytes = bytes.length
    this.#pending = bytes
    this.#totalCrc = undefined
    yield* checkpoint()
  }

  *addCopy(bytes: Uint8Array): Operation<void> {
    let done = 0
    while (done < bytes.length) {
      if (this.#pending.length === PIECE_BYTES) yield* this.#flush()
      if (this.#piece === NOTHING) this.#piece = Buffer.allocUnsafeSlow(PIECE_BYTES)
      const filled = this.#pending.length
      const count = Math.min(bytes.length - done, PIECE_BYTES - filled)
      this.#piece.set(bytes.subarray(done, done + count), filled)
      this.#pending = this.#piece.subarray(0, filled + count)
      this.#totalCrc = undefined
      this.sizeBytes += count
      done += count
    }
  }

  /** The crc of all that was added, whether written yet or not. */
  get crc(): number {
    this.#totalCrc ??= this.#pending.length === 0 ? this.#crc : crc32(this.#pending, this.#crc)
    return this.#totalCrc
  }

  /** Writes what is left, and the footer, in one call. */
  *finish(footer: Buffer): Operation<void> {
    const rest = this.#pending
    this.#crc = this.crc
    this.#pending = NOTHING
    if (rest.length === 0 || footer.length === 0) {
      yield* writeAll(this.#fd, rest.length === 0 ? footer : rest, 0)
      return
    }
    const written = yield* writev(this.#fd, [rest, footer])
    if (written < rest.length) yield* writeAll(this.#fd, rest, written)
    yield* writeAll(this.#fd, footer, Math.max(0, written - rest.length))
  }

  *#flush(): Operation<void> {
    const piece = this.#pending
    const written = yield* writeWhile(this.#fd, piece, () => this.crc)
    yield* writeAll(this.#fd, piece, written)
    this.#crc = this.crc
    this.#pending = NOTHING
    yield* checkpoint()
  }
}

function* writeAll(fd: number, bytes: Uint8Array, from: number): Operation<void> {
  let done = from
  while (done < bytes.length) done += yield* write(fd, bytes, done, bytes.length - done)
}
