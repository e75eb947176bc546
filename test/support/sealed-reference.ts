/**
 * Sealed objects and keyrings once more, written from docs/sealed.md alone and with @noble instead
 * of node:crypto: what both make and read must be the same bytes.
 */
import { gcm } from '@noble/ciphers/aes.js'
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { hkdf } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'

type Bytes = Uint8Array

const text = (value: string): Bytes => new TextEncoder().encode(value)
const join = (...parts: readonly Bytes[]): Bytes => Uint8Array.from(Buffer.concat(parts))
const kdf = (key: Bytes, salt: Bytes, label: string, bytes: number): Bytes =>
  hkdf(sha256, key, salt, text(label), bytes)
const seal = (key: Bytes, nonce: Bytes, also: Bytes, plain: Bytes): Bytes =>
  gcm(key, nonce, also).encrypt(plain)
const open = (key: Bytes, nonce: Bytes, also: Bytes, sealed: Bytes): Bytes =>
  gcm(key, nonce, also).decrypt(sealed)
const ZERO = new Uint8Array(12)

function big(value: number, bytes: number): Bytes {
  return Uint8Array.from(
    { length: bytes },
    (_, i) => Math.floor(value / 256 ** (bytes - 1 - i)) % 256,
  )
}

function number(bytes: Bytes, at: number, length: number): number {
  return bytes.subarray(at, at + length).reduce((sum, byte) => sum * 256 + byte, 0)
}

function nonce(index: number, isLast: boolean): Bytes {
  return join(new Uint8Array(7), big(index, 4), big(isLast ? 1 : 0, 1))
}

/** Keys behind their prefix, without the sum. */
export function keysOf(line: string): Bytes {
  const packed = Buffer.from(line.slice(line.indexOf(':') + 1), 'base64url')
  const prefix = line.slice(0, line.indexOf(':') + 1)
  const keys = Uint8Array.from(packed.subarray(0, -4))
  if (lineOf(prefix, keys) === line) return keys
  throw new Error('the sum is wrong')
}

/** Keys as a line. */
export function lineOf(prefix: string, keys: Bytes): string {
  const sum = sha256(join(text(prefix), keys)).subarray(0, 4)
  return prefix + Buffer.from(join(keys, sum)).toString('base64url')
}

/** The public keys of a secret line, as bytes. */
export function publicOf(secret: Bytes): Bytes {
  const [agreement, signing] = [secret.subarray(0, 32), secret.subarray(32)]
  return join(x25519.getPublicKey(agreement), ed25519.getPublicKey(signing))
}

/** The name of an object in the store underneath. */
export function hiddenName(nameKey: Bytes, key: string): Bytes {
  return hmac(sha256, nameKey, text(key))
}

/** All that one sealed object is made of. */
export interface ObjectInput {
  readonly secret: Bytes
  readonly nameKey: Bytes
  readonly epochId: Bytes
  readonly epochKey: Bytes
  readonly salt: Bytes
  readonly dataKey: Bytes
  readonly key: string
  /** Content type and metadata. */
  readonly json: string
  readonly value: Bytes
  readonly signedAtMs: number
  readonly ttlMs: number
}

const CHUNK = 65_536
const GROUP = 256

/** Seals an object. */
export function sealObject(input: ObjectInput): Bytes {
  const name = hiddenName(input.nameKey, input.key)
  const start = join(text('LNKSEAL'), big(1, 1), input.epochId)
  const wrapKey = kdf(input.epochKey, input.salt, 'linkstore sealed 1 wrap', 32)
  const wrapped = seal(wrapKey, ZERO, join(start, name), input.dataKey)
  const keys = kdf(input.dataKey, input.salt, 'linkstore sealed 1 keys', 128)
  const [key, json] = [text(input.key), text(input.json)]
  const used = join(publicOf(input.secret), big(key.length, 4), key, big(json.length, 4), json)
  const padded = join(used, new Uint8Array((128 - (used.length % 128)) % 128))
  const length = big(padded.length + 16, 4)
  const fixed = join(start, input.salt, wrapped, keys.subarray(0, 32), length)
  const head = join(fixed, seal(keys.subarray(32, 64), ZERO, join(fixed, name), padded))
  const headHash = sha256(join(text('linkstore sealed 1 head'), name, head))
  const parts: Bytes[] = [head]
  let hashes: Bytes[] = []
  const chunks = Math.max(1, Math.ceil(input.value.length / CHUNK))
  for (let i = 0; i < chunks; i += 1) {
    const isLast = i === chunks - 1
    const plain = input.value.subarray(i * CHUNK, (i + 1) * CHUNK)
    const sealed = seal(keys.subarray(64, 96), nonce(i, isLast), headHash, plain)
    parts.push(sealed)
    hashes.push(sha256(sealed))
    if (!isLast && hashes.length < GROUP) continue
    const group = Math.floor(i / GROUP)
    const size = Math.min(input.value.length, (i + 1) * CHUNK)
    const figures = [size, input.signedAtMs, input.ttlMs].map((value) => big(value, 8))
    const body = join(...hashes, ...figures)
    const where = join(big(group, 4), big(isLast ? 1 : 0, 1))
    const signed = join(text('linkstore sealed 1 sign'), headHash, where, body)
    const signature = ed25519.sign(signed, input.secret.subarray(32))
    const whole = join(body, signature)
    parts.push(seal(keys.subarray(96), nonce(group, isLast), headHash, whole))
    hashes = []
  }
  return join(...parts)
}

/** What an object of one group tells to whoever has the keys. */
export interface ObjectOutput {
  readonly writer: Bytes
  readonly key: string
  readonly json: string
  readonly value: Bytes
}

/** Opens an object of one group; throws for anything that is not right. */
export function openObject(
  object: Bytes,
  name: Bytes,
  epochs: ReadonlyMap<string, Bytes>,
): ObjectOutput {
  const [start, salt] = [object.subarray(0, 24), object.subarray(24, 56)]
  const epochKey = epochs.get(Buffer.from(start.subarray(8)).toString('hex'))
  if (epochKey === undefined) throw new Error('the epoch is not known')
  const wrapKey = kdf(epochKey, salt, 'linkstore sealed 1 wrap', 32)
  const dataKey = open(wrapKey, ZERO, join(start, name), object.subarray(56, 104))
  const keys = kdf(dataKey, salt, 'linkstore sealed 1 keys', 128)
  if (Buffer.compare(keys.subarray(0, 32), object.subarray(104, 136)) !== 0) {
    throw new Error('the commitment is wrong')
  }
  const headEnd = 140 + number(object, 136, 4)
  const also = join(object.subarray(0, 140), name)
  const attributes = open(keys.subarray(32, 64), ZERO, also, object.subarray(140, headEnd))
  const writer = attributes.subarray(0, 64)
  const keyEnd = 68 + number(attributes, 64, 4)
  const jsonEnd = keyEnd + 4 + number(attributes, keyEnd, 4)
  const head = object.subarray(0, headEnd)
  const headHash = sha256(join(text('linkstore sealed 1 head'), name, head))

  const rest = object.subarray(headEnd)
  const chunks = Math.ceil((rest.length - 104) / (CHUNK + 16 + 32))
  const trailerAt = rest.length - 104 - 32 * chunks
  const trailer = open(keys.subarray(96), nonce(0, true), headHash, rest.subarray(trailerAt))
  const body = trailer.subarray(0, -64)
  const signed = join(text('linkstore sealed 1 sign'), headHash, big(0, 4), big(1, 1), body)
  if (!ed25519.verify(trailer.subarray(-64), signed, writer.subarray(32))) {
    throw new Error('the signature is wrong')
  }
  const values = Array.from({ length: chunks }, (_, i) => {
    const end = Math.min(trailerAt, (i + 1) * (CHUNK + 16))
    const sealed = rest.subarray(i * (CHUNK + 16), end)
    const hash = body.subarray(32 * i, 32 * i + 32)
    if (Buffer.compare(sha256(sealed), hash) !== 0) throw new Error('a hash is wrong')
    return open(keys.subarray(64, 96), nonce(i, i === chunks - 1), headHash, sealed)
  })
  const value = join(...values)
  if (number(body, 32 * chunks, 8) !== value.length) throw new Error('the size is wrong')
  const [key, json] = [attributes.subarray(68, keyEnd), attributes.subarray(keyEnd + 4, jsonEnd)]
  return { writer, key: Buffer.from(key).toString(), json: Buffer.from(json).toString(), value }
}

/** All that one generation of a keyring is made of. */
export interface KeyringInput {
  readonly secret: Bytes
  readonly ephemeral: Bytes
  readonly fileKey: Bytes
  readonly generation: number
  readonly recipients: readonly Bytes[]
  readonly json: string
}

const WRAP = 'linkstore keyring 1 wrap'
const SIGN = 'linkstore keyring 1 sign'

/** Seals a generation of a keyring. */
export function sealKeyring(input: KeyringInput): Bytes {
  const ephemeral = x25519.getPublicKey(input.ephemeral)
  const keys = kdf(input.fileKey, ephemeral, 'linkstore keyring 1 keys', 64)
  const fixed = join(
    ...[text('LNKRING'), big(1, 1), big(input.generation, 8), ephemeral],
    ...[keys.subarray(0, 32), big(input.recipients.length, 2)],
  )
  const wrapped = input.recipients.map((recipient) => {
    const shared = x25519.getSharedSecret(input.ephemeral, recipient.subarray(0, 32))
    const salt = join(ephemeral, recipient.subarray(0, 32))
    return seal(kdf(shared, salt, WRAP, 32), ZERO, fixed, input.fileKey)
  })
  const head = join(fixed, ...wrapped)
  const body = text(input.json)
  const signature = ed25519.sign(join(text(SIGN), sha256(head), body), input.secret.subarray(32))
  return join(head, seal(keys.subarray(32), ZERO, head, join(body, signature)))
}

/** The JSON of a keyring, for a recipient; throws for anything that is not right. */
export function openKeyringText(keyring: Bytes, secret: Bytes): string {
  const fixed = keyring.subarray(0, 82)
  const ephemeral = fixed.subarray(16, 48)
  const own = publicOf(secret)
  const shared = x25519.getSharedSecret(secret.subarray(0, 32), ephemeral)
  const wrapKey = kdf(shared, join(ephemeral, own.subarray(0, 32)), WRAP, 32)
  const headEnd = 82 + 48 * number(fixed, 80, 2)
  for (let at = 82; at < headEnd; at += 48) {
    let fileKey: Bytes
    try {
      fileKey = open(wrapKey, ZERO, fixed, keyring.subarray(at, at + 48))
    } catch {
      continue
    }
    const keys = kdf(fileKey, ephemeral, 'linkstore keyring 1 keys', 64)
    const head = keyring.subarray(0, headEnd)
    const plain = open(keys.subarray(32), ZERO, head, keyring.subarray(headEnd))
    const body = plain.subarray(0, -64)
    const json = Buffer.from(body).toString()
    const keeper = keysOf((JSON.parse(json) as { keeper: string }).keeper)
    const signed = join(text(SIGN), sha256(head), body)
    if (ed25519.verify(plain.subarray(-64), signed, keeper.subarray(32))) return json
    throw new Error('the signature is wrong')
  }
  throw new Error('it is for others')
}
