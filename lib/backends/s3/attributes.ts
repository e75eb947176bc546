/**
 * What a store says of an object in the metadata that S3 keeps beside it: `linkstore` for its own
 * facts, `linkstore-metadata` for the user's. Both are JSON in ASCII, which every header carries.
 */
import type { ObjectInfo } from '../../object-info.js'

/** What S3 keeps for an object: names and values of all its metadata. */
const MAX_BYTES = 2048
const OWN = 'linkstore'
const USERS = 'linkstore-metadata'

/** What is not printable ASCII, and the second of two spaces, which signatures fold. */
const UNSAFE = /[^\x20-\x7e]|(?<= ) /g

/** What lies under a name in a bucket. */
export interface Facts {
  readonly info: ObjectInfo
  /** Of the content: two objects with the same bytes have the same one, unless they have a tail. */
  readonly etag: string
  /** The one version, where the bucket keeps several. */
  readonly versionId: string | undefined
  /** The crc32 of the value, where it was known when the upload began. */
  readonly crc: number | undefined
  /** Bytes behind the value that make the content unlike any other. */
  readonly tailBytes: number
  /** What marks a removal, which is to be removed itself: nothing is there. */
  readonly removal: string | undefined
}

/** What the store says of an object when it writes it. */
export interface Own {
  readonly version?: string | undefined
  readonly writtenAtMs?: number | undefined
  readonly writtenBy?: string | undefined
  readonly expiresAtMs?: number | undefined
  readonly contentType?: string | undefined
  readonly crc?: number | undefined
  readonly tailBytes?: number | undefined
  readonly removal?: string | undefined
}

/** What S3 answers to a look at an object. */
export interface Answer {
  readonly ETag?: string | undefined
  readonly VersionId?: string | undefined
  readonly LastModified?: Date | undefined
  readonly ContentType?: string | undefined
  readonly Metadata?: Record<string, string> | undefined
}

/**
 * The metadata of an object.
 *
 * @throws RangeError for more than S3 keeps
 */
export function toMetadata(
  own: Own,
  metadata: Readonly<Record<string, string>>,
): Record<string, string> {
  const made: Record<string, string> = { [OWN]: asciiJson(own) }
  if (Object.keys(metadata).length > 0) made[USERS] = asciiJson(metadata)
  const sizeBytes = Object.entries(made).flat().join('').length
  if (sizeBytes <= MAX_BYTES) return made
  const limit = `S3 keeps ${MAX_BYTES} bytes of metadata with an object, this has ${sizeBytes}`
  throw new RangeError(`${limit}, those of the store included; put it into the value`)
}

/** A content type as a header can have it; undefined for one that no header can. */
export function headerType(contentType: string | undefined): string | undefined {
  return contentType !== undefined && /^[\x21-\x7e]+( [\x21-\x7e]+)*$/.test(contentType)
    ? contentType
    : undefined
}

/** What an answer says of the object of a key. What other tools have stored is an object, too. */
export function toFacts(key: string, answer: Answer, sizeBytes: number): Facts {
  const { [OWN]: ownText, [USERS]: usersText, ...foreign } = answer.Metadata ?? {}
  const own = parse(ownText) as Own | undefined
  const tailBytes = own?.tailBytes ?? 0
  const info: ObjectInfo = {
    key,
    sizeBytes: Math.max(0, sizeBytes - tailBytes),
    version: own?.version,
    writtenAtMs: own?.writtenAtMs ?? answer.LastModified?.getTime() ?? 0,
    writtenBy: own?.writtenBy,
    expiresAtMs: own?.expiresAtMs,
    contentType: own === undefined ? answer.ContentType : own.contentType,
    metadata: own === undefined ? foreign : ((parse(usersText) ?? {}) as Record<string, string>),
  }
  return {
    info,
    etag: answer.ETag ?? '',
    versionId: answer.VersionId,
    crc: own?.crc,
    tailBytes,
    removal: own?.removal,
  }
}

function asciiJson(value: unknown): string {
  const escape = (character: string): string =>
    `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  return JSON.stringify(value).replace(UNSAFE, escape)
}

function parse(text: string | undefined): object | undefined {
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}
