import { checkOpen, type OpenOptions } from './backends/opening.js'
import * as requests from './backends/requests.js'
import { runTourSync, type Tour } from './backends/tour.js'
import { ProgressMeter, walkShardsSync } from './backends/walk.js'
import { clearAll, countAll, destroyShards, sweepAll, verifyAll } from './backends/whole-store.js'
import type { SweepOptions, VerifyOptions, VerifyReport } from './bulk.js'
import type { Counts } from './drivers/observed.js'
import { SyncDriver } from './drivers/sync.js'
import { quietly, type Operation } from './drivers/effects.js'
import { StoreError, toStoreError } from './errors.js'
import { deleteManySync, getManySync, setManySync } from './many/sync.js'
import { attributesOf, requireBuffer, type ObjectInfo } from './object-info.js'
import { checkOptionNames, checkOptions } from './options.js'
import type { ChangeOptions, RemoveOptions, WriteOptions } from './object-store.js'
import { destroyRoot } from './protocol/clear.js'
import type { Context } from './protocol/context.js'
import { dropUnused, recall } from './protocol/cached-read.js'
import { beat, HEARTBEAT_MS } from './protocol/heartbeat.js'
import { listShard, type Listed } from './protocol/list.js'
import { openStore } from './protocol/open.js'
import { removeInstance } from './protocol/private-names.js'
import type { Handle } from './protocol/read.js'
import type { SweepReport } from './protocol/sweep-sum.js'
import { SyncStoredObject } from './sync-object.js'
import { errorNameOf, type OperationName } from './tracing/operations.js'
import { traceOf, type Trace } from './tracing/trace.js'

/** What a synchronous store can keep: nothing that must be waited for. */
export type SyncBody = string | Uint8Array | ArrayBuffer | Iterable<Uint8Array>

/** Options of synchronous changes: nothing can be aborted, as nothing else runs meanwhile. */
export type SyncChangeOptions = Omit<ChangeOptions, 'signal'>

/** As {@link RemoveOptions}, but for the signal. */
export type SyncRemoveOptions = Omit<RemoveOptions, 'signal'>
/** Options of the synchronous `set`. */
export type SyncWriteOptions = Omit<WriteOptions, 'signal'>
/** Options of the synchronous `add`, which is a condition. */
export type SyncSetOptions = Omit<SyncWriteOptions, 'ifAbsent' | 'ifVersion'>
/** Options of the synchronous `verify`. */
export type SyncVerifyOptions = Omit<VerifyOptions, 'signal'>
/** Options of the synchronous `sweep`. */
export type SyncSweepOptions = Omit<SweepOptions, 'signal'>
/** Options of {@link openSync}. */
export type SyncOpenOptions = Omit<OpenOptions, 'signal' | 'sweep' | 'inline'>
/** Options of synchronous listings. */
export interface SyncListOptions {
  /** Only keys that begin with this; default: all. */
  readonly prefix?: string | undefined
}

/**
 * A store in a directory, for scripts: the verbs of `Store`, each done when it returns. It runs
 * the same protocol, so it may share a directory with any number of others.
 */
export class SyncStore implements Disposable {
  readonly #driver: SyncDriver
  readonly #context: Context
  readonly #openObjects = new Set<SyncStoredObject>()
  #closed = false
  #beatAtMs = Date.now()
  readonly #look: SyncDriver['lstat']

  /** @internal Made by {@link openSync}. */
  constructor(driver: SyncDriver, context: Context) {
    this.#driver = driver
    this.#context = context
    this.#look = driver.lstat.bind(driver)
  }

  /** Stores a value, replacing any other, and returns what is known of it. */
  set(key: string, value: SyncBody, options: SyncWriteOptions = {}): ObjectInfo {
    return this.#write(key, value, options)
  }

  /** The value of a key; undefined if it has none. */
  get(key: string): Buffer | undefined {
    const trace = this.#trace('read', key)
    const kept = trace === undefined ? this.#recall(key) : undefined
    if (kept !== undefined) return kept
    const request = (): Operation<Buffer | undefined> => requests.valueRequest(this.#context, key)
    return this.#runIn(trace, 'read', request, key)
  }

  /** Whether a key has an object. */
  has(key: string): boolean {
    return this.stat(key) !== undefined
  }

  /** Removes an object; says whether there was one. */
  delete(key: string, options: SyncRemoveOptions = {}): boolean {
    const request = (): Operation<boolean> =>
      requests.removeRequest(this.#context, key, refuseSignal(options))
    return this.#run('remove', request, key)
  }

  /** Stores a value if the key has none; says whether it did. One of many contenders wins. */
  add(key: string, value: SyncBody, options: SyncSetOptions = {}): boolean {
    checkOptions(options)
    try {
      this.#write(key, value, { ...options, ifAbsent: true })
      return true
    } catch (error) {
      if (error instanceof StoreError && error.code === 'PRECONDITION_FAILED') return false
      throw error
    }
  }

  /** Reads and removes in one: of many contenders one gets the value. See `Store.take`. */
  take(key: string, options: SyncChangeOptions = {}): Buffer | undefined {
    const request = (): Operation<Handle | undefined> =>
      requests.takeRequest(this.#context, key, refuseSignal(options))
    const object = this.#hold('take', this.#run('take', request, key))
    if (object === undefined) return undefined
    try {
      requireBuffer(object.info)
    } catch (error) {
      this.add(key, object.pieces(), { ...options, ...attributesOf(object.info, Date.now()) })
      object.close()
      throw error
    }
    return bytesOf(object)
  }

  /** What is known of an object, without its value. */
  stat(key: string): ObjectInfo | undefined {
    return this.#run('stat', () => requests.statRequest(this.#context, key, {}), key)
  }

  /** Opens one version of an object, to be read as a whole or in parts. */
  read(key: string): SyncStoredObject | undefined {
    const request = (): Operation<Handle | undefined> =>
      requests.readRequest(this.#context, key, {})
    return this.#hold('read', this.#run('read', request, key))
  }

  /** The values of many keys, in their order; a key that has none is not in the map. */
  getMany(keys: Iterable<string>): Map<string, Buffer> {
    return getManySync(this, keys)
  }

  /** Stores many values, one after the other; says how many. See `Store.setMany`. */
  setMany(
    entries: Iterable<readonly [key: string, value: SyncBody]>,
    options: SyncSetOptions = {},
  ): number {
    return setManySync(this, entries, options)
  }

  /** Removes many objects, one after the other; says how many there were. */
  deleteMany(keys: Iterable<string>, options: SyncChangeOptions = {}): number {
    return deleteManySync(this, keys, options)
  }

  /** The keys, in no meaningful order; weakly consistent, each once. */
  *keys(options: SyncListOptions = {}): Generator<string> {
    for (const { key } of this.list(options)) yield key
  }

  /** What is known of every object. */
  *list(options: SyncListOptions = {}): Generator<ObjectInfo> {
    const check = (): string => requests.listPrefix(this.#context, refuseSignal(options))
    const prefix = this.#check('list', check)
    const trace = this.#trace('list')
    const infos = this.#listed(prefix, this.#runner('list', trace))
    yield* trace === undefined ? infos : trace.during(infos)
  }

  *#listed(prefix: string, run: <T>(operation: Operation<T>) => T): Generator<ObjectInfo> {
    const visit = (outer: string, inner: string): Operation<Listed> =>
      listShard(this.#context, outer, inner)
    let damage: StoreError | undefined
    for (const { infos, problems } of walkShardsSync(run, this.#context, visit)) {
      for (const info of infos) if (info.key.startsWith(prefix)) yield info
      damage ??= problems[0]
    }
    if (damage !== undefined) throw toStoreError(damage, 'list')
  }

  /** The values, each read when its turn comes; what was deleted meanwhile is left out. */
  *values(options: SyncListOptions = {}): Generator<Buffer> {
    for (const [, value] of this.entries(options)) yield value
  }

  /** Keys and values. */
  *entries(options: SyncListOptions = {}): Generator<[key: string, value: Buffer]> {
    for (const key of this.keys(options)) {
      const value = this.get(key)
      if (value !== undefined) yield [key, value]
    }
  }

  /** The same as {@link entries} of all. */
  [Symbol.iterator](): Generator<[key: string, value: Buffer]> {
    return this.entries()
  }

  /** How many objects there are. Weakly consistent, like a listing. */
  count(): number {
    return this.#tour('count', {}, (meter) => countAll(this.#context, meter))
  }

  /** Copies an object, with all it has but its version; says whether there was one. */
  copy(from: string, to: string, options: SyncChangeOptions = {}): boolean {
    const request = (): Operation<boolean> =>
      requests.copyRequest(this.#context, from, to, refuseSignal(options))
    return this.#run('copy', request, from)
  }

  /** Moves an object to another key; says whether there was one. See `Store.rename`. */
  rename(from: string, to: string, options: SyncChangeOptions = {}): boolean {
    const request = (): Operation<boolean> =>
      requests.renameRequest(this.#context, from, to, refuseSignal(options))
    return this.#run('rename', request, from)
  }

  /** Removes all objects and nothing else; says how many there were, expired ones included. */
  clear(options: SyncChangeOptions = {}): number {
    checkOptionNames(options, ['durability'])
    const durability = requests.durabilityOf(this.#context, options)
    return this.#tour('clear', {}, (meter) => clearAll(this.#context, durability, meter))
  }

  /** Reads every object and checks everything; changes nothing, but with `quarantine`. */
  verify(options: SyncVerifyOptions = {}): VerifyReport {
    return this.#tour('verify', options, (meter) => verifyAll(this.#context, options, meter))
  }

  /** Removes what crashes have left, what has expired, and what is too much. See `Store.sweep`. */
  sweep(options: SyncSweepOptions = {}): SweepReport {
    return this.#tour(
      'sweep',
      options,
      (meter) => sweepAll(this.#context, options, meter),
      (trace, report) => trace.noteSwept(report, options),
    )
  }

  /** Removes the store and its directory, and closes it. See `Store.destroy`. */
  destroy(): void {
    this.#tour('destroy', {}, (meter) => destroyShards(this.#context, meter))
    this.#letGo()
    this.#perform('destroy', destroyRoot(this.#context))
    this.close()
  }

  /** Closes what is open and removes the private directory. Closing twice is fine. */
  close(): void {
    if (this.#closed) return
    this.#letGo()
    this.#run('close', () => removeInstance(this.#context))
    this.#closed = true
  }

  /** The same as {@link close}: for `using`. */
  [Symbol.dispose](): void {
    this.close()
  }

  #write(key: string, value: SyncBody, options: WriteOptions): ObjectInfo {
    const begin = (): Operation<ObjectInfo> => {
      const request = requests.writeRequest(this.#context, key, value, refuseSignal(options))
      return requests.cancelling(request)
    }
    return this.#run(options.ifAbsent === true ? 'add' : 'write', begin, key)
  }

  /** What is kept in memory, if it is current: without all that a read takes otherwise. */
  #recall(key: string): Buffer | undefined {
    if (this.#closed || this.#context.cache === undefined) return undefined
    this.#beatIfDue()
    return recall(this.#context, key, this.#look)
  }

  #hold(name: 'read' | 'take', handle: Handle | undefined): SyncStoredObject | undefined {
    if (handle === undefined) return undefined
    const forget = (object: SyncStoredObject): void => void this.#openObjects.delete(object)
    const { root } = this.#context
    const run = <T>(operation: Operation<T>, counts?: Counts): T =>
      this.#perform(name, operation, handle.info.key, counts)
    const object = new SyncStoredObject(root, handle, run, forget)
    if (handle.pin !== undefined) this.#openObjects.add(object)
    return object
  }

  #letGo(): void {
    for (const object of this.#openObjects) object.close()
  }

  /** Runs the parts of an operation. */
  #runner(name: OperationName, trace: Trace | undefined): <T>(operation: Operation<T>) => T {
    return (operation) => this.#perform(name, operation, undefined, trace?.counts)
  }

  #check<T>(name: OperationName, check: () => T, key?: string): T {
    try {
      if (this.#closed) throw new StoreError('CLOSED', 'the store is closed')
      return check()
    } catch (error) {
      throw toStoreError(error, errorNameOf(name), key)
    }
  }

  /** Runs an operation that is one by itself: whoever listens is told of it. */
  #run<T>(name: OperationName, begin: () => Operation<T>, key?: string): T {
    return this.#runIn(this.#trace(name, key), name, begin, key)
  }

  #runIn<T>(
    trace: Trace | undefined,
    name: OperationName,
    begin: () => Operation<T>,
    key?: string,
  ): T {
    const operation = this.#check(name, begin, key)
    if (trace === undefined) return this.#perform(name, operation, key)
    return trace.runSync(() => this.#perform(name, operation, key, trace.counts))
  }

  #perform<T>(name: OperationName, operation: Operation<T>, key?: string, counts?: Counts): T {
    if (this.#openObjects.size > 0 || this.#context.cache !== undefined) this.#beatIfDue()
    return this.#check(name, () => this.#driver.run(operation, counts), key)
  }

  #trace(name: OperationName, key?: string): Trace | undefined {
    return traceOf(name, this.#context.root, true, key)
  }

  /** What is held for long would else look abandoned; nothing here runs by itself. */
  #beatIfDue(): void {
    if (Date.now() - this.#beatAtMs < HEARTBEAT_MS) return
    this.#beatAtMs = Date.now()
    if (this.#context.instance === undefined) return
    this.#driver.run(quietly(dropUnused(this.#context)))
    this.#driver.run(quietly(beat(this.#context)))
  }

  #tour<T>(
    name: OperationName,
    options: SyncVerifyOptions,
    begin: (meter: ProgressMeter) => Tour<T>,
    note?: (trace: Trace, result: T) => void,
  ): T {
    const trace = this.#trace(name)
    const work = (): T => {
      const meter = new ProgressMeter(refuseSignal(options))
      const run = this.#runner(name, trace)
      const result = runTourSync(begin(meter), this.#context, run, meter.onFraction)
      if (trace !== undefined) note?.(trace, result)
      return result
    }
    return trace === undefined ? work() : trace.runSync(work)
  }
}

/**
 * Opens a directory as a store, synchronously. The options are those of `open`, but for `signal`,
 * `inline`, and `sweep`: it sweeps when it is told to.
 *
 * @throws StoreError as `open` does
 */
export function openSync(path: string, options: SyncOpenOptions = {}): SyncStore {
  if ('sweep' in refuseSignal(options)) {
    throw new TypeError('unknown option "sweep"; a synchronous store sweeps when sweep() is called')
  }
  if ('inline' in options) {
    throw new TypeError('unknown option "inline"; a synchronous store makes each call at once')
  }
  const [root, how] = checkOpen(path, options)
  const driver = new SyncDriver(options.fs)
  const trace = traceOf('open', root, true)
  const opening = (): Context => {
    try {
      return driver.run(openStore(root, how), trace?.counts)
    } catch (error) {
      throw toStoreError(error, 'open')
    }
  }
  return new SyncStore(driver, trace === undefined ? opening() : trace.runSync(opening))
}

/** Nothing can be aborted here, so a signal would be an option that nobody reads. */
function refuseSignal<T extends object>(options: T): T {
  checkOptions(options)
  if (!('signal' in options)) return options
  throw new TypeError('unknown option "signal"; a synchronous call cannot be aborted')
}

function bytesOf(object: SyncStoredObject | undefined): Buffer | undefined {
  if (object === undefined) return undefined
  try {
    return object.bytes()
  } finally {
    object.close()
  }
}
