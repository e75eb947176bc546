import type { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import type { ObjectInfo } from './object-info.js'
import type { Durability } from './protocol/context.js'

/**
 * What can be stored. Text is stored as UTF-8; pieces of a stream are bytes, or text without
 * lone surrogates.
 */
export type Body =
  | string
  | Uint8Array
  | ArrayBuffer
  | Blob
  | Readable
  | ReadableStream<Uint8Array | string>
  | AsyncIterable<Uint8Array | string>
  | Iterable<Uint8Array>

/** Options that every call takes. */
export interface CallOptions {
  /**
   * Aborts the call: it cleans up after itself and rejects with `ABORTED`. A write is aborted
   * only before it is published. A call that the file system never answers is given up after
   * one second; it may still take effect.
   */
  readonly signal?: AbortSignal | undefined
}

/** Options of calls that change something. */
export interface ChangeOptions extends CallOptions {
  /** Overrides the store's own {@link Durability} for this call. */
  readonly durability?: Durability | undefined
}

/** Options of a write. */
export interface WriteOptions extends ChangeOptions {
  /** Lifetime in milliseconds from the moment of writing; default: for ever. */
  readonly ttlMs?: number | undefined
  /** The user's own attributes; with the content type at most 64 KiB as JSON. */
  readonly metadata?: Readonly<Record<string, string>> | undefined
  /** A media type such as `text/plain`. */
  readonly contentType?: string | undefined
  /** Store only if the key has no object; `PRECONDITION_FAILED` if it has one. */
  readonly ifAbsent?: boolean | undefined
  /**
   * Store only over the object of this version; `PRECONDITION_FAILED` if the key has another or
   * none. Only where `supports.conditions`.
   */
  readonly ifVersion?: string | undefined
}

/** Options of a removal. */
export interface RemoveOptions extends ChangeOptions {
  /** Remove only the object of this version, as in {@link WriteOptions}. */
  readonly ifVersion?: string | undefined
}

/** Options of a listing. */
export interface ListOptions extends CallOptions {
  /** Only keys that begin with this; default: all. */
  readonly prefix?: string | undefined
}

/** A part of a value, in bytes, as in `fs.createReadStream`. */
export interface RangeOptions {
  /** The first byte; default 0. */
  readonly start?: number | undefined
  /** The last byte, inclusive; default the last of the value. */
  readonly end?: number | undefined
}

/**
 * What a backend or layer can do. A literal with every member, so that a new capability does not
 * compile until each of them has decided. What is false throws `NOT_SUPPORTED`.
 */
export interface Supports {
  /** Whether keys can be listed. */
  readonly list: boolean
  /** Whether content type and metadata are kept. */
  readonly metadata: boolean
  /** Whether `ttlMs` is kept. */
  readonly expiry: boolean
  /** Whether each write has a version of its own. */
  readonly versions: boolean
  /** Whether writes and removals may depend on the version that is there. */
  readonly conditions: boolean
  /** The longest key, in bytes of UTF-8; a longer one is `INVALID_KEY`. */
  readonly maxKeyBytes: number
}

/**
 * One version of one object, pinned: whatever others write or delete meanwhile, all of its
 * methods speak of the version that was there when it was opened. A large one holds a
 * descriptor and a private hard link until it is closed.
 */
export interface StoredObject extends AsyncDisposable {
  /** What is known of this version. */
  readonly info: ObjectInfo
  /** The whole value. Throws `CORRUPT` if its crc does not match; RangeError beyond 4 GiB. */
  bytes(): Promise<Buffer>
  /** The value as UTF-8 text. */
  text(): Promise<string>
  /** The value as JSON; `DECODE` if it is none. */
  json(): Promise<unknown>
  /**
   * The value, or a part of it, as a Node stream. A whole one is checked against its crc before
   * the last piece is given out; a part cannot be. RangeError for a part outside the value.
   */
  stream(options?: RangeOptions): Readable
  /** The same as a web stream. */
  webStream(options?: RangeOptions): ReadableStream<Uint8Array>
  /** Lets go of it; streams still open fail with `CLOSED`. Closing twice is fine. */
  close(): Promise<void>
}

/**
 * The one interface of backends and layers. Each member is atomic per key, and on the file
 * systems that `docs/guarantees.md` names linearizable across processes and hosts.
 *
 * Errors, beside the ones a member names: `INVALID_KEY`, `CLOSED`, `ABORTED`, `NO_SPACE`,
 * `ACCESS_DENIED`, `UNAVAILABLE`, `IO`; `TypeError` and `RangeError` for misuse. A call that
 * failed with a retryable error can be made again: all but `take`, and `write` with `ifAbsent`,
 * have the same effect when done twice.
 */
export interface ObjectStore {
  /** What can be asked of it; the rest throws `NOT_SUPPORTED`. */
  readonly supports: Supports

  /**
   * Opens the object of a key; undefined if it is absent or expired, which is never guessed.
   * Costs a link, an open and a read; the rest happens in the background.
   *
   * @throws StoreError `CORRUPT` when what lies there is not what was written
   */
  read(key: string, options?: CallOptions): Promise<StoredObject | undefined>

  /** What is known of an object; undefined if absent or expired. Checks all but the value. */
  stat(key: string, options?: CallOptions): Promise<ObjectInfo | undefined>

  /**
   * Stores a value, replacing any other. Readers see the old one or the new one. The value may
   * not be changed until this settles: what is stored is the value that was given, or nothing,
   * with a TypeError.
   *
   * @throws StoreError `PRECONDITION_FAILED` with `ifAbsent`, where the key has an object:
   *   of any number of contenders exactly one does not get this; `NOT_SUPPORTED` for an option
   *   the format cannot keep
   */
  write(key: string, body: Body, options?: WriteOptions): Promise<ObjectInfo>

  /** Removes the object of a key; says whether there was one. Corrupt ones are removed too. */
  remove(key: string, options?: RemoveOptions): Promise<boolean>

  /**
   * Reads and removes in one; of any number of contenders exactly one gets the object. At most
   * once: if the winner dies before it has used the value, it is gone.
   *
   * @throws StoreError `CORRUPT`, and the object is put back
   */
  take(key: string, options?: ChangeOptions): Promise<StoredObject | undefined>

  /**
   * All objects, in no meaningful order. Weakly consistent: a key that exists throughout is
   * given once, one that comes or goes meanwhile may or may not be. O(objects), whatever the
   * prefix.
   *
   * @throws StoreError `CORRUPT` after the last object, where there are some that cannot be read
   */
  list(options?: ListOptions): AsyncIterable<ObjectInfo>

  /** Waits for what is under way and lets go of everything. Closing twice is fine. */
  close(): Promise<void>
}
