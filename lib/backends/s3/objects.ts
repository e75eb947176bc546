/**
 * The protocol over S3: what a verb does where more than one request has to agree.
 *
 * An object is there if something lies under its name that has not expired and is no *removal*. A
 * removal is a small object with random content, so with an ETag that no other has. To take an
 * object is
 *
 * 1. to read it, or for a large one to have S3 copy it to a name of the store's own;
 * 2. to put a removal in its place, under the condition that it is still what was read: of all
 *    who try exactly one does, and has the object from then on. A crash after it leaves the
 *    removal, and the copy of a large one;
 * 3. to remove the removal, under the condition that it is still there; only on servers that look
 *    at conditions of removals. Elsewhere it stays until the key is written again.
 *
 * A condition on an ETag cannot tell two writes of the same bytes apart, except in conditional
 * stores, where the version stands behind each value.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { orAbort } from '../../drivers/abort.js'
import { keyHasObject, otherVersion, StoreError } from '../../errors.js'
import { isExpired, type ObjectInfo } from '../../object-info.js'
import { Abilities } from './abilities.js'
import { toFacts, toMetadata, type Facts } from './attributes.js'
import type { Bucket, Condition, Opened } from './bucket.js'
import type { Names } from './keys.js'
import { FIRST_BYTES } from './pinned.js'
import type { Staged } from './staged.js'

const ATTEMPTS_AT_MOST = 100
const PAUSE_MS = 5
const LOOKS_AT_ONCE = 16
/** Whoever has put a removal may still want to see that it is theirs. */
const REMOVAL_GRACE_MS = 10 * 60 * 1000

/** An object that was found, with its first bytes. */
export interface OpenedObject {
  /** The name to read it by. */
  readonly name: string
  readonly facts: Facts
  readonly opened: Opened
  /** Lets go of what is kept for it. */
  release(): Promise<void>
}

/** When a write may take place, and as which version. */
export interface PublishHow {
  readonly ifAbsent: boolean
  readonly ifVersion: string | undefined
  readonly version: string
}

/** The objects of one store. */
export class S3Objects {
  readonly #bucket: Bucket
  readonly #names: Names
  readonly #abilities: Abilities

  constructor(bucket: Bucket, names: Names) {
    this.#bucket = bucket
    this.#names = names
    this.#abilities = new Abilities(bucket, names)
  }

  /** What is known of the object of a key. */
  async find(key: string, signal: AbortSignal | undefined): Promise<Facts | undefined> {
    const facts = await this.#look(key, signal)
    return facts !== undefined && isThere(facts) ? facts : undefined
  }

  /** The object of a key, opened. */
  async open(key: string, signal: AbortSignal | undefined): Promise<OpenedObject | undefined> {
    const name = this.#names.ofKey(key)
    const opened = await this.#bucket.open(name, FIRST_BYTES, signal)
    if (opened === undefined) return undefined
    const facts = toFacts(key, opened.answer, opened.totalBytes)
    if (!isThere(facts)) return undefined
    return { name, facts, opened, release: () => Promise.resolve() }
  }

  /** Publishes a staged value. */
  async publish(
    key: string,
    staged: Staged,
    how: PublishHow,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (!how.ifAbsent && how.ifVersion === undefined) {
      await staged.publish({}, signal)
      return
    }
    await this.#abilities.requireWrites()
    if (staged.isLarge) await this.#abilities.requireUploads()
    if (how.ifAbsent && (await staged.publish({ IfNoneMatch: '*' }, signal))) return
    await this.#untilDone(signal, async () => {
      const facts = await this.#look(key, signal)
      // An attempt of the SDK whose answer was lost has done it.
      if (facts?.info.version === how.version) return true
      return (await staged.publish(conditionOver(facts, how), signal)) ? true : undefined
    })
  }

  /** Removes the object of a key; says whether there was one. */
  async remove(
    key: string,
    ifVersion: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const name = this.#names.ofKey(key)
    if (ifVersion !== undefined) await this.#abilities.requireWrites()
    return await this.#untilDone(signal, async () => {
      const facts = await this.find(key, signal)
      if (ifVersion !== undefined) {
        if (facts?.info.version !== ifVersion) throw otherVersion()
        return (await this.#replaceByRemoval(key, facts, signal)) ? true : undefined
      }
      if (facts === undefined) return false
      return (await this.#bucket.remove(name, { IfMatch: facts.etag }, signal)) ? true : undefined
    })
  }

  /** Reads and removes in one. */
  async take(key: string, signal: AbortSignal | undefined): Promise<OpenedObject | undefined> {
    const taken = await this.#untilDone(signal, async () => {
      const object = await this.open(key, signal)
      if (object === undefined) return 'absent'
      await this.#abilities.requireWrites()
      const kept = await this.#keep(object, signal)
      if (kept === undefined) return undefined
      try {
        if (await this.#replaceByRemoval(key, object.facts, signal)) return kept
      } catch (error) {
        await kept.release()
        throw error
      }
      await kept.release()
      return undefined
    })
    return taken === 'absent' ? undefined : taken
  }

  /** All objects whose keys begin with a prefix. */
  async *list(prefix: string, signal: AbortSignal | undefined): AsyncGenerator<ObjectInfo> {
    const names = this.#bucket.names(this.#names.ofPrefix(prefix), signal)
    const looks: Promise<Facts | undefined>[] = []
    for await (const name of names) {
      const key = this.#names.toKey(name)
      if (key?.startsWith(prefix) !== true) continue
      const look = this.#lookAndTidy(key, signal)
      // It is awaited when its turn comes, if ever.
      look.catch(() => undefined)
      looks.push(look)
      if (looks.length < LOOKS_AT_ONCE) continue
      const facts = await looks.shift()
      if (facts !== undefined) yield facts.info
    }
    for (const look of looks) {
      const facts = await look
      if (facts !== undefined) yield facts.info
    }
  }

  async #look(key: string, signal: AbortSignal | undefined): Promise<Facts | undefined> {
    const found = await this.#bucket.head(this.#names.ofKey(key), signal)
    return found === undefined ? undefined : toFacts(key, ...found)
  }

  /** What a crash has left of a removal is removed on the way. */
  async #lookAndTidy(key: string, signal: AbortSignal | undefined): Promise<Facts | undefined> {
    const facts = await this.#look(key, signal)
    if (facts === undefined || isThere(facts)) return facts
    if (facts.removal !== undefined && isOld(facts.info)) await this.#tidy(key, facts.etag)
    return undefined
  }

  /** Makes a large object readable after it was replaced; undefined if it just was. */
  async #keep(
    object: OpenedObject,
    signal: AbortSignal | undefined,
  ): Promise<OpenedObject | undefined> {
    const { name, facts, opened } = object
    if (opened.bytes.length === opened.totalBytes) return object
    const copy = this.#names.own(`taken-${randomBytes(16).toString('hex')}`)
    if (!(await this.#bucket.copy(name, copy, facts.etag, signal))) return undefined
    const release = async (): Promise<void> => {
      await this.#bucket.remove(copy, {})
    }
    return { name: copy, facts: { ...facts, etag: '', versionId: undefined }, opened, release }
  }

  /** Whether it was this call that put a removal in the place of an object. */
  async #replaceByRemoval(
    key: string,
    { etag }: Facts,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const name = this.#names.ofKey(key)
    const removal = randomBytes(16).toString('hex')
    const beside = {
      metadata: toMetadata({ removal, writtenAtMs: Date.now() }, {}),
      contentType: 'text/plain',
    }
    const put = await this.#bucket.put(
      name,
      Buffer.from(removal),
      beside,
      { IfMatch: etag },
      signal,
    )
    if (put !== undefined) {
      await this.#tidy(key, put)
      return true
    }
    // An attempt of the SDK whose answer was lost may have done it.
    const facts = await this.#look(key, undefined)
    if (facts?.removal !== removal) return false
    await this.#tidy(key, facts.etag)
    return true
  }

  /** Removes a removal, where that can be done without removing what has replaced it. */
  async #tidy(key: string, etag: string): Promise<void> {
    try {
      if (!(await this.#abilities.removals())) return
      await this.#bucket.remove(this.#names.ofKey(key), { IfMatch: etag })
    } catch {
      // It says that nothing is there, which is so: it can stay.
    }
  }

  /** Tries until it is done: others are at the same object. */
  async #untilDone<T>(
    signal: AbortSignal | undefined,
    attempt: () => Promise<T | undefined>,
  ): Promise<T> {
    for (let count = 1; count <= ATTEMPTS_AT_MOST; count += 1) {
      const result = await attempt()
      if (result !== undefined) return result
      await orAbort(sleep(PAUSE_MS * count * (randomBytes(1)[0] ?? 0) * 0.001), signal)
    }
    throw new StoreError('UNAVAILABLE', 'others changed the object all the time; try again')
  }
}

function isThere({ removal, info }: Facts): boolean {
  return removal === undefined && !isExpired(info, Date.now())
}

function isOld({ writtenAtMs }: ObjectInfo): boolean {
  return writtenAtMs + REMOVAL_GRACE_MS < Date.now()
}

/** What a conditional write has to find, which is what was just seen. */
function conditionOver(facts: Facts | undefined, how: PublishHow): Condition {
  if (!how.ifAbsent) {
    const isSame = facts !== undefined && isThere(facts) && facts.info.version === how.ifVersion
    if (!isSame) throw otherVersion()
    return { IfMatch: facts.etag }
  }
  if (facts === undefined) return { IfNoneMatch: '*' }
  if (isThere(facts)) throw keyHasObject()
  return { IfMatch: facts.etag }
}
