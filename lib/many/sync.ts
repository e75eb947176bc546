import { checkOptionNames } from '../options.js'
import type { SyncBody, SyncChangeOptions, SyncSetOptions, SyncStore } from '../sync-store.js'
import { DELETE_MANY_OPTIONS, SET_MANY_OPTIONS } from './async.js'
import { requireEntry, requireIterable, stoppedBy } from './input.js'

/** The values of many keys, in the order of the keys; those that have none are left out. */
export function getManySync(
  store: Pick<SyncStore, 'get'>,
  keys: Iterable<string>,
): Map<string, Buffer> {
  const values = new Map<string, Buffer>()
  eachOf('getMany', requireIterable('keys', keys), (key) => {
    const value = values.has(key) ? undefined : store.get(key)
    if (value !== undefined) values.set(key, value)
  })
  return values
}

/** Stores many values, one after the other; says how many. */
export function setManySync(
  store: Pick<SyncStore, 'set'>,
  entries: Iterable<readonly [key: string, value: SyncBody]>,
  options: SyncSetOptions,
): number {
  checkOptionNames(options, SET_MANY_OPTIONS)
  const input = requireIterable('entries', entries)
  return eachOf('setMany', input, (entry) => void store.set(...requireEntry(entry), options))
}

/** Removes many objects, one after the other; says how many there were. */
export function deleteManySync(
  store: Pick<SyncStore, 'delete'>,
  keys: Iterable<string>,
  options: SyncChangeOptions,
): number {
  checkOptionNames(options, DELETE_MANY_OPTIONS)
  let removed = 0
  eachOf('deleteMany', requireIterable('keys', keys), (key) => {
    if (store.delete(key, options)) removed += 1
  })
  return removed
}

function eachOf<T>(operation: string, input: Iterable<T>, perform: (item: T) => void): number {
  let done = 0
  for (const item of input) {
    try {
      perform(item)
    } catch (error) {
      throw stoppedBy(error, operation, done)
    }
    done += 1
  }
  return done
}
