/**
 * Digests of blobs, and their names: version 1 content identifiers (CIDs) of multiformats, in
 * base32, as IPFS and its tools write and read them.
 *
 *     b      multibase: base32 in small letters, without padding, of the bytes that follow
 *     0x01   version
 *     0x55   codec: raw bytes
 *     0x12   hash: SHA-256
 *     0x20   32 bytes
 *     …      the hash
 */

/** What a blob is asked for by. */
export type Digest = string | Uint8Array

const VERSION = 0x01
const RAW = 0x55
const MULTIHASH = [0x12, 0x20]
const HASH_BYTES = 32
const LETTERS = 'abcdefghijklmnopqrstuvwxyz234567'

/** The name of the blob that has a SHA-256. */
export function nameOf(sha256: Uint8Array): string {
  return `b${base32(Uint8Array.from([VERSION, RAW, ...MULTIHASH, ...sha256]))}`
}

/**
 * The SHA-256 that a digest says.
 *
 * @param digest - a CID in base32, whatever its codec; 64 hexadecimal digits; or a multihash
 * @throws TypeError for anything else
 */
export function sha256Of(digest: unknown): Buffer {
  const hash = digest instanceof Uint8Array ? ofMultihash(digest) : ofText(digest)
  if (hash !== undefined) return hash
  const kinds = 'a CID in base32 (b…), 64 hexadecimal digits, or the bytes of a multihash'
  throw new TypeError(`digest must be a SHA-256 as ${kinds}`)
}

/** Whether a key is the name of a blob. */
export function isName(key: string): boolean {
  const hash = ofText(key)
  return hash !== undefined && nameOf(hash) === key
}

function ofText(text: unknown): Buffer | undefined {
  if (typeof text !== 'string') return undefined
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex')
  const bytes = text.startsWith('b') ? fromBase32(text.slice(1)) : undefined
  if (bytes?.[0] !== VERSION) return undefined
  // The codec says what the bytes mean, and is a number of one byte or more.
  const codecEnd = bytes.findIndex((byte, at) => at > 0 && byte < 0x80) + 1
  return codecEnd === 0 ? undefined : ofMultihash(bytes.subarray(codecEnd))
}

function ofMultihash(bytes: Uint8Array): Buffer | undefined {
  const isSha256 = MULTIHASH.every((byte, at) => bytes[at] === byte)
  const hash = bytes.subarray(MULTIHASH.length)
  return isSha256 && hash.length === HASH_BYTES ? Buffer.from(hash) : undefined
}

/** RFC 4648, in small letters and without padding. */
function base32(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xfff
    bits += 8
    for (; bits >= 5; bits -= 5) text += LETTERS.charAt((held >> (bits - 5)) & 31)
  }
  return bits === 0 ? text : text + LETTERS.charAt((held << (5 - bits)) & 31)
}

function fromBase32(text: string): Buffer | undefined {
  const bytes: number[] = []
  let bits = 0
  let held = 0
  for (const letter of text) {
    const value = LETTERS.indexOf(letter)
    if (value === -1) return undefined
    held = ((held << 5) | value) & 0xfff
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes.push((held >> bits) & 0xff)
  }
  // The last letter fills up with zeros; one that says nothing is not of the text.
  const rest = held & ((1 << bits) - 1)
  return bits < 5 && rest === 0 ? Buffer.from(bytes) : undefined
}
