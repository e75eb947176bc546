import { StoreError } from '../errors.js'
import type { ObjectStore } from '../object-store.js'
import { checkCount, checkNumber, checkOptionNames, oneOf } from '../options.js'
import { WriteBackStore } from './cached/write-back.js'
import { WriteThroughStore } from './cached/write-through.js'

export type { WriteBackStore }

/** How {@link withCache} works. */
export interface CacheOptions {
  /**
   * The fast store in front. It must keep metadata, and belongs to the layer, which closes it.
   * For write-back it must list its keys, be durable, and belong to one process alone.
   */
  readonly cache: ObjectStore
  /**
   * When a change is acknowledged: `'write-through'`, the default, once the store underneath has
   * it; `'write-back'`, once the cache has it.
   */
  readonly strategy?: 'write-through' | 'write-back' | undefined
  /**
   * For how many milliseconds a cached value is believed since it was last known to be current;
   * default 0: each time it is compared by its version, with one `stat` underneath. Over a store
   * without versions it must be above 0.
   */
  readonly freshMs?: number | undefined
  /**
   * Larger values are not cached; default 1 MiB. Each value that is read or written takes so much
   * memory meanwhile, at most.
   */
  readonly maxValueBytes?: number | undefined
  /** Write-back: milliseconds after which a change is flushed; default 1 second. */
  readonly flushMs?: number | undefined
  /**
   * Write-back: with so many keys unflushed, further ones are changed underneath at once; default
   * 10,000. They are held in memory, without their values.
   */
  readonly maxUnflushed?: number | undefined
}

const OF_WRITE_BACK = ['flushMs', 'maxUnflushed'] as const

/**
 * A small fast store in front of a slow one: values that were read or written lately are there.
 *
 * Write-through: a change is made underneath first, and acknowledged when it is done there. A
 * cache that fails costs time, and is told to the channel `linkstore:notice`.
 *
 * Write-back: a change is acknowledged when the cache has it, and made underneath later, the last
 * state of each key only, by {@link WriteBackStore.flush}, by itself, and when it is closed. What
 * a crash has left is flushed when the cache is opened again. `take`, `ifAbsent` and larger
 * values go underneath at once; versions and `ifVersion` there are none.
 *
 * @param inner - the slow store
 * @throws StoreError `NOT_SUPPORTED` where the cache cannot keep what is needed; RangeError where
 *   values could never be proved current
 */
export function withCache(
  inner: ObjectStore,
  options: CacheOptions & { readonly strategy: 'write-back' },
): WriteBackStore
/** The same, by whichever strategy. */
export function withCache(inner: ObjectStore, options: CacheOptions): ObjectStore
/** The same. */
export function withCache(inner: ObjectStore, options: CacheOptions): ObjectStore {
  const names = ['cache', 'strategy', 'freshMs', 'maxValueBytes', ...OF_WRITE_BACK]
  checkOptionNames(options, names)
  const { cache, freshMs = 0, maxValueBytes = 1024 * 1024 } = options
  const { flushMs = 1000, maxUnflushed = 10_000 } = options
  const strategy = oneOf('strategy', options.strategy ?? 'write-through', STRATEGIES)
  const how = {
    cache: checkCache(inner, cache),
    freshMs: checkNumber('freshMs', freshMs, 0, Number.MAX_SAFE_INTEGER),
    maxValueBytes: checkNumber('maxValueBytes', maxValueBytes, 0, 2 ** 31 - 1),
    flushMs: checkNumber('flushMs', flushMs, 0, 2 ** 31 - 1),
    maxUnflushed: checkCount('maxUnflushed', maxUnflushed),
  }
  if (freshMs === 0 && !inner.supports.versions) {
    const message = 'freshMs must be above 0 over a store without versions'
    throw new RangeError(`${message}: nothing else tells whether a cached value is current`)
  }
  if (strategy === 'write-back') {
    requireOfCache('list', cache.supports.list, 'lists no keys, so a crash would lose changes')
    return new WriteBackStore(inner, how)
  }
  for (const name of OF_WRITE_BACK) {
    if (options[name] !== undefined) throw new TypeError(`${name} is of write-back alone`)
  }
  return new WriteThroughStore(inner, how)
}

const STRATEGIES = ['write-through', 'write-back'] as const

function checkCache(inner: ObjectStore, cache: unknown): ObjectStore {
  const { supports } = (cache ?? {}) as Partial<ObjectStore>
  if (supports === undefined) throw new TypeError('cache must be a store, as memoryStore() is one')
  if (cache === inner) throw new TypeError('cache must be another store than the one underneath')
  requireOfCache('metadata', supports.metadata, 'keeps no metadata, which say what is cached')
  return cache as ObjectStore
}

function requireOfCache(name: string, isSupported: boolean, why: string): void {
  if (isSupported) return
  throw new StoreError('NOT_SUPPORTED', `the cache ${why} (supports.${name} is false)`)
}
