/** Identities in files: a line of text among comments, locked by a passphrase or not. */
import { randomBytes, scrypt } from 'node:crypto'
import { open } from 'node:fs/promises'
import { publishNotice } from '../../diagnostics.js'
import { isErrno, StoreError, toStoreError } from '../../errors.js'
import { checkOptionNames } from '../../options.js'
import { constants } from 'node:os'
import { notDecrypted } from './failures.js'
import {
  Identity,
  LOCKED_PREFIX,
  pack,
  PAIR_BYTES,
  PUBLIC_PREFIX,
  SECRET_PREFIX,
  unpack,
} from './identity.js'
import { decrypt, encrypt, KEY_BYTES, ONLY_NONCE, TAG_BYTES } from './primitives.js'

/** How an identity is read or written. */
export interface IdentityFileOptions {
  /** What locks the file; needed to read one that is locked. */
  readonly passphrase?: string | undefined
}

/** How an identity is written. */
export interface WriteIdentityOptions extends IdentityFileOptions {
  /** One line that says whose it is; stands in the file and behind the public key. */
  readonly comment?: string | undefined
}

const SALT_BYTES = 16
const LOCKED_BYTES = 1 + SALT_BYTES + PAIR_BYTES + TAG_BYTES
/** Of scrypt: 2 to this power rounds; 128 MiB of memory, and about half a second. */
const COST = 17
/** What a file may ask for: 1 GiB of memory. */
const MAX_COST = 20
const MAX_FILE_BYTES = 64 * 1024
const OTHERS = 0o077

/**
 * The text of an identity, as {@link writeIdentity} puts it into a file.
 *
 * @throws TypeError for an empty passphrase, or a comment of more than one line
 */
export async function identityText(
  identity: Identity,
  options: WriteIdentityOptions = {},
): Promise<string> {
  checkOptionNames(options, ['passphrase', 'comment'])
  const { passphrase, comment = '' } = options
  if (typeof comment !== 'string' || /[\r\n]/.test(comment)) {
    throw new TypeError('comment must be text on one line')
  }
  const secret = identity.secretBytes
  const line =
    passphrase === undefined ? pack(SECRET_PREFIX, secret) : await locked(secret, passphrase)
  const publicLine = `${identity.publicKey} ${comment}`.trimEnd()
  return `# An identity of linkstore. Keep this file secret.\n# ${publicLine}\n${line}\n`
}

/**
 * Reads the text of an identity: comments, which begin with `#`, and one line.
 *
 * @throws TypeError for anything else, and for a locked one without a passphrase; StoreError
 *   `DECRYPT` for a wrong passphrase. Nothing of it is quoted
 */
export async function parseIdentity(
  text: string,
  options: IdentityFileOptions = {},
): Promise<Identity> {
  checkOptionNames(options, ['passphrase'])
  if (typeof text !== 'string') throw new TypeError('an identity must be text')
  const lines = text.split('\n').map((line) => line.trim())
  const [line = '', ...others] = lines.filter((line) => line !== '' && !line.startsWith('#'))
  if (others.length > 0) throw new TypeError('there is more than one identity; keep them apart')
  if (line.startsWith(PUBLIC_PREFIX)) throw new TypeError('this is a public key, no identity')
  if (!line.startsWith(LOCKED_PREFIX)) return new Identity(unpack(SECRET_PREFIX, line, PAIR_BYTES))
  return new Identity(await unlocked(line, options.passphrase))
}

/**
 * Reads an identity from a file. Where others than its owner may read that, too, the channel
 * `linkstore:notice` says so.
 *
 * @throws as {@link parseIdentity}; StoreError for what the system refuses
 */
export async function readIdentity(
  path: string,
  options: IdentityFileOptions = {},
): Promise<Identity> {
  checkOptionNames(options, ['passphrase'])
  return await parseIdentity(await readText(path), options)
}

/**
 * Writes an identity into a new file that its owner alone can read (0600).
 *
 * @throws StoreError `PRECONDITION_FAILED` where there is a file already: an identity that is
 *   overwritten is lost, and with it what was sealed for nobody else
 */
export async function writeIdentity(
  path: string,
  identity: Identity,
  options: WriteIdentityOptions = {},
): Promise<void> {
  const text = await identityText(identity, options)
  try {
    await using file = await open(path, 'wx', 0o600)
    await file.writeFile(text)
    await file.sync()
  } catch (error) {
    if (!isErrno(error, constants.errno.EEXIST)) throw toStoreError(error, 'writeIdentity')
    const message = `there is a file already at ${path}; an identity is never overwritten`
    throw new StoreError('PRECONDITION_FAILED', message, { path, cause: error })
  }
}

async function readText(path: string): Promise<string> {
  try {
    await using file = await open(path, 'r')
    const { mode, size } = await file.stat()
    if (size > MAX_FILE_BYTES) throw new TypeError(`${path} is too large for an identity`)
    if ((mode & OTHERS) !== 0) {
      publishNotice(`the identity in ${path} can be read by others than its owner`, undefined)
    }
    return await file.readFile('utf8')
  } catch (error) {
    throw toStoreError(error, 'readIdentity')
  }
}

async function locked(secret: Buffer, passphrase: string): Promise<string> {
  const opening = Buffer.concat([Buffer.from([COST]), randomBytes(SALT_BYTES)])
  const key = await stretched(passphrase, opening.subarray(1), COST)
  return pack(LOCKED_PREFIX, Buffer.concat([opening, encrypt(key, ONLY_NONCE, secret, opening)]))
}

async function unlocked(line: string, passphrase: string | undefined): Promise<Buffer> {
  const bytes = unpack(LOCKED_PREFIX, line, LOCKED_BYTES)
  if (passphrase === undefined) {
    throw new TypeError('the identity is locked; give its passphrase')
  }
  const opening = bytes.subarray(0, 1 + SALT_BYTES)
  const cost = bytes.readUInt8(0)
  if (cost < 1 || cost > MAX_COST) throw new TypeError('the identity asks for too much memory')
  const key = await stretched(passphrase, opening.subarray(1), cost)
  const secret = decrypt(key, ONLY_NONCE, bytes.subarray(opening.length), opening)
  if (secret !== undefined) return secret
  throw notDecrypted('the passphrase is not that of the identity')
}

function stretched(passphrase: string, salt: Buffer, cost: number): Promise<Buffer> {
  if (typeof passphrase !== 'string' || passphrase === '') {
    throw new TypeError('passphrase must be text, and not empty')
  }
  const how = { N: 2 ** cost, r: 8, p: 1, maxmem: 2 ** (cost + 11) }
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize('NFC'), salt, KEY_BYTES, how, (error, key) =>
      error === null ? resolve(key) : reject(error),
    )
  })
}
