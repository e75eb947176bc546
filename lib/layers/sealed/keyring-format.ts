/** One generation of a keyring as bytes; `docs/sealed.md` describes them. */
import { randomBytes } from 'node:crypto'
import { notAuthentic, notDecrypted, notTrusted, tooNew } from './failures.js'
import {
  ephemeralPair,
  isSigned,
  parsePublic,
  type Identity,
  type PublicIdentity,
} from './identity.js'
import {
  decrypt,
  derive,
  digest,
  encrypt,
  isSame,
  KEY_BYTES,
  ONLY_NONCE,
  readUint64,
  SIGNATURE_BYTES,
  TAG_BYTES,
  uint64,
} from './primitives.js'

/** The key that the data keys of one time are wrapped with. */
export interface Epoch {
  /** 32 hexadecimal digits. */
  readonly id: string
  readonly key: Buffer
}

/** What the recipients of a store share. */
export interface KeyringContent {
  readonly generation: number
  /** SHA-256 of the generation before, in hex; empty for the first. */
  readonly previous: string
  /** The key that names are hidden with. */
  readonly nameKey: Buffer
  /** All that objects may be sealed with, the current one last. */
  readonly epochs: readonly Epoch[]
  readonly recipients: readonly PublicIdentity[]
}

/** A generation that was read, and what it was read from. */
export interface OpenedKeyring extends KeyringContent {
  /** SHA-256 of its bytes, in hex. */
  readonly hash: string
}

/** More than this is no keyring. */
export const MAX_KEYRING_BYTES = 32 * 1024 * 1024
/** The number of recipients has two bytes. */
export const MAX_RECIPIENTS = 65_535

const MAGIC = Buffer.from('LNKRING', 'latin1')
const VERSION = 1
const FIXED_BYTES = 82
const WRAPPED_BYTES = KEY_BYTES + TAG_BYTES
const LABELS = {
  wrap: 'linkstore keyring 1 wrap',
  keys: 'linkstore keyring 1 keys',
  sign: 'linkstore keyring 1 sign',
} as const

/** Seals a generation for its recipients, signed by whoever made it. */
export function encodeKeyring(content: KeyringContent, keeper: Identity): Buffer {
  const fileKey = randomBytes(KEY_BYTES)
  const pair = ephemeralPair()
  const [commitment, contentKey] = fileKeys(fileKey, pair.publicKey)
  const count = Buffer.alloc(2)
  count.writeUInt16BE(content.recipients.length)
  const fixed = Buffer.concat([
    MAGIC,
    Buffer.from([VERSION]),
    uint64(content.generation),
    pair.publicKey,
    commitment,
    count,
  ])
  const wrapped = content.recipients.map(({ text, bytes }) => {
    const key = wrapKey(pair.agree(bytes.subarray(0, KEY_BYTES)), pair.publicKey, bytes)
    if (key === undefined) throw new TypeError(`nothing can be sealed for ${text}: it is no key`)
    return encrypt(key, ONLY_NONCE, fileKey, fixed)
  })
  const head = Buffer.concat([fixed, ...wrapped])
  const text = Buffer.from(JSON.stringify(described(content, keeper)))
  const signature = keeper.sign(signedText(head, text))
  const sealed = encrypt(contentKey, ONLY_NONCE, Buffer.concat([text, signature]), head)
  return Buffer.concat([head, sealed])
}

/**
 * Opens a generation.
 *
 * @param keepers - the public lines of those who may have made it
 * @throws StoreError `DECRYPT` where it is not for this identity, or was changed; `UNTRUSTED`
 *   where it was made by anybody else
 */
export function decodeKeyring(
  bytes: Buffer,
  generation: number,
  identity: Identity,
  keepers: ReadonlySet<string>,
): OpenedKeyring {
  const headBytes = measureHead(bytes, generation)
  const head = bytes.subarray(0, headBytes)
  const contentKey = unwrapContentKey(head, identity)
  const plain = decrypt(contentKey, ONLY_NONCE, bytes.subarray(headBytes), head)
  if (plain === undefined || plain.length < SIGNATURE_BYTES) throw notAuthentic('the keyring')
  const text = plain.subarray(0, plain.length - SIGNATURE_BYTES)
  const { keeper, ...content } = parseContent(text, generation)
  if (!keepers.has(keeper.text)) {
    const what = `the recipients were last changed by ${keeper.text}`
    const advice = 'add it to keepers, or to trust, if that is right'
    throw notTrusted(`${what}, whom this reader does not trust to do so; ${advice}`)
  }
  const signature = plain.subarray(text.length)
  if (!isSigned(keeper.bytes, signedText(head, text), signature)) throw notAuthentic('the keyring')
  return { ...content, hash: digest(bytes).toString('hex') }
}

/** How long the part is that anybody can read. */
function measureHead(bytes: Buffer, generation: number): number {
  if (bytes.length < FIXED_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw notAuthentic('the keyring')
  }
  const version = bytes.readUInt8(MAGIC.length)
  if (version !== VERSION) throw tooNew('the keyring', version)
  const headBytes = FIXED_BYTES + bytes.readUInt16BE(FIXED_BYTES - 2) * WRAPPED_BYTES
  const isRight = readUint64(bytes, 8) === generation && headBytes < bytes.length
  if (!isRight) throw notAuthentic('the keyring')
  return headBytes
}

function unwrapContentKey(head: Buffer, identity: Identity): Buffer {
  const fixed = head.subarray(0, FIXED_BYTES)
  const ephemeral = fixed.subarray(16, 16 + KEY_BYTES)
  const key = wrapKey(identity.agree(ephemeral), ephemeral, identity.publicBytes)
  for (let at = FIXED_BYTES; key !== undefined && at < head.length; at += WRAPPED_BYTES) {
    const fileKey = decrypt(key, ONLY_NONCE, head.subarray(at, at + WRAPPED_BYTES), fixed)
    if (fileKey === undefined) continue
    const [commitment, contentKey] = fileKeys(fileKey, ephemeral)
    if (!isSame(commitment, fixed.subarray(48, 48 + KEY_BYTES))) throw notAuthentic('the keyring')
    return contentKey
  }
  const what = `${identity.publicKey} is not, or not any more, a recipient of this store`
  throw notDecrypted(`${what}, or its keyring was changed; a recipient can add it`)
}

/** What both sides make of the secret they agree on. */
function wrapKey(
  secret: Buffer | undefined,
  ephemeral: Buffer,
  recipient: Buffer,
): Buffer | undefined {
  if (secret === undefined) return undefined
  const salt = Buffer.concat([ephemeral, recipient.subarray(0, KEY_BYTES)])
  return derive(secret, salt, LABELS.wrap, KEY_BYTES)
}

function fileKeys(fileKey: Buffer, ephemeral: Buffer): [commitment: Buffer, content: Buffer] {
  const keys = derive(fileKey, ephemeral, LABELS.keys, 2 * KEY_BYTES)
  return [keys.subarray(0, KEY_BYTES), keys.subarray(KEY_BYTES)]
}

function signedText(head: Buffer, text: Buffer): Buffer {
  return Buffer.concat([Buffer.from(LABELS.sign), digest(head), text])
}

/** What the text of a keyring says. */
interface Description {
  readonly previous: string
  readonly keeper: string
  readonly names: string
  readonly epochs: readonly { readonly id: string; readonly key: string }[]
  readonly recipients: readonly string[]
}

function described(content: KeyringContent, keeper: Identity): Description {
  return {
    previous: content.previous,
    keeper: keeper.publicKey,
    names: content.nameKey.toString('base64url'),
    epochs: content.epochs.map(({ id, key }) => ({ id, key: key.toString('base64url') })),
    recipients: content.recipients.map(recipientLine),
  }
}

/** The public line of a recipient, with its comment. */
export function recipientLine({ text, comment }: PublicIdentity): string {
  return `${text} ${comment}`.trimEnd()
}

/** What is authentic can still be nonsense, made by a recipient. */
function parseContent(
  text: Buffer,
  generation: number,
): KeyringContent & { readonly keeper: PublicIdentity } {
  try {
    const { previous, keeper, names, epochs, recipients } = JSON.parse(
      text.toString('utf8'),
    ) as Description
    if (!/^([0-9a-f]{64})?$/.test(previous) || epochs.length === 0) throw new TypeError()
    return {
      generation,
      previous,
      keeper: parsePublic(keeper),
      nameKey: keyOf(names),
      epochs: epochs.map(({ id, key }) => {
        if (!/^[0-9a-f]{32}$/.test(id)) throw new TypeError()
        return { id, key: keyOf(key) }
      }),
      recipients: recipients.map(parsePublic),
    }
  } catch {
    // Without the cause: an error of JSON.parse quotes what it could not read.
    throw notDecrypted('the keyring holds nothing that this release understands')
  }
}

function keyOf(text: string): Buffer {
  const key = Buffer.from(text, 'base64url')
  if (key.length !== KEY_BYTES) throw new TypeError()
  return key
}
