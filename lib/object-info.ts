import type { Chain, Footer } from './format/footer.js'

/** What is known of an object without its value. */
export interface ObjectInfo {
  /** What it is stored under. */
  readonly key: string
  /** Length of the value in bytes. */
  readonly sizeBytes: number
  /** Unique to the write that made the object; undefined in the `raw` format. */
  readonly version: string | undefined
  /** When it was written: milliseconds since 1970, by the clock of the host that wrote it. */
  readonly writtenAtMs: number
  /** The host that wrote it; undefined in the `raw` format. */
  readonly writtenBy: string | undefined
  /** When it expires, on the same clock; undefined: never. */
  readonly expiresAtMs: number | undefined
  /** The media type that it was stored with; undefined if none was given. */
  readonly contentType: string | undefined
  /** The user's own attributes; empty when there are none. */
  readonly metadata: Readonly<Record<string, string>>
}

/** What a write says about its value. */
export interface Attributes {
  readonly contentType: string | undefined
  readonly metadata: Readonly<Record<string, string>>
  /** Lifetime from the moment of writing, in milliseconds. */
  readonly ttlMs: number | undefined
  /** The moment of expiry itself, where it is copied from another object. */
  readonly expiresAtMs: number | undefined
  /** Where it is a generation of a cell. */
  readonly chain?: Chain | undefined
}

/** What a footer says of its object. */
export function infoOfFooter(footer: Footer): ObjectInfo {
  return {
    key: footer.key,
    sizeBytes: footer.valueBytes,
    version: footer.version,
    writtenAtMs: footer.writtenAtMs,
    writtenBy: footer.host,
    expiresAtMs: footer.expiresAtMs,
    contentType: footer.contentType,
    metadata: footer.metadata,
  }
}

/** What a bare file says about itself. */
export function infoOfFile(
  key: string,
  file: { readonly size: number; readonly mtimeMs: number },
): ObjectInfo {
  return {
    key,
    sizeBytes: file.size,
    version: undefined,
    writtenAtMs: Math.trunc(file.mtimeMs),
    writtenBy: undefined,
    expiresAtMs: undefined,
    contentType: undefined,
    metadata: {},
  }
}

/** Whether an object is past its time; from then on it is absent to every verb. */
export function isExpired(info: ObjectInfo, nowMs: number): boolean {
  return info.expiresAtMs !== undefined && info.expiresAtMs <= nowMs
}

const MAX_BUFFER_BYTES = 0xffff_ffff

/** Refuses what is too large to be had in one piece. */
export function requireBuffer({ sizeBytes }: ObjectInfo): void {
  if (sizeBytes <= MAX_BUFFER_BYTES) return
  throw new RangeError(`a value of ${sizeBytes} bytes does not fit into a Buffer; stream it`)
}

/** What a write has to say so that its object is like this one, at this time. */
export function attributesOf(
  info: ObjectInfo,
  nowMs: number,
): { contentType?: string; metadata?: Readonly<Record<string, string>>; ttlMs?: number } {
  const { contentType, metadata, expiresAtMs } = info
  return {
    ...(contentType !== undefined && { contentType }),
    ...(Object.keys(metadata).length > 0 && { metadata }),
    ...(expiresAtMs !== undefined && { ttlMs: Math.max(1, expiresAtMs - nowMs) }),
  }
}
