/** The head of a sealed object: which key opens it, its attributes, and the keys of its parts. */
import { randomBytes } from 'node:crypto'
import { notAuthentic, notDecrypted, tooNew } from './failures.js'
import { PAIR_BYTES } from './identity.js'
import type { Epoch } from './keyring-format.js'
import {
  decrypt,
  derive,
  digest,
  encrypt,
  isSame,
  KEY_BYTES,
  ONLY_NONCE,
  TAG_BYTES,
} from './primitives.js'

/** What a head tells to those who can open it. */
export interface HeadAttributes {
  readonly key: string
  readonly contentType: string | undefined
  readonly metadata: Readonly<Record<string, string>>
  /** Both public keys of the writer. */
  readonly writer: Buffer
}

/** The keys of one object, and what ties its parts to it. */
export interface ObjectKeys {
  /** SHA-256 of the head and of the hidden name. */
  readonly headHash: Buffer
  readonly chunkKey: Buffer
  readonly trailerKey: Buffer
}

/** A head, opened. */
export interface Head extends ObjectKeys {
  readonly sizeBytes: number
  readonly attributes: HeadAttributes
}

/** The part of a head that has a length of its own. */
export const FIXED_HEAD_BYTES = 140

const MAGIC = Buffer.from('LNKSEAL', 'latin1')
const VERSION = 1
/** Attributes are padded to a multiple of this, so that their lengths tell little. */
const PADDING_BYTES = 128
const MAX_TEXT_BYTES = 64 * 1024
const MAX_ATTRIBUTES_BYTES = PAIR_BYTES + 8 + 2 * MAX_TEXT_BYTES + PADDING_BYTES
const LABELS = {
  wrap: 'linkstore sealed 1 wrap',
  keys: 'linkstore sealed 1 keys',
  head: 'linkstore sealed 1 head',
} as const
const AT = { version: 7, epoch: 8, salt: 24, wrapped: 56, commitment: 104, length: 136 } as const

/** Makes the head of a new object, with a data key of its own. */
export function makeHead(
  name: Buffer,
  epoch: Epoch,
  attributes: HeadAttributes,
): { readonly bytes: Buffer; readonly keys: ObjectKeys } {
  const salt = randomBytes(KEY_BYTES)
  const dataKey = randomBytes(KEY_BYTES)
  const start = Buffer.concat([MAGIC, Buffer.from([VERSION]), Buffer.from(epoch.id, 'hex')])
  const wrapKey = derive(epoch.key, salt, LABELS.wrap, KEY_BYTES)
  const wrapped = encrypt(wrapKey, ONLY_NONCE, dataKey, Buffer.concat([start, name]))
  const keys = derivedKeys(dataKey, salt)
  const text = encodeAttributes(attributes)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(text.length + TAG_BYTES)
  const fixed = Buffer.concat([start, salt, wrapped, keys.commitment, length])
  const sealed = encrypt(keys.attributesKey, ONLY_NONCE, text, Buffer.concat([fixed, name]))
  const bytes = Buffer.concat([fixed, sealed])
  return { bytes, keys: { ...keys, headHash: hashOf(bytes, name) } }
}

/** How long a head is, told by its beginning. */
export function measureHead(start: Buffer): number {
  if (start.length < FIXED_HEAD_BYTES || !start.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw notAuthentic('the beginning')
  }
  const version = start.readUInt8(AT.version)
  if (version !== VERSION) throw tooNew('the sealed object', version)
  const sealedBytes = start.readUInt32BE(AT.length)
  if (sealedBytes < TAG_BYTES || sealedBytes > MAX_ATTRIBUTES_BYTES + TAG_BYTES) {
    throw notAuthentic('the head')
  }
  return FIXED_HEAD_BYTES + sealedBytes
}

/** What tells one write from all others: 144 bits of the hash of its head. */
export function idOf({ headHash }: ObjectKeys): string {
  return headHash.toString('base64url', 0, 18)
}

/** The id of the epoch whose key opens an object. */
export function epochOf(start: Buffer): string {
  return start.subarray(AT.epoch, AT.salt).toString('hex')
}

/** Opens a head, which must be whole. */
export function openHead(head: Buffer, name: Buffer, { key }: Epoch): Head {
  const start = head.subarray(0, AT.salt)
  const salt = head.subarray(AT.salt, AT.wrapped)
  const wrapKey = derive(key, salt, LABELS.wrap, KEY_BYTES)
  const wrapped = head.subarray(AT.wrapped, AT.commitment)
  const dataKey = decrypt(wrapKey, ONLY_NONCE, wrapped, Buffer.concat([start, name]))
  if (dataKey === undefined) throw notAuthentic('the data key')
  const { commitment, attributesKey, ...keys } = derivedKeys(dataKey, salt)
  const claimed = head.subarray(AT.commitment, AT.length)
  if (!isSame(commitment, claimed)) throw notAuthentic('the data key')
  const also = Buffer.concat([head.subarray(0, FIXED_HEAD_BYTES), name])
  const text = decrypt(attributesKey, ONLY_NONCE, head.subarray(FIXED_HEAD_BYTES), also)
  if (text === undefined) throw notAuthentic('the head')
  const attributes = decodeAttributes(text)
  return { ...keys, headHash: hashOf(head, name), sizeBytes: head.length, attributes }
}

function derivedKeys(
  dataKey: Buffer,
  salt: Buffer,
): {
  readonly commitment: Buffer
  readonly attributesKey: Buffer
  readonly chunkKey: Buffer
  readonly trailerKey: Buffer
} {
  const keys = derive(dataKey, salt, LABELS.keys, 4 * KEY_BYTES)
  const part = (index: number): Buffer => keys.subarray(index * KEY_BYTES, (index + 1) * KEY_BYTES)
  return {
    commitment: part(0),
    attributesKey: part(1),
    chunkKey: part(2),
    trailerKey: part(3),
  }
}

function hashOf(head: Buffer, name: Buffer): Buffer {
  return digest(LABELS.head, name, head)
}

/** Writer, key and JSON, both behind their lengths, and zeros to a round length. */
function encodeAttributes({ key, contentType, metadata, writer }: HeadAttributes): Buffer {
  const json = JSON.stringify({ contentType, metadata })
  const keyBytes = Buffer.byteLength(key)
  const jsonBytes = Buffer.byteLength(json)
  const usedBytes = writer.length + 8 + keyBytes + jsonBytes
  const text = Buffer.alloc(Math.ceil(usedBytes / PADDING_BYTES) * PADDING_BYTES)
  let at = writer.copy(text)
  at = text.writeUInt32BE(keyBytes, at)
  at += text.write(key, at, 'utf8')
  at = text.writeUInt32BE(jsonBytes, at)
  text.write(json, at, 'utf8')
  return text
}

/** What is authentic can still be nonsense, made by a recipient. */
function decodeAttributes(text: Buffer): HeadAttributes {
  try {
    const [key, keyEnd] = textAt(text, PAIR_BYTES)
    const [json, end] = textAt(text, keyEnd)
    if (text.subarray(end).some((byte) => byte !== 0)) throw new TypeError()
    const { contentType, metadata } = JSON.parse(json) as Partial<HeadAttributes>
    const isText = (value: unknown): boolean => typeof value === 'string'
    const isSound = contentType === undefined || isText(contentType)
    if (!isSound || !Object.values(metadata ?? {}).every(isText)) throw new TypeError()
    return { key, contentType, metadata: metadata ?? {}, writer: text.subarray(0, PAIR_BYTES) }
  } catch {
    // Without the cause: an error of JSON.parse quotes what it could not read.
    throw notDecrypted('the head of the sealed object holds nothing that this release understands')
  }
}

function textAt(bytes: Buffer, at: number): [text: string, end: number] {
  const start = at + 4
  const end = start + bytes.readUInt32BE(at)
  if (end > bytes.length) throw new RangeError()
  return [bytes.toString('utf8', start, end), end]
}
