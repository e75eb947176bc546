/**
 * The keyring of a store: who can read it. It is a row of objects, `keyring/1`, `keyring/2` and so
 * on. Each holds all there is to know; the one with the highest number is current. A change is one
 * write of the next number, if nobody has written that, so of two at once one goes first and the
 * other is done over it, and a crash leaves the old one or the new one.
 */
import { randomBytes } from 'node:crypto'
import { StoreError } from '../../errors.js'
import { checkOptionNames } from '../../options.js'
import type { CallOptions, ChangeOptions, ObjectStore } from '../../object-store.js'
import { notAuthentic, notTrusted } from './failures.js'
import { Identity, parsePublic, type PublicIdentity } from './identity.js'
import {
  decodeKeyring,
  encodeKeyring,
  MAX_KEYRING_BYTES,
  MAX_RECIPIENTS,
  recipientLine,
  type Epoch,
  type KeyringContent,
  type OpenedKeyring,
} from './keyring-format.js'
import { KEY_BYTES } from './primitives.js'

const EPOCH_BYTES = 16
/** Others who change it at the same time make one begin again; so many times is no coincidence. */
const MAX_TRIES = 100

/** Who opens a keyring. */
export interface KeyringOptions {
  /** Whose keys it is opened with, and whose name is under what is changed. */
  readonly identity: Identity
  /**
   * The public keys of those who may say who the recipients are; `identity` always may. Default:
   * nobody else.
   */
  readonly keepers?: readonly string[] | undefined
}

/** How a keyring is made. */
export interface CreateKeyringOptions extends ChangeOptions {
  /** Who makes it, and is a recipient. */
  readonly identity: Identity
  /** The public keys of the others who can read. */
  readonly recipients?: readonly string[] | undefined
}

/** The key of a generation, in the store underneath. */
export function keyringKey(generation: number): string {
  return `keyring/${generation}`
}

/**
 * Makes a store a sealed one: gives it its keys, sealed for the recipients. Says whether it
 * did; if there is a keyring already it is left as it is, so any number of processes may try.
 *
 * @throws TypeError for what is no public key
 */
export async function createKeyring(
  inner: ObjectStore,
  options: CreateKeyringOptions,
): Promise<boolean> {
  checkOptionNames(options, ['identity', 'recipients', 'signal', 'durability'])
  const { identity, recipients = [], ...how } = options
  const self = parsePublic(requireIdentity(identity).publicKey)
  const content: KeyringContent = {
    generation: 1,
    previous: '',
    nameKey: randomBytes(KEY_BYTES),
    epochs: [newEpoch()],
    recipients: united([self], recipients.map(parsePublic)),
  }
  return await publish(inner, content, identity, how)
}

/**
 * Opens the keyring of a store, to look at it or to change it.
 *
 * @throws StoreError `NOT_A_STORE` where there is none; `DECRYPT` where `identity` is no
 *   recipient; `UNTRUSTED` where it was changed by others than `keepers`
 */
export async function openKeyring(
  inner: ObjectStore,
  options: KeyringOptions & CallOptions,
): Promise<Keyring> {
  checkOptionNames(options, ['identity', 'keepers', 'signal'])
  const { identity, signal } = options
  const keepers = trustedLines(requireIdentity(identity), options.keepers ?? [])
  return new Keyring(
    inner,
    identity,
    keepers,
    await loadKeyring(inner, identity, keepers, { signal }),
  )
}

/**
 * Who can read a store. Every change is one write, done wholly or not at all, and may be made again
 * after an error; of several at the same time none is lost.
 */
export class Keyring {
  readonly #inner: ObjectStore
  readonly #identity: Identity
  readonly #keepers: ReadonlySet<string>
  #current: OpenedKeyring

  /** @internal Made by {@link openKeyring}. */
  constructor(
    inner: ObjectStore,
    identity: Identity,
    keepers: ReadonlySet<string>,
    current: OpenedKeyring,
  ) {
    this.#inner = inner
    this.#identity = identity
    this.#keepers = keepers
    this.#current = current
  }

  /** The public keys of all who can read, with their comments. */
  get recipients(): readonly string[] {
    return this.#current.recipients.map(recipientLine)
  }

  /** How many times it was changed, and 1. */
  get generation(): number {
    return this.#current.generation
  }

  /** How many keys there are to wrap data keys with; only the last is used to write. */
  get epochs(): number {
    return this.#current.epochs.length
  }

  /** Lets others read, too: what there is, and what will be. Those who can already are left out. */
  async addRecipients(recipients: readonly string[], options: ChangeOptions = {}): Promise<void> {
    const added = recipients.map(parsePublic)
    await this.#change(options, (now) => {
      const all = united(now.recipients, added)
      return all.length === now.recipients.length ? undefined : { ...now, recipients: all }
    })
  }

  /**
   * Lets others read no more: what is written from now on is sealed with a new key. They keep the
   * keys they have had, and with them what was written before.
   *
   * @throws RangeError where nobody would be left
   */
  async removeRecipients(
    recipients: readonly string[],
    options: ChangeOptions = {},
  ): Promise<void> {
    const gone = new Set(recipients.map((line) => parsePublic(line).text))
    await this.#change(options, (now) => {
      const left = now.recipients.filter(({ text }) => !gone.has(text))
      if (left.length === 0) throw new RangeError('somebody must be left who can read')
      if (left.length === now.recipients.length) return undefined
      return { ...now, recipients: left, epochs: [...now.epochs, newEpoch()] }
    })
  }

  /** Has what is written from now on sealed with a new key. What was written stays as it is. */
  async rotate(options: ChangeOptions = {}): Promise<void> {
    await this.#change(options, (now) => ({ ...now, epochs: [...now.epochs, newEpoch()] }))
  }

  async #change(
    options: ChangeOptions,
    change: (now: KeyringContent) => KeyringContent | undefined,
  ): Promise<void> {
    checkOptionNames(options, ['signal', 'durability'])
    const { signal } = options
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const { hash } = await this.#look(signal)
      const changed = change(this.#current)
      if (changed === undefined) return
      const next = { ...changed, generation: this.#current.generation + 1, previous: hash }
      if (!(await publish(this.#inner, next, this.#identity, options))) continue
      // Whoever has removed itself cannot read it any more.
      if (next.recipients.some(({ text }) => text === this.#identity.publicKey)) {
        await this.#look(signal)
      }
      return
    }
    throw new StoreError('UNAVAILABLE', 'others kept changing the keyring; try again')
  }

  async #look(signal: AbortSignal | undefined): Promise<OpenedKeyring> {
    const how = { signal, known: this.#current }
    this.#current = await loadKeyring(this.#inner, this.#identity, this.#keepers, how)
    return this.#current
  }
}

/** What a search for the current generation begins with. */
export interface LoadOptions extends CallOptions {
  /** The latest one that was read. */
  readonly known?: OpenedKeyring | undefined
}

/** The current generation of a keyring. */
export async function loadKeyring(
  inner: ObjectStore,
  identity: Identity,
  keepers: ReadonlySet<string>,
  { known, signal }: LoadOptions,
): Promise<OpenedKeyring> {
  const latest = await latestGeneration(inner, known?.generation ?? 0, { signal })
  if (latest === 0) {
    const message = 'the store underneath is not sealed, or its keyring was removed'
    throw new StoreError('NOT_A_STORE', `${message}; to seal a new one, call createKeyring`)
  }
  if (known?.generation === latest) return known
  const bytes = await keyringBytes(inner, latest, { signal })
  if (bytes === undefined) throw notTrusted(`generation ${latest} of the keyring has vanished`)
  const opened = decodeKeyring(bytes, latest, identity, keepers)
  if (known?.generation === latest - 1 && opened.previous !== known.hash) {
    throw notTrusted(`generation ${latest} of the keyring does not follow what was there before`)
  }
  return opened
}

/** The lines of those who are trusted; an identity trusts itself. */
export function trustedLines(identity: Identity, others: readonly string[]): ReadonlySet<string> {
  if (!Array.isArray(others)) throw new TypeError('those who are trusted must be an array of keys')
  return new Set([identity.publicKey, ...others.map((line) => parsePublic(line).text)])
}

/** Refuses what is no identity, such as its text. */
export function requireIdentity(identity: unknown): Identity {
  if (identity instanceof Identity) return identity
  throw new TypeError('identity must be one that readIdentity or generateIdentity has made')
}

/** Numbers are given without gaps, so the last can be found in few steps. */
async function latestGeneration(
  inner: ObjectStore,
  known: number,
  options: CallOptions,
): Promise<number> {
  const exists = async (generation: number): Promise<boolean> =>
    (await inner.stat(keyringKey(generation), options)) !== undefined
  let [there, step] = [known, 1]
  while (await exists(there + step)) [there, step] = [there + step, step * 2]
  for (step = Math.floor(step / 2); step >= 1; step = Math.floor(step / 2)) {
    if (await exists(there + step)) there += step
  }
  return there
}

async function keyringBytes(
  inner: ObjectStore,
  generation: number,
  options: CallOptions,
): Promise<Buffer | undefined> {
  await using object = await inner.read(keyringKey(generation), options)
  if (object === undefined) return undefined
  if (object.info.sizeBytes > MAX_KEYRING_BYTES) throw notAuthentic('the keyring')
  return await object.bytes()
}

async function publish(
  inner: ObjectStore,
  content: KeyringContent,
  identity: Identity,
  options: ChangeOptions,
): Promise<boolean> {
  try {
    const bytes = encodeKeyring(content, identity)
    await inner.write(keyringKey(content.generation), bytes, { ...options, ifAbsent: true })
    return true
  } catch (error) {
    if (error instanceof StoreError && error.code === 'PRECONDITION_FAILED') return false
    throw error
  }
}

function united(
  present: readonly PublicIdentity[],
  added: readonly PublicIdentity[],
): readonly PublicIdentity[] {
  const all = new Map(present.map((one) => [one.text, one]))
  for (const one of added) if (!all.has(one.text)) all.set(one.text, one)
  if (all.size > MAX_RECIPIENTS) throw new RangeError(`at most ${MAX_RECIPIENTS} can be recipients`)
  return [...all.values()]
}

function newEpoch(): Epoch {
  return { id: randomBytes(EPOCH_BYTES).toString('hex'), key: randomBytes(KEY_BYTES) }
}
