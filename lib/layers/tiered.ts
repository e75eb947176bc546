import { bytesOfBody } from '../body.js'
import { checkCall, checkChange, checkListing, checkRemoval, checkWrite } from '../call-options.js'
import { CallsUnderWay } from '../calls-under-way.js'
import { hasCode, isOfOneObject, StoreError, toStoreError } from '../errors.js'
import type { ObjectInfo } from '../object-info.js'
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
import { checkBoolean, checkLimit, checkNumber, checkOptionNames } from '../options.js'
import { putBack } from '../value.js'
import { renamedObject } from './inner-object.js'
import { refuseMark, withMark } from './marks.js'
import { splitValue } from './tiered/first-bytes.js'
import { LargeTier, valueIs } from './tiered/large-tier.js'
import { MARK, markOf, NAME_BYTES, ownInfo, pointerOf, type Pointer } from './tiered/pointer.js'
import { DEFAULT_GRACE_MS, verifyTiers } from './tiered/verification.js'
import type { TierReport, TierVerifyOptions } from './tiered/verification.js'

export type { TierReport, TierVerifyOptions } from './tiered/verification.js'

/** Where large values go, and which ones are. */
export interface TierOptions {
  /**
   * The large tier: a store, or a namespace of one, that serves this small tier and no other. To
   * `verify`, the values of another one would be orphans.
   */
  readonly large: ObjectStore
  /** The largest value that the small tier keeps itself; default 64 KiB. */
  readonly thresholdBytes?: number | undefined
}

const DEFAULT_THRESHOLD_BYTES = 64 * 1024
/** So often others may change a key while it is looked at. */
const ATTEMPTS_AT_MOST = 50
const REFUSALS = ['PRECONDITION_FAILED', 'NOT_SUPPORTED', 'INVALID_KEY'] as const
const MAX_THRESHOLD_BYTES = 1024 * 1024 * 1024
/** So often a change tries to know what it replaces, before it is made all the same. */
const EXACT_ATTEMPTS = 32

/** What a pointer leads to. */
interface Followed {
  readonly object: StoredObject
  /** Undefined where the small tier has the value. */
  readonly pointer: Pointer | undefined
}

/** What must still be so when a change is made. */
type Condition = Pick<WriteOptions, 'ifAbsent' | 'ifVersion'>

/** What a change finds that others may be changing, too. */
interface Seen {
  readonly pointer: Pointer | undefined
  /** Undefined if nothing can be asked for. */
  readonly condition: Condition | undefined
}

/**
 * Small values in one store, large ones in another, behind one listing: that of the small tier.
 * It alone says what a key has: the value itself, or a pointer to an object of the large tier. A
 * large value is stored first, its pointer published by one write, and then what it replaces
 * removed; so a crash leaves the old value or the new one, and at most an orphan in the large tier.
 */
export class TieredStore implements ObjectStore {
  readonly supports: Supports
  readonly #small: ObjectStore
  readonly #largeStore: ObjectStore
  readonly #large: LargeTier
  readonly #thresholdBytes: number
  readonly #calls: CallsUnderWay
  readonly #taken = new Set<StoredObject>()

  /** @internal Made by {@link withTiers}. */
  constructor(small: ObjectStore, large: ObjectStore, thresholdBytes: number) {
    this.#small = small
    this.#largeStore = large
    this.#large = new LargeTier(large)
    this.#thresholdBytes = thresholdBytes
    const { list, metadata, expiry, versions, conditions, maxKeyBytes } = small.supports
    this.supports = { list, metadata, expiry, versions, conditions, maxKeyBytes }
    this.#calls = new CallsUnderWay(maxKeyBytes)
  }

  read(key: string, options: CallOptions = {}): Promise<StoredObject | undefined> {
    return this.#calls.ofKey('read', key, async () => {
      checkCall(options)
      const found = await this.#follow(key, options)
      return found?.object
    })
  }

  stat(key: string, options: CallOptions = {}): Promise<ObjectInfo | undefined> {
    return this.#calls.ofKey('stat', key, async () => {
      const info = await this.#small.stat(key, options)
      return info === undefined ? undefined : ownInfo(info, pointerOf(info))
    })
  }

  write(key: string, body: Body, options: WriteOptions = {}): Promise<ObjectInfo> {
    return this.#calls.ofKey('write', key, async () => {
      checkWrite(options)
      refuseMark(options, MARK)
      const pieces = bytesOfBody(body, options.signal)
      try {
        const value = await splitValue(pieces, this.#thresholdBytes)
        if (!value.isLarge) return await this.#publish(key, value.bytes, options)
        const pointer = await this.#large.write(key, value.body, options)
        return await this.#publishPointer(key, pointer, options)
      } catch (error) {
        // Whoever makes the value can stop.
        void pieces.return?.()
        throw error
      }
    })
  }

  remove(key: string, options: RemoveOptions = {}): Promise<boolean> {
    return this.#calls.ofKey('remove', key, async () => {
      checkRemoval(options)
      return await this.#replace(key, options, (condition) => {
        if (condition.ifAbsent === true) return Promise.resolve(false)
        return this.#small.remove(key, { ...options, ...condition })
      })
    })
  }

  take(key: string, options: ChangeOptions = {}): Promise<StoredObject | undefined> {
    return this.#calls.ofKey('take', key, async () => {
      checkChange(options)
      const { signal } = options
      const seen = await this.#small.stat(key, { signal })
      if (seen === undefined) return undefined
      // What cannot be had must stay where it is.
      const ahead = pointerOf(seen) === undefined ? undefined : await this.#follow(key, { signal })
      let taken: StoredObject | undefined
      try {
        taken = await this.#small.take(key, options)
        if (taken === undefined) return undefined
        return await this.#ownTaken(taken, ahead, options)
      } finally {
        if (!isOf(taken, ahead)) await ahead?.object.close()
      }
    })
  }

  async *list(options: ListOptions = {}): AsyncGenerator<ObjectInfo> {
    checkListing(options)
    let damage: unknown
    for await (const info of this.#small.list(options)) {
      let own: ObjectInfo
      try {
        own = ownInfo(info, pointerOf(info))
      } catch (error) {
        damage ??= toStoreError(error, 'list')
        continue
      }
      yield own
    }
    if (damage !== undefined) throw damage
  }

  /**
   * Removes from the large tier what crashes have left there, and races of writers where the small
   * tier has no conditions, and tells which values are broken. Safe while others write. Lists
   * both tiers, stats what pointers lead to, and needs some 60 bytes of memory for each of these.
   *
   * @throws StoreError `CORRUPT` and the like at its end, where a part of the small tier cannot be
   *   read; nothing is removed from the large tier then
   */
  async verify(options: TierVerifyOptions = {}): Promise<TierReport> {
    checkOptionNames(options, ['signal', 'repair', 'removeBroken', 'graceMs'])
    const verification = {
      small: this.#small,
      large: this.#largeStore,
      signal: options.signal,
      repair: checkBoolean('repair', options.repair, true),
      removeBroken: checkBoolean('removeBroken', options.removeBroken, false),
      graceMs: checkLimit('graceMs', options.graceMs, DEFAULT_GRACE_MS),
    }
    return await this.#calls.ofAll('verify', () => verifyTiers(verification))
  }

  async close(): Promise<void> {
    await this.#calls.end()
    for (const object of this.#taken) await object.close()
    try {
      await this.#small.close()
    } finally {
      await this.#largeStore.close()
    }
  }

  /** Opens what a key has. A value that is gone was replaced: then there is another pointer. */
  async #follow(key: string, call: CallOptions): Promise<Followed | undefined> {
    let previous: string | undefined
    for (let count = 1; count <= ATTEMPTS_AT_MOST; count += 1) {
      const inner = await this.#small.read(key, call)
      if (inner === undefined) return undefined
      const pointer = await this.#pointerIn(inner)
      if (pointer === undefined) return { object: inner, pointer }
      const object = await this.#large.open(inner.info, pointer, call)
      if (object !== undefined) return { object, pointer }
      if (pointer.name === previous) throw valueIs('not', pointer)
      previous = pointer.name
    }
    throw new StoreError('UNAVAILABLE', 'others replaced the value all the time; try again')
  }

  /** The pointer of an object, which is closed unless it has the value itself. */
  async #pointerIn(inner: StoredObject): Promise<Pointer | undefined> {
    if (inner.info.metadata[MARK] !== undefined) await inner.close()
    return pointerOf(inner.info)
  }

  async #publishPointer(key: string, pointer: Pointer, options: WriteOptions): Promise<ObjectInfo> {
    const marked = withMark(options, MARK, markOf(pointer))
    try {
      const info = await this.#publish(key, Buffer.alloc(0), marked, pointer)
      return ownInfo(info, pointer)
    } catch (error) {
      if (wasRefused(error)) await this.#forget(key, pointer, options.signal)
      throw error
    }
  }

  /** Removes a value whose pointer was refused, unless that was said of a repetition only. */
  async #forget(key: string, pointer: Pointer, signal: AbortSignal | undefined): Promise<void> {
    try {
      const seen = await this.#look(key, signal)
      if (seen.pointer?.name !== pointer.name) await this.#large.discard(pointer, signal)
    } catch {
      // What is refused must be told; `verify` finds the value.
    }
  }

  #publish(key: string, bytes: Buffer, options: WriteOptions, own?: Pointer): Promise<ObjectInfo> {
    const write = (condition: Condition): Promise<ObjectInfo> =>
      this.#small.write(key, bytes, { ...options, ...condition })
    return this.#replace(key, options, write, own)
  }

  /**
   * Makes a change of the small tier, then removes the value that it has replaced. Where the small
   * tier has conditions it is made over what was seen, so that it is known which one that is.
   */
  async #replace<T extends ObjectInfo | boolean>(
    key: string,
    { signal, ifAbsent, ifVersion }: WriteOptions,
    change: (condition: Condition) => Promise<T>,
    own?: Pointer,
  ): Promise<T> {
    if (ifAbsent === true) return await change({})
    for (let count = 1; ; count += 1) {
      const seen = await this.#look(key, signal)
      const isFree = ifVersion === undefined && count <= EXACT_ATTEMPTS
      const condition = isFree ? seen.condition : undefined
      try {
        const result = await change(condition ?? {})
        // Where there was nothing to remove any more, another one has taken what was seen.
        const isReplaced = result !== false && seen.pointer?.name !== own?.name
        if (isReplaced && seen.pointer !== undefined)
          await this.#large.discard(seen.pointer, signal)
        return result
      } catch (error) {
        if (condition === undefined || !hasCode(error, 'PRECONDITION_FAILED')) throw error
      }
    }
  }

  async #look(key: string, signal: AbortSignal | undefined): Promise<Seen> {
    const { conditions } = this.supports
    try {
      const info = await this.#small.stat(key, { signal })
      if (info === undefined) {
        return { pointer: undefined, condition: conditions ? { ifAbsent: true } : undefined }
      }
      const { version: ifVersion } = info
      const isTold = conditions && ifVersion !== undefined
      return { pointer: pointerOf(info), condition: isTold ? { ifVersion } : undefined }
    } catch (error) {
      // What cannot be read can be replaced and removed.
      if (isOfOneObject(error)) return { pointer: undefined, condition: undefined }
      throw error
    }
  }

  /** What was taken from the small tier, with its value. It is put back if that cannot be had. */
  async #ownTaken(
    taken: StoredObject,
    ahead: Followed | undefined,
    options: ChangeOptions,
  ): Promise<StoredObject> {
    try {
      const pointer = pointerOf(taken.info)
      if (pointer === undefined) return taken
      // Another one was written just now, and no `verify` takes its value for an orphan while it
      // is put back. No signal stops that.
      const object = isOf(taken, ahead)
        ? ahead?.object
        : await this.#large.open(taken.info, pointer, {})
      if (object === undefined) throw valueIs('not', pointer)
      await taken.close()
      return this.#takenObject(object, pointer)
    } catch (error) {
      await putBack(this.#small, taken.info, await taken.bytes(), options)
      await taken.close()
      throw error
    }
  }

  /** A value that is removed when it is closed: many stores can read only what is still there. */
  #takenObject(object: StoredObject, pointer: Pointer): StoredObject {
    const taken = renamedObject(object, object.info, async () => {
      this.#taken.delete(taken)
      await object.close()
      await this.#large.discard(pointer)
    })
    this.#taken.add(taken)
    return taken
  }
}

/**
 * Keeps small values in one store and large ones in another. What was in the small one before
 * is read as it is. Closing it closes both.
 *
 * A write looks first at what it replaces: a stat of the small tier more. A large value costs a
 * write to each tier; to read it, a read of each.
 *
 * @param small - the store that says what a key has; PostgreSQL, a directory, any that lists and
 *   keeps metadata
 * @throws StoreError `NOT_SUPPORTED` where the small tier does not, or the large one cannot be
 *   listed. Reads throw `CORRUPT` where the value is not in the large tier
 */
export function withTiers(small: ObjectStore, options: TierOptions): TieredStore {
  checkOptionNames(options, ['large', 'thresholdBytes'])
  const { large, thresholdBytes = DEFAULT_THRESHOLD_BYTES } = options
  if (typeof (large as Partial<ObjectStore> | undefined)?.supports !== 'object') {
    throw new TypeError('large must be the store that large values go to')
  }
  if (large === small) {
    throw new TypeError('the tiers must be two stores; withNamespace makes two of one')
  }
  checkNumber('thresholdBytes', thresholdBytes, 0, MAX_THRESHOLD_BYTES)
  if (!small.supports.metadata || !small.supports.list) {
    throw notSupported('the small tier must keep metadata, which point to values, and be listed')
  }
  if (!large.supports.list || large.supports.maxKeyBytes < NAME_BYTES) {
    throw notSupported(`the large tier must be listed, and take keys of ${NAME_BYTES} bytes`)
  }
  return new TieredStore(small, large, thresholdBytes)
}

function notSupported(message: string): StoreError {
  return new StoreError('NOT_SUPPORTED', message, { operation: 'withTiers' })
}

/** Whether what was taken has the value that was opened before. */
function isOf(taken: StoredObject | undefined, ahead: Followed | undefined): boolean {
  if (taken === undefined || ahead?.pointer === undefined) return false
  return taken.info.metadata[MARK] === markOf(ahead.pointer)
}

/** Whether a write was surely not done; of others nobody knows, as their replies were lost. */
function wasRefused(error: unknown): boolean {
  if (error instanceof TypeError || error instanceof RangeError) return true
  return REFUSALS.some((code) => hasCode(error, code))
}
