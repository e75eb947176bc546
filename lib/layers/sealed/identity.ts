/** Who reads and writes: a pair of X25519 keys to decrypt with, and one of Ed25519 to sign with. */
import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  randomBytes,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto'
import { digest, isSame, KEY_BYTES } from './primitives.js'

/** What every public line begins with. */
export const PUBLIC_PREFIX = 'linkstore-public:'
/** What the line of an identity begins with, where no passphrase protects it. */
export const SECRET_PREFIX = 'linkstore-secret:'
/** What it begins with where one does. */
export const LOCKED_PREFIX = 'linkstore-locked:'

/** Bytes of both keys of an identity, secret or public: that of X25519 first, then Ed25519. */
export const PAIR_BYTES = 2 * KEY_BYTES
const SUM_BYTES = 4

const DER = {
  agreementSecret: Buffer.from('302e020100300506032b656e04220420', 'hex'),
  agreementPublic: Buffer.from('302a300506032b656e032100', 'hex'),
  signingSecret: Buffer.from('302e020100300506032b657004220420', 'hex'),
  signingPublic: Buffer.from('302a300506032b6570032100', 'hex'),
} as const

/** The public half of an identity. */
export interface PublicIdentity {
  /** The line without its comment. */
  readonly text: string
  /** What stands behind the key on its line; may be empty. */
  readonly comment: string
  /** Both public keys. */
  readonly bytes: Buffer
}

/**
 * Reads a public line: `linkstore-public:…`, and a comment behind a space if there is one.
 *
 * @throws TypeError for anything else; what was given is not quoted, as it could be a secret
 */
export function parsePublic(line: unknown): PublicIdentity {
  if (typeof line !== 'string') throw new TypeError(`a public key must be text, not ${typeof line}`)
  const [, text = '', comment = ''] = /^\s*(\S+)(?:[ \t]+([^\r\n]*?))?\s*$/.exec(line) ?? []
  if (text.startsWith(SECRET_PREFIX) || text.startsWith(LOCKED_PREFIX)) {
    throw new TypeError(`this is a secret key; give its public one, ${PUBLIC_PREFIX}…`)
  }
  return { text, comment, bytes: unpack(PUBLIC_PREFIX, text, PAIR_BYTES) }
}

/** The line of both public keys. */
export function publicText(bytes: Buffer): string {
  return pack(PUBLIC_PREFIX, bytes)
}

/** Bytes behind a prefix that says what they are, with a sum against typing errors. */
export function pack(prefix: string, bytes: Buffer): string {
  const sum = digest(prefix, bytes).subarray(0, SUM_BYTES)
  return prefix + Buffer.concat([bytes, sum]).toString('base64url')
}

/**
 * Reads what {@link pack} has made.
 *
 * @throws TypeError for what it has not, without quoting it
 */
export function unpack(prefix: string, text: string, sizeBytes: number): Buffer {
  const rest = text.startsWith(prefix) ? text.slice(prefix.length) : ''
  const packed = Buffer.from(rest, 'base64url')
  const bytes = packed.subarray(0, sizeBytes)
  const isWhole = packed.length === sizeBytes + SUM_BYTES && pack(prefix, bytes) === text
  if (isWhole) return bytes
  throw new TypeError(`this is no whole key of the form ${prefix}…`)
}

/** Whether a signature is that of an identity. */
export function isSigned(by: Buffer, message: Buffer, signature: Buffer): boolean {
  const raw = by.subarray(KEY_BYTES)
  return verify(null, message, publicKeyOf(DER.signingPublic, raw), signature)
}

/**
 * A secret shared by two pairs of X25519 keys.
 *
 * @returns undefined for a public key with which every secret would be the same
 */
function agreed(privateKey: KeyObject, raw: Buffer): Buffer | undefined {
  try {
    const secret = diffieHellman({ privateKey, publicKey: publicKeyOf(DER.agreementPublic, raw) })
    return isSame(secret, Buffer.alloc(secret.length)) ? undefined : secret
  } catch {
    return undefined
  }
}

function publicKeyOf(der: Buffer, raw: Buffer): KeyObject {
  return createPublicKey({ key: Buffer.concat([der, raw]), format: 'der', type: 'spki' })
}

function secretKeyOf(der: Buffer, raw: Buffer): KeyObject {
  return createPrivateKey({ key: Buffer.concat([der, raw]), format: 'der', type: 'pkcs8' })
}

function rawPublic(secret: KeyObject): Buffer {
  return createPublicKey(secret).export({ format: 'der', type: 'spki' }).subarray(-KEY_BYTES)
}

/** A new pair of X25519 keys that is used once: its public key, and what it agrees on. */
export function ephemeralPair(): {
  readonly publicKey: Buffer
  agree(raw: Buffer): Buffer | undefined
} {
  const secret = secretKeyOf(DER.agreementSecret, randomBytes(KEY_BYTES))
  return { publicKey: rawPublic(secret), agree: (raw) => agreed(secret, raw) }
}

/**
 * One who reads and writes sealed stores. Its secret keys show neither where it is printed nor
 * in JSON. Made by {@link generateIdentity} and {@link readIdentity}.
 */
export class Identity {
  /** The public line, for others to put among their recipients and whom they trust. */
  readonly publicKey: string
  readonly #secret: Buffer
  readonly #agreement: KeyObject
  readonly #signing: KeyObject
  readonly #publicBytes: Buffer

  /** @internal */
  constructor(secret: Buffer) {
    this.#secret = Buffer.from(secret)
    this.#agreement = secretKeyOf(DER.agreementSecret, secret.subarray(0, KEY_BYTES))
    this.#signing = secretKeyOf(DER.signingSecret, secret.subarray(KEY_BYTES))
    this.#publicBytes = Buffer.concat([rawPublic(this.#agreement), rawPublic(this.#signing)])
    this.publicKey = publicText(this.#publicBytes)
  }

  /** @internal Both public keys. */
  get publicBytes(): Buffer {
    return this.#publicBytes
  }

  /** @internal Both secret keys, to be kept. */
  get secretBytes(): Buffer {
    return this.#secret
  }

  /** @internal Signs with Ed25519. */
  sign(message: Buffer): Buffer {
    return sign(null, message, this.#signing)
  }

  /** @internal The secret shared with a public X25519 key. */
  agree(raw: Buffer): Buffer | undefined {
    return agreed(this.#agreement, raw)
  }
}

/** Makes a new identity, of random keys. It is nowhere but in memory yet: {@link writeIdentity}. */
export function generateIdentity(): Identity {
  return new Identity(randomBytes(PAIR_BYTES))
}
