import { toSource } from '../body.js'
import { MAX_IN_FLIGHT } from '../drivers/async.js'
import type {
  Body,
  CallOptions,
  ChangeOptions,
  ObjectStore,
  WriteOptions,
} from '../object-store.js'
import { checkCount, checkOptionNames } from '../options.js'
import { bytesOf } from '../value.js'
import { openInput, requireEntry, type Input } from './input.js'
import { Intake } from './intake.js'

/** Options of `getMany`. */
export interface ManyOptions extends CallOptions {
  /**
   * How many keys may be under way at a time; default 64, which is as many as a directory works
   * on at a time.
   */
  readonly concurrency?: number | undefined
}

/** Options of `setMany`; but for `concurrency` they go for each of the values. */
export interface SetManyOptions extends ManyOptions, Omit<WriteOptions, 'ifAbsent' | 'ifVersion'> {}

/** Options of `deleteMany`. */
export interface DeleteManyOptions extends ManyOptions, ChangeOptions {}

/** Names of the options that all have. */
const MANY_OPTIONS = ['signal', 'concurrency']
/** Names of the options of `deleteMany`, but for those that all have. */
export const DELETE_MANY_OPTIONS = ['durability']
/** Names of the options of `setMany`, likewise. */
export const SET_MANY_OPTIONS = [...DELETE_MANY_OPTIONS, 'ttlMs', 'metadata', 'contentType']

/** The values of many keys, in the order of the keys; those that have none are left out. */
export function getMany(
  objects: Pick<ObjectStore, 'read'>,
  keys: Input<string>,
  options: ManyOptions,
): Promise<Map<string, Buffer>> {
  return readMany(keys, options, async (key, call) => await bytesOf(await objects.read(key, call)))
}

/** The same for values of any kind, which are had one by one; undefined where there is none. */
export async function readMany<V>(
  keys: Input<string>,
  options: ManyOptions,
  read: (key: string, call: CallOptions) => Promise<V | undefined>,
): Promise<Map<string, V>> {
  const [concurrency, call] = checkMany(options, [])
  // A key is in it from the beginning, so that it keeps its place until its value is there.
  const values = new Map<string, V | undefined>()
  await new Intake(openInput('keys', keys), {
    operation: 'getMany',
    concurrency,
    signal: call.signal,
    keyOf: (key) => key,
    drop: () => undefined,
    perform: async (key) => {
      if (values.has(key)) return
      values.set(key, undefined)
      const value = await read(key, call)
      if (value === undefined) values.delete(key)
      else values.set(key, value)
    },
  }).run()
  return values as Map<string, V>
}

/** Stores many values; says how many. */
export function setMany(
  objects: Pick<ObjectStore, 'write'>,
  entries: Input<readonly [key: string, value: Body]>,
  options: SetManyOptions,
): Promise<number> {
  const write = (key: string, value: Body, call: WriteOptions): Promise<unknown> =>
    objects.write(key, value, call)
  return writeMany(entries, options, write, dropBody)
}

/**
 * The same for values of any kind.
 *
 * @param drop - lets go of a value that was given and will not be written
 */
export async function writeMany<V>(
  entries: Input<readonly [key: string, value: V]>,
  options: SetManyOptions,
  write: (key: string, value: V, call: WriteOptions) => Promise<unknown>,
  drop: (value: V) => void,
): Promise<number> {
  const [concurrency, call] = checkMany(options, SET_MANY_OPTIONS)
  return await new Intake(openInput('entries', entries), {
    operation: 'setMany',
    concurrency,
    signal: call.signal,
    keyOf: (entry) => requireEntry(entry)[0],
    drop: (entry) => dropEntry(entry, drop),
    perform: ([key, value]) => write(key, value, call),
  }).run()
}

/** Removes many objects; says how many there were. */
export async function deleteMany(
  objects: Pick<ObjectStore, 'remove'>,
  keys: Input<string>,
  options: DeleteManyOptions,
): Promise<number> {
  const [concurrency, call] = checkMany(options, DELETE_MANY_OPTIONS)
  let removed = 0
  await new Intake(openInput('keys', keys), {
    operation: 'deleteMany',
    concurrency,
    signal: call.signal,
    keyOf: (key) => key,
    drop: () => undefined,
    perform: async (key) => {
      if (await objects.remove(key, call)) removed += 1
    },
  }).run()
  return removed
}

/** The concurrency, and the options of each call. */
function checkMany<T extends ManyOptions>(
  options: T,
  others: readonly string[],
): [concurrency: number, call: Omit<T, 'concurrency'>] {
  checkOptionNames(options, [...MANY_OPTIONS, ...others])
  const { concurrency = MAX_IN_FLIGHT, ...call } = options
  return [checkCount('concurrency', concurrency), call]
}

/** Closes a stream that was given as a value and will not be read. */
function dropBody(body: Body): void {
  toSource(body).cancel(undefined)
}

function dropEntry<V>(entry: readonly [key: string, value: V], drop: (value: V) => void): void {
  try {
    drop(requireEntry(entry)[1])
  } catch {
    // It is no value, so there is nothing to close.
  }
}
