/** What of `node:crypto` a sealed store is made of: AES-256-GCM, HKDF, HMAC and SHA-256. */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hkdfSync,
  timingSafeEqual,
} from 'node:crypto'

/** Bytes of every symmetric key, of every hash and of every public key. */
export const KEY_BYTES = 32
/** Bytes by which AES-GCM makes a text longer. */
export const TAG_BYTES = 16
/** Bytes of an Ed25519 signature. */
export const SIGNATURE_BYTES = 64

const NONCE_BYTES = 12

/** The nonce of a key that encrypts one text only. */
export const ONLY_NONCE = Buffer.alloc(NONCE_BYTES)

/** The nonce of STREAM: 7 bytes of zero, the number of the part, and whether it is the last one. */
export function streamNonce(number: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES)
  nonce.writeUInt32BE(number, 7)
  nonce[11] = isLast ? 1 : 0
  return nonce
}

/** Encrypts with AES-256-GCM; the tag lies behind the ciphertext. */
export function encrypt(key: Buffer, nonce: Buffer, text: Uint8Array, also: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(also)
  return Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()])
}

/** Decrypts what {@link encrypt} has made; undefined if anything of it was changed. */
export function decrypt(
  key: Buffer,
  nonce: Buffer,
  sealed: Buffer,
  also: Uint8Array,
): Buffer | undefined {
  if (sealed.length < TAG_BYTES) return undefined
  const end = sealed.length - TAG_BYTES
  const cipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(also)
  cipher.setAuthTag(sealed.subarray(end))
  const text = cipher.update(sealed.subarray(0, end))
  try {
    cipher.final()
    return text
  } catch {
    // Nobody may ever see what is not authentic.
    text.fill(0)
    return undefined
  }
}

/** HKDF with SHA-256. */
export function derive(key: Buffer, salt: Buffer, label: string, bytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', key, salt, label, bytes))
}

/** HMAC with SHA-256. */
export function authenticate(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text, 'utf8').digest()
}

/** SHA-256 of several parts, one behind the other. */
export function digest(...parts: readonly (Uint8Array | string)[]): Buffer {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** Whether two byte strings are the same, in a time that does not tell where they differ. */
export function isSame(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other)
}

/** A number of up to 53 bits in 8 bytes. */
export function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}

/** Reads what {@link uint64} has made; undefined for what no number can hold exactly. */
export function readUint64(bytes: Buffer, at: number): number | undefined {
  const value = Number(bytes.readBigUInt64BE(at))
  return Number.isSafeInteger(value) ? value : undefined
}
