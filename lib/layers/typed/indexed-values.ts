import { clearObjects, countObjects } from '../../bulk.js'
import type { ClearOptions, WalkOptions } from '../../bulk.js'
import { checkListing, checkRemoval, checkWrite } from '../../call-options.js'
import { publishNotice } from '../../diagnostics.js'
import { hasCode, isUnreadable, speakingOf, StoreError } from '../../errors.js'
import { checkKey } from '../../key.js'
import type { ObjectInfo } from '../../object-info.js'
import type {
  CallOptions,
  ChangeOptions,
  ListOptions,
  RemoveOptions,
  Supports,
  WriteOptions,
} from '../../object-store.js'
import { DEFAULT_GRACE_MS, placesNow, prune } from './index-verification.js'
import { placesOf, type IndexPlace, type IndexPlaces, type Indexes } from './index-values.js'
import type { Intent, Postings } from './postings.js'
import type { PreparedWrite, TypedObject, ValueStore } from './value-store.js'

/** What the keys of postings begin with in the store underneath. */
export const POSTINGS_NAMESPACE = '.linkstore-index'

/** Keys of the user's that begin with this are kept behind {@link ESCAPE}. */
const RESERVED = `${POSTINGS_NAMESPACE}/`
const ESCAPE = `${RESERVED}=/`

/** What is known of the object that is to be replaced. */
interface Known {
  /** Undefined where there is none, and where it cannot be read. */
  readonly version: string | undefined
  readonly places: IndexPlaces
}

const NOTHING: Known = { version: undefined, places: new Map() }

/** Values that are indexed: each change changes the postings. How, stands in `postings.ts`. */
export class IndexedValues<T, Input> implements ValueStore<T, Input> {
  readonly supports: Supports
  readonly #values: ValueStore<T, Input>
  readonly #postings: Postings
  readonly #indexes: Indexes<T>

  constructor(values: ValueStore<T, Input>, postings: Postings, indexes: Indexes<T>) {
    const { list, metadata, expiry, versions, conditions } = values.supports
    const maxKeyBytes = values.supports.maxKeyBytes - ESCAPE.length
    this.supports = { list, metadata, expiry, versions, conditions, maxKeyBytes }
    this.#values = values
    this.#postings = postings
    this.#indexes = indexes
  }

  read(key: string, options: CallOptions): Promise<TypedObject<T> | undefined> {
    return this.#at(key, async (inner) => {
      const object = await this.#values.read(inner, options)
      return object === undefined ? undefined : { ...object, info: ownInfo(object.info) }
    })
  }

  stat(key: string, options: CallOptions): Promise<ObjectInfo | undefined> {
    return this.#at(key, async (inner) => {
      const info = await this.#values.stat(inner, options)
      return info === undefined ? undefined : ownInfo(info)
    })
  }

  write(key: string, value: Input, options: WriteOptions): Promise<ObjectInfo> {
    return this.#at(key, async (inner) => {
      checkWrite(options)
      const prepared = await this.#values.prepare(inner, value, options)
      return ownInfo(await this.#write(key, prepared, options))
    })
  }

  prepare(key: string, value: Input, options: WriteOptions): Promise<PreparedWrite<T>> {
    return this.#at(key, async (inner) => {
      const prepared = await this.#values.prepare(inner, value, options)
      const write: PreparedWrite<T>['write'] = (others) =>
        this.#at(key, async () => ownInfo(await this.#write(key, prepared, others)))
      return { value: prepared.value, write }
    })
  }

  remove(key: string, options: RemoveOptions): Promise<boolean> {
    return this.#at(key, async (inner) => {
      checkRemoval(options)
      const { places } = await this.#known(key, options)
      const wasThere = await this.#values.remove(inner, options)
      if (wasThere) await this.#drop(key, places, options)
      return wasThere
    })
  }

  take(key: string, options: ChangeOptions): Promise<TypedObject<T> | undefined> {
    return this.#at(key, async (inner) => {
      const taken = await this.#values.take(inner, options)
      if (taken === undefined) return undefined
      await this.#drop(key, placesOf(this.#indexes, taken.value), options)
      return { ...taken, info: ownInfo(taken.info) }
    })
  }

  async *list(options: ListOptions): AsyncGenerator<ObjectInfo> {
    const prefix = checkListing(options)
    const inner = { ...options, prefix: innerKey(prefix) }
    for await (const info of this.#values.list(inner)) {
      if (!isPosting(info.key)) yield ownInfo(info)
    }
  }

  count(options: WalkOptions): Promise<number> {
    return countObjects(this, options)
  }

  async clear(options: ClearOptions): Promise<number> {
    const inner = {
      list: (how: ListOptions) => this.list(how),
      remove: (key: string, how: RemoveOptions) =>
        this.#at(key, (innerKey) => this.#values.remove(innerKey, how)),
    }
    const count = await clearObjects(inner, options)
    // All at once: to drop each key by itself would write each posting as often as it has keys.
    const indexed = { values: this, postings: this.#postings, indexes: this.#indexes }
    await prune(indexed, { graceMs: DEFAULT_GRACE_MS, signal: options.signal })
    return count
  }

  close(): Promise<void> {
    return this.#values.close()
  }

  async #write(
    key: string,
    prepared: PreparedWrite<T>,
    options: WriteOptions,
  ): Promise<ObjectInfo> {
    const places = placesOf(this.#indexes, prepared.value)
    const known = options.ifAbsent === true ? NOTHING : await this.#known(key, options)
    const replaced = await this.#replace(known, places, prepared, options)
    const info = replaced ?? (await this.#publish(key, places, prepared, options))
    await this.#drop(key, without(known.places, places), options)
    return info
  }

  /**
   * Writes over an object that is in all postings that the new one must be in, on condition that it
   * is still there. Undefined where it is not, or is not such an object.
   */
  async #replace(
    { version, places: oldPlaces }: Known,
    places: IndexPlaces,
    prepared: PreparedWrite<T>,
    options: WriteOptions,
  ): Promise<ObjectInfo | undefined> {
    const { ifVersion = version, ifAbsent } = options
    const isOther = version === undefined || ifVersion !== version || ifAbsent === true
    if (isOther || without(places, oldPlaces).size > 0) return undefined
    try {
      return await prepared.write({ ...options, ifVersion })
    } catch (error) {
      if (hasCode(error, 'PRECONDITION_FAILED') && options.ifVersion === undefined) return undefined
      throw error
    }
  }

  /** Writes an object that may be in none of its postings yet. */
  async #publish(
    key: string,
    places: IndexPlaces,
    prepared: PreparedWrite<T>,
    options: WriteOptions,
  ): Promise<ObjectInfo> {
    const { signal, durability } = options
    const intents = new Map<IndexPlace, Intent>()
    let info: ObjectInfo
    try {
      for (const place of places.values()) {
        intents.set(place, await this.#postings.intend(place, key, { signal, durability }))
      }
      info = await prepared.write(options)
    } catch (error) {
      if (isSurelyNotDone(error)) {
        await this.#settle(key, intents, options)
        await this.#drop(key, places, options)
      }
      throw error
    }
    await this.#settle(key, intents, options)
    return info
  }

  async #settle(
    key: string,
    intents: ReadonlyMap<IndexPlace, Intent>,
    { durability }: ChangeOptions,
  ): Promise<void> {
    for (const [place, intent] of intents) {
      await surviving(() => this.#postings.settle(place, key, intent, { durability }))
    }
  }

  async #drop(key: string, places: IndexPlaces, { durability }: ChangeOptions): Promise<void> {
    for (const place of places.values()) {
      const mayHave = async (): Promise<boolean> =>
        (await placesNow(this, this.#indexes, key, undefined))?.has(place.key) !== false
      await surviving(() => this.#postings.drop(place, key, mayHave, { durability }))
    }
  }

  /** What is there now. What cannot be read can be replaced; `verify` does the rest. */
  async #known(key: string, { signal }: CallOptions): Promise<Known> {
    try {
      const object = await this.read(key, { signal })
      if (object === undefined) return NOTHING
      return { version: object.info.version, places: placesOf(this.#indexes, object.value) }
    } catch (error) {
      if (isUnreadable(error)) return NOTHING
      throw error
    }
  }

  async #at<R>(key: string, call: (inner: string) => Promise<R>): Promise<R> {
    checkKey(key, this.supports.maxKeyBytes)
    return await speakingOf(key, () => call(innerKey(key)))
  }
}

/** The key in the store underneath, or what the keys there begin with. */
function innerKey(key: string): string {
  return key.startsWith(RESERVED) ? ESCAPE + key : key
}

function isPosting(inner: string): boolean {
  return inner.startsWith(RESERVED) && !inner.startsWith(ESCAPE)
}

function ownInfo(info: ObjectInfo): ObjectInfo {
  return info.key.startsWith(ESCAPE) ? { ...info, key: info.key.slice(ESCAPE.length) } : info
}

function without(places: IndexPlaces, others: IndexPlaces): IndexPlaces {
  return new Map([...places].filter(([key]) => !others.has(key)))
}

/** Whether the object was not written and will not be: else the posting has to keep its key. */
function isSurelyNotDone(error: unknown): boolean {
  return !(error instanceof StoreError) || error.code === 'PRECONDITION_FAILED'
}

/**
 * Does what comes after a write. That is done and must not be reported as failed; what is not done
 * here a `verify` does.
 */
async function surviving(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    publishNotice('an index keeps a key too many until the next verify', error)
  }
}
