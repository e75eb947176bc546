import { bytesOfBody } from '../body.js'
import { checkListing, checkWrite, type CheckedWrite } from '../call-options.js'
import { requireNoAbort } from '../drivers/abort.js'
import { isOfOneObject, speakingOf, StoreError } from '../errors.js'
import { checkKey, MAX_KEY_BYTES } from '../key.js'
import { attributesOf, type ObjectInfo } from '../object-info.js'
import type {
  Body,
  CallOptions,
  ChangeOptions,
  ListOptions,
  ObjectStore,
  RemoveOptions,
  StoredObject,
  Supports,
  WriteOptions,
} from '../object-store.js'
import { checkNumber, checkOptionNames } from '../options.js'
import { storedObject } from '../stored-object.js'
import { notAuthentic, notTrusted } from './sealed/failures.js'
import { makeHead } from './sealed/head.js'
import type { Identity } from './sealed/identity.js'
import { requireIdentity, trustedLines } from './sealed/keyring.js'
import type { OpenedKeyring } from './sealed/keyring-format.js'
import { KeyringSource } from './sealed/keyring-source.js'
import { SealedObject } from './sealed/opening.js'
import { authenticate } from './sealed/primitives.js'
import { Recollection } from './sealed/recollection.js'
import { Chunks, SealedPieces, Sealer } from './sealed/sealing.js'
import { Sightings, type Seen } from './sealed/sightings.js'

export { createKeyring, openKeyring, Keyring } from './sealed/keyring.js'
export type { CreateKeyringOptions, KeyringOptions } from './sealed/keyring.js'
export { generateIdentity, Identity } from './sealed/identity.js'
export { identityText, parseIdentity, readIdentity, writeIdentity } from './sealed/identity-file.js'
export type { IdentityFileOptions, WriteIdentityOptions } from './sealed/identity-file.js'

/** Who reads and writes a sealed store, and whom it trusts. */
export interface SealOptions {
  /** With whose keys it is read, and who signs what is written. */
  readonly identity: Identity
  /** The public keys of those whose objects are read, beside `identity`. Default: nobody. */
  readonly trust?: readonly string[] | undefined
  /** The public keys of those who may say who the recipients are; default: as `trust`. */
  readonly keepers?: readonly string[] | undefined
  /**
   * Where to keep which versions were seen, to notice the return of an old one after a restart: a
   * store of this process's own. Default: in memory only.
   */
  readonly memory?: ObjectStore | undefined
  /** By how much the clocks of writers may differ; default a minute. */
  readonly clockSkewMs?: number | undefined
  /** After this time a write looks whether the recipients have changed; default ten seconds. */
  readonly refreshMs?: number | undefined
}

const DEFAULT_CLOCK_SKEW_MS = 60_000
const DEFAULT_REFRESH_MS = 10_000
const MAX_OPTION_MS = 24 * 60 * 60 * 1000

/** What the keys of sealed objects begin with, in the store underneath. */
const BEGINNING = 'object/'
/** A hidden name, in the store underneath: 32 bytes in base64url behind the beginning. */
const INNER_KEY_BYTES = BEGINNING.length + 43
/** How many objects a listing opens at a time. */
const LISTED_AT_ONCE = 16

/**
 * A store whose values, names, content types and metadata are encrypted for its recipients, and
 * signed by whoever writes them. The store underneath needs a keyring: {@link createKeyring}. What
 * others can still see, and what is and is not noticed, is told in docs/sealed.md.
 *
 * Stat, and each object of a listing, cost a read. Closing it closes the store underneath.
 *
 * @param inner - the store to keep the objects in
 * @throws TypeError and RangeError for misuse. Its calls throw StoreError `DECRYPT` for what was
 *   changed or is not for this identity, `UNTRUSTED` for what somebody else has signed or what
 *   comes back though it was replaced, and `NOT_A_STORE` where there is no keyring
 */
export function withSeal(inner: ObjectStore, options: SealOptions): ObjectStore {
  return new SealedStore(inner, options)
}

/** What is known of a key before it is asked for. */
interface Asked {
  readonly keyring: OpenedKeyring
  /** The key's hidden name, and how the store underneath knows it. */
  readonly name: Buffer
  readonly innerKey: string
  /** The number of the call, for what was seen. */
  readonly since: number
}

class SealedStore implements ObjectStore {
  readonly supports: Supports
  readonly #inner: ObjectStore
  readonly #identity: Identity
  readonly #trust: ReadonlySet<string>
  readonly #keyrings: KeyringSource
  readonly #sightings: Sightings
  readonly #clockSkewMs: number
  readonly #open = new Set<StoredObject>()

  constructor(inner: ObjectStore, options: SealOptions) {
    checkOptionNames(options, OPTION_NAMES)
    const { trust = [], keepers = trust, memory: kept } = options
    const identity = requireIdentity(options.identity)
    const { list, expiry, versions, conditions, maxKeyBytes } = inner.supports
    if (maxKeyBytes < INNER_KEY_BYTES) {
      throw new RangeError(`the store underneath must take keys of ${INNER_KEY_BYTES} bytes`)
    }
    this.supports = {
      list,
      metadata: true,
      expiry,
      versions,
      conditions,
      maxKeyBytes: MAX_KEY_BYTES,
    }
    this.#inner = inner
    this.#identity = identity
    this.#trust = trustedLines(identity, trust)
    this.#clockSkewMs = timeOf('clockSkewMs', options.clockSkewMs, DEFAULT_CLOCK_SKEW_MS)
    const memory = kept === undefined ? undefined : new Recollection(kept)
    this.#sightings = new Sightings(memory, this.#clockSkewMs)
    this.#keyrings = new KeyringSource({
      inner,
      identity,
      keepers: trustedLines(identity, keepers),
      memory,
      refreshMs: timeOf('refreshMs', options.refreshMs, DEFAULT_REFRESH_MS),
    })
  }

  read(key: string, options: CallOptions = {}): Promise<StoredObject | undefined> {
    return this.#at(key, async () => {
      const asked = await this.#ask(key, options.signal)
      const inner = await this.#inner.read(asked.innerKey, options)
      return inner === undefined ? undefined : await this.#opened(inner, asked, options.signal)
    })
  }

  async stat(key: string, options: CallOptions = {}): Promise<ObjectInfo | undefined> {
    await using object = await this.read(key, options)
    return object?.info
  }

  async write(key: string, body: Body, options: WriteOptions = {}): Promise<ObjectInfo> {
    return await this.#at(key, async () => {
      const how = checkWrite(options)
      const pieces = bytesOfBody(body, options.signal)
      try {
        const asked = await this.#ask(key, options.signal, true)
        const { info, seen } = await this.#seal(key, pieces, asked, how, options)
        await this.#sightings.note(asked.innerKey, asked.since, seen)
        return info
      } catch (error) {
        void pieces.return?.()
        throw error
      }
    })
  }

  remove(key: string, options: RemoveOptions = {}): Promise<boolean> {
    return this.#at(key, async () => {
      const { innerKey, since } = await this.#ask(key, options.signal)
      const wasThere = await this.#inner.remove(innerKey, options)
      if (wasThere) await this.#sightings.noteRemoval(innerKey, since)
      return wasThere
    })
  }

  take(key: string, options: ChangeOptions = {}): Promise<StoredObject | undefined> {
    return this.#at(key, async () => {
      const { signal } = options
      // Whoever cannot open it must leave it where it is.
      const object = await this.read(key, { signal })
      if (object === undefined) return undefined
      await object.close()
      const asked = await this.#ask(key, signal)
      const inner = await this.#inner.take(asked.innerKey, options)
      if (inner === undefined) return undefined
      try {
        const taken = await this.#opened(inner, asked, signal, true)
        await this.#sightings.noteRemoval(asked.innerKey, asked.since)
        return taken
      } catch (error) {
        await this.#putBack(asked.innerKey, inner, options)
        throw error
      }
    })
  }

  async *list(options: ListOptions = {}): AsyncGenerator<ObjectInfo> {
    const prefix = checkListing(options)
    const { signal } = options
    const failures: unknown[] = []
    const keyring = await this.#keyrings.any(signal)
    const look = (info: ObjectInfo): Promise<ObjectInfo | undefined> =>
      this.#listed(info.key, keyring, { signal }).catch((error: unknown) => {
        if (!isOfOneObject(error)) throw error
        failures.push(error)
        return undefined
      })
    const inner = this.#inner.list({ signal, prefix: BEGINNING })
    for await (const info of inOrder(inner, look, LISTED_AT_ONCE)) {
      if (info?.key.startsWith(prefix) === true) yield info
    }
    if (failures.length > 0) throw listedWith(failures)
  }

  async close(): Promise<void> {
    await this.#inner.close()
    for (const object of this.#open) await object.close()
  }

  async #at<T>(key: string, call: () => Promise<T>): Promise<T> {
    checkKey(key)
    return await speakingOf(key, call)
  }

  async #ask(key: string, signal: AbortSignal | undefined, isWrite = false): Promise<Asked> {
    requireNoAbort(signal)
    const keyring = await (isWrite ? this.#keyrings.fresh(signal) : this.#keyrings.any(signal))
    const name = authenticate(keyring.nameKey, key)
    const innerKey = BEGINNING + name.toString('base64url')
    return { keyring, name, innerKey, since: await this.#sightings.begin(innerKey) }
  }

  async #seal(
    key: string,
    pieces: AsyncIterableIterator<Uint8Array>,
    { keyring, name, innerKey }: Asked,
    { contentType, metadata, ttlMs }: CheckedWrite,
    { signal, durability, ifAbsent, ifVersion }: WriteOptions,
  ): Promise<{ readonly info: ObjectInfo; readonly seen: Seen }> {
    const epoch = keyring.epochs.at(-1)
    if (epoch === undefined) throw notAuthentic('the keyring')
    const attributes = { key, contentType, metadata, writer: this.#identity.publicBytes }
    const { bytes: head, keys } = makeHead(name, epoch, attributes)
    const sealer = new Sealer({
      keys,
      ttlMs,
      writer: this.#identity,
      nowMs: () => Math.max(Date.now(), this.#sightings.newestMs(innerKey)),
    })
    const chunks = new Chunks(pieces)
    const first = await chunks.next()
    const beginning = Buffer.concat([head, sealer.seal(first)])
    // A small value is one write of bytes that are there already.
    const sealed = first.isLast
      ? beginning
      : new SealedPieces(beginning, chunks, sealer, () => pieces.return?.())
    const how = { signal, durability, ttlMs, ifAbsent, ifVersion }
    const inner = await this.#inner.write(innerKey, sealed, how)
    const info = infoOf(inner, key, sealer.sizeBytes, { contentType, metadata })
    return { info, seen: sealer }
  }

  /** An object of the store underneath, opened; it is closed if it cannot be. */
  async #opened(
    inner: StoredObject,
    { name, innerKey, since, keyring }: Asked,
    signal: AbortSignal | undefined,
    isTaken = false,
  ): Promise<StoredObject> {
    try {
      const sealed = await SealedObject.open(inner, {
        name,
        trust: this.#trust,
        epoch: (id) => this.#keyrings.epoch(id, signal),
      })
      const { key } = sealed.attributes
      // A recipient could write another key into it than the one it is hidden under.
      if (!authenticate(keyring.nameKey, key).equals(name)) throw notAuthentic('the key')
      this.#requireLive(inner.info, sealed)
      await this.#sightings.accept(innerKey, since, sealed)
      if (isTaken) await sealed.check()
      return this.#objectOf(inner, sealed)
    } catch (error) {
      if (!isTaken) await inner.close()
      throw error
    }
  }

  /** Whoever keeps the files can change when the store underneath forgets an object. */
  #requireLive({ expiresAtMs }: ObjectInfo, { signedAtMs, ttlMs }: SealedObject): void {
    if (ttlMs === 0) return
    const isKept = expiresAtMs === undefined || Date.now() > signedAtMs + ttlMs + this.#clockSkewMs
    if (isKept) throw notTrusted('the object is kept beyond the lifetime that its writer gave it')
  }

  #objectOf(inner: StoredObject, sealed: SealedObject): StoredObject {
    const { attributes, sizeBytes } = sealed
    const object = storedObject({
      info: infoOf(inner.info, attributes.key, sizeBytes, attributes),
      bytes: () => sealed.bytes(),
      read: (start, end) => sealed.read(start, end),
      close: async () => {
        this.#open.delete(object)
        await inner.close()
      },
    })
    this.#open.add(object)
    return object
  }

  /** What is known of an object that the store underneath has listed; undefined if it has gone. */
  async #listed(
    innerKey: string,
    keyring: OpenedKeyring,
    options: CallOptions,
  ): Promise<ObjectInfo | undefined> {
    const name = Buffer.from(innerKey.slice(BEGINNING.length), 'base64url')
    const since = await this.#sightings.begin(innerKey)
    const inner = await this.#inner.read(innerKey, options)
    if (inner === undefined) return undefined
    const asked = { keyring, name, innerKey, since }
    await using object = await this.#opened(inner, asked, options.signal)
    return object.info
  }

  /** Puts back what was taken and could not be opened, unless the key has another one by now. */
  async #putBack(innerKey: string, inner: StoredObject, options: ChangeOptions): Promise<void> {
    const { durability } = options
    try {
      const how = { ...attributesOf(inner.info, Date.now()), durability, ifAbsent: true }
      await this.#inner.write(innerKey, inner.stream(), how)
    } catch (error) {
      if (!(error instanceof StoreError && error.code === 'PRECONDITION_FAILED')) throw error
    } finally {
      await inner.close()
    }
  }
}

const OPTION_NAMES = ['identity', 'trust', 'keepers', 'memory', 'clockSkewMs', 'refreshMs']

function timeOf(name: string, value: number | undefined, otherwise: number): number {
  return value === undefined ? otherwise : checkNumber(name, value, 0, MAX_OPTION_MS)
}

/** What the layer says of an object of the store underneath. */
function infoOf(
  inner: ObjectInfo,
  key: string,
  sizeBytes: number,
  { contentType, metadata }: Pick<ObjectInfo, 'contentType' | 'metadata'>,
): ObjectInfo {
  const { version, writtenAtMs, writtenBy, expiresAtMs } = inner
  return {
    key,
    sizeBytes,
    version,
    writtenAtMs,
    writtenBy,
    expiresAtMs,
    contentType,
    metadata,
  }
}

/** What a function gives for each item, in their order, with some of them under way at a time. */
async function* inOrder<T, R>(
  items: AsyncIterable<T>,
  work: (item: T) => Promise<R>,
  atOnce: number,
): AsyncGenerator<R> {
  const underWay: Promise<R>[] = []
  try {
    for await (const item of items) {
      const begun = work(item)
      // It may fail before its turn comes; it is told then.
      begun.catch(() => undefined)
      underWay.push(begun)
      const next = underWay.length < atOnce ? undefined : underWay.shift()
      if (next !== undefined) yield await next
    }
    for (let next = underWay.shift(); next !== undefined; next = underWay.shift()) yield await next
  } finally {
    await Promise.allSettled(underWay)
  }
}

/** What a listing ends with that had to leave something out. */
function listedWith(failures: readonly unknown[]): StoreError {
  const [cause] = failures as [StoreError]
  const what = `${failures.length} objects cannot be listed; of the first: ${cause.message}`
  return new StoreError(cause.code, what, { operation: 'list', cause })
}
