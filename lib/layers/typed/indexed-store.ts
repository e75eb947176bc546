import { randomInt, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { StoreError } from '../../errors.js'
import { readMany } from '../../many/async.js'
import type { CallOptions, ObjectStore } from '../../object-store.js'
import { checkLimit, checkOptionNames } from '../../options.js'
import { withNamespace } from '../namespaced.js'
import { DEFAULT_GRACE_MS, prune, recover, type Indexed } from './index-verification.js'
import { checkIndexes, placeOf, placesIn, type Indexes, type IndexValue } from './index-values.js'
import { IndexedValues, POSTINGS_NAMESPACE } from './indexed-values.js'
import { Postings, type PostingsEnvironment } from './postings.js'
import { TypedStore } from './typed-store.js'

/** Options of `verify` of an {@link IndexedStore}. */
export interface IndexVerifyOptions extends CallOptions {
  /**
   * How long a write may take from its begin until it is taken for one whose process has died;
   * default an hour, by the clocks of the hosts, which must agree by that much.
   */
  readonly graceMs?: number | undefined
}

/** What `verify` of an {@link IndexedStore} has found and put right. */
export interface IndexReport {
  /** Objects that were read. */
  readonly objects: number
  /** Entries that were missing. */
  readonly added: number
  /** Entries of values that their objects have not. */
  readonly removed: number
  /** Writes that had begun and whose processes have died. */
  readonly intents: number
  /** Keys of objects that cannot be decoded; no index has them. */
  readonly unreadable: readonly string[]
}

const MIN_PAUSE_MS = 2
const MAX_PAUSE_MS = 256
/** How many objects a look-up reads at a time. */
const READ_AHEAD = 64

const REAL: PostingsEnvironment = {
  nowMs: () => Date.now(),
  newId: () => randomUUID(),
  // By chance and longer each time, so that contenders do not meet for ever.
  pause: async (attempt) => {
    const mostMs = Math.min(MAX_PAUSE_MS, MIN_PAUSE_MS * 2 ** Math.min(attempt, 10))
    await sleep(randomInt(mostMs + 1))
  },
}

/**
 * A {@link TypedStore} whose values can be looked up by what indexes say of them. All writers must
 * use it with the same indexes: what is written past it is found when `verify` has been called.
 */
export class IndexedStore<T, Input, Name extends string> extends TypedStore<T, Input> {
  readonly #indexed: Indexed<T>

  /** @internal Made by {@link withIndex}. */
  constructor(objects: ObjectStore, values: IndexedValues<T, Input>, indexed: Indexed<T>) {
    super({ objects, values })
    this.#indexed = indexed
  }

  /**
   * Keys and values of all objects that an index has under a value, in no meaningful order. An
   * object that has the value throughout is given once; one that gets or loses it meanwhile may or
   * may not be; one that does not have it when it is read is not. Costs a read for the index and
   * one for each object.
   *
   * @throws StoreError `DECODE` or `CORRUPT` for an object that cannot be read; `CORRUPT` where the
   *   index is damaged at this value, until `verify`
   */
  async *by(
    index: Name,
    value: IndexValue,
    options: CallOptions = {},
  ): AsyncGenerator<[key: string, value: T]> {
    checkOptionNames(options, ['signal'])
    const { indexes, postings, values } = this.#indexed
    const valuesOf = Object.hasOwn(indexes, index) ? indexes[index] : undefined
    if (valuesOf === undefined) throw new TypeError(`there is no index ${index}`)
    const place = placeOf(index, value)
    const { signal } = options
    const keys = await postings.keysAt(place, signal)
    for (let at = 0; at < keys.length; at += READ_AHEAD) {
      const batch = keys.slice(at, at + READ_AHEAD)
      const found = await readMany(batch, { signal }, (key, call) => values.read(key, call))
      for (const [key, object] of found) {
        if (placesIn(index, valuesOf, object.value).has(place.key)) yield [key, object.value]
      }
    }
  }

  /**
   * Puts the indexes right: adds what is missing, as after a change of an index or writes past it,
   * and drops what crashes and races have left. Safe while others write. Reads every object.
   *
   * @throws StoreError `CORRUPT` at its end, where there are objects that cannot even be listed
   */
  async verify(options: IndexVerifyOptions = {}): Promise<IndexReport> {
    checkOptionNames(options, ['signal', 'graceMs'])
    const graceMs = checkLimit('graceMs', options.graceMs, DEFAULT_GRACE_MS)
    const { signal } = options
    const { objects, added, unreadable, damage } = await recover(this.#indexed, { signal })
    const { removed, intents } = await prune(this.#indexed, { graceMs, signal })
    if (damage !== undefined) throw damage
    return { objects, added, removed, intents, unreadable }
  }
}

/**
 * Adds secondary indexes, by name: functions that say what a value is to be found under, such as
 * `{ ran: (value) => value.ranKey }`. They are kept in the store itself, one object for each value
 * of an index, under keys that are in no listing. A write whose index values are the old ones costs
 * a read more; one with new ones two compare-and-sets for each of those, and one for each that is
 * gone. Each writes the keys of all objects with that value.
 *
 * @typeParam I - the indexes, by name
 * @throws StoreError `NOT_SUPPORTED` where writes cannot depend on versions
 */
export function withIndex<T, Input, const I extends Indexes<T>>(
  store: TypedStore<T, Input>,
  indexes: I,
): IndexedStore<T, Input, Extract<keyof I, string>> {
  return indexedStore(store, indexes, REAL)
}

/** The same, in a world of the caller's. */
export function indexedStore<T, Input, const I extends Indexes<T>>(
  store: TypedStore<T, Input>,
  indexes: I,
  environment: PostingsEnvironment,
): IndexedStore<T, Input, Extract<keyof I, string>> {
  if (!(store instanceof TypedStore) || store instanceof IndexedStore) {
    throw new TypeError('store must be what withCodec gives; all of its indexes go into one call')
  }
  checkIndexes(indexes)
  const { objects, values } = store.underneath
  if (!objects.supports.conditions || !objects.supports.list) {
    const message = 'an index needs a store with conditional writes and listings'
    const advice = 'make the directory with the option `conditional: true`'
    throw new StoreError('NOT_SUPPORTED', `${message}; ${advice}`, { operation: 'withIndex' })
  }
  const postings = new Postings(withNamespace(objects, POSTINGS_NAMESPACE), environment)
  // A copy: what the caller changes afterwards is not ours.
  const own: Indexes<T> = { ...indexes }
  const indexed = new IndexedValues(values, postings, own)
  return new IndexedStore(objects, indexed, { values: indexed, postings, indexes: own })
}
