import { readFile } from 'node:fs/promises'
import type { ObjectStore, Store } from '../../index.js'
import type { Identity } from '../layers/sealed.js'
import { LocalFileError } from './failure.js'

/** What the command line and the environment say of the seal of a store. */
export interface SealFlags {
  /** The file of the identity. */
  readonly identity: string
  /** Public keys, or files of them, of those whose objects are read. */
  readonly trust: readonly string[]
}

const PUBLIC_KEY = /^linkstore-public:/

/** The identity that was named, unlocked by LINKSTORE_PASSPHRASE if it is locked. */
export async function identityOf({ identity }: SealFlags): Promise<Identity> {
  const { readIdentity } = await import('../layers/sealed.js')
  const passphrase = process.env['LINKSTORE_PASSPHRASE']
  return await readIdentity(identity, passphrase === undefined ? {} : { passphrase })
}

/** Public keys, each given as it is or as a file that holds some, one a line. */
export async function publicKeys(words: readonly string[]): Promise<string[]> {
  const keys: string[] = []
  for (const word of words) {
    if (PUBLIC_KEY.test(word)) keys.push(word)
    else keys.push(...(await keysInFile(word)))
  }
  return keys
}

async function keysInFile(path: string): Promise<string[]> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    throw new LocalFileError('read', path, error)
  }
  const keys = text.split('\n').filter((line) => PUBLIC_KEY.test(line))
  if (keys.length > 0) return keys
  throw new TypeError(`there is no public key in ${path}; they begin with linkstore-public:`)
}

/** A store as those see it for whom it was sealed. */
export async function unsealed(inner: ObjectStore, flags: SealFlags): Promise<ObjectStore> {
  const { withSeal } = await import('../layers/sealed.js')
  const identity = await identityOf(flags)
  return withSeal(inner, { identity, trust: await publicKeys(flags.trust) })
}

/**
 * The same under its usual face. What looks after files works on those of a directory; cells,
 * leases and queues would not be sealed, so there are none.
 */
export async function unsealedStore(inner: ObjectStore, flags: SealFlags): Promise<Store> {
  const { bulkOf, DirectoryStore, Store } = await import('../../index.js')
  const objects = await unsealed(inner, flags)
  if (!(inner instanceof DirectoryStore)) return new Store(objects)
  const bulk = {
    ...bulkOf(objects),
    verify: inner.verify.bind(inner),
    sweep: inner.sweep.bind(inner),
    destroy: inner.destroy.bind(inner),
  }
  return new Store(objects, bulk)
}
