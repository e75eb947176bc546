import { setImmediate } from 'node:timers/promises'
import { noQueues, type QueueBackend, type QueueStore } from '../coordination/queue.js'
import { noCells, type Register, type RegisterStore } from '../coordination/register.js'
import { AsyncDriver, TWO_DESCRIPTORS, type RunOptions } from '../drivers/async.js'
import { QuickCalls } from '../drivers/quick-calls.js'
import type { Counts } from '../drivers/observed.js'
import { StoreError, toStoreError } from '../errors.js'
import type { Operation } from '../drivers/effects.js'
import type { ObjectInfo } from '../object-info.js'
import type {
  Bulk,
  ClearOptions,
  SweepLimits,
  SweepOptions,
  VerifyOptions,
  VerifyReport,
  WalkOptions,
} from '../bulk.js'
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
import { checkBoolean, checkOptionNames } from '../options.js'
import { MAX_KEY_BYTES, toObjectKey } from '../key.js'
import { locateCell } from '../protocol/cell.js'
import type { CellSpace } from '../protocol/cell-spaces.js'
import { destroyRoot } from '../protocol/clear.js'
import type { Context } from '../protocol/context.js'
import { dropUnused } from '../protocol/cached-read.js'
import { beat } from '../protocol/heartbeat.js'
import { listShard, type Listed } from '../protocol/list.js'
import { openStore } from '../protocol/open.js'
import { removeInstance } from '../protocol/private-names.js'
import type { Handle } from '../protocol/read.js'
import type { SweepReport } from '../protocol/sweep-sum.js'
import { takeTurn } from '../protocol/sweep-turn.js'
import { CELL_KINDS, errorNameOf, type OperationName } from '../tracing/operations.js'
import { traceOf, type Trace } from '../tracing/trace.js'
import { DirectoryObject } from './directory-object.js'
import { DirectoryQueues } from './directory-queue.js'
import { DirectoryRegister } from './directory-register.js'
import { Housekeeping, type Chore } from './housekeeping.js'
import { checkHousekeeping, checkOpen, type OpenOptions } from './opening.js'
import * as requests from './requests.js'
import { runTour, type Tour } from './tour.js'
import { ProgressMeter, walkShards } from './walk.js'
import { clearAll, countAll, destroyShards, sweepAll, verifyAll } from './whole-store.js'
import { WALK_OPTIONS } from './whole-store.js'

/** A store in a directory: what `open` gives its face to. */
export class DirectoryStore implements ObjectStore, Bulk, QueueStore, RegisterStore {
  /** What the store can do, by its format and by whether it was made conditional. */
  readonly supports: Supports
  readonly #driver: AsyncDriver
  readonly #context: Context
  readonly #openObjects = new Set<StoredObject>()
  readonly #housekeeping: Housekeeping
  readonly #queues: DirectoryQueues
  #closing: Promise<void> | undefined

  /** @internal Made by {@link directoryStore}. */
  constructor(driver: AsyncDriver, context: Context, sweep?: SweepLimits) {
    this.#driver = driver
    this.#context = context
    const isEnvelope = context.format === 'envelope'
    this.supports = {
      list: isEnvelope,
      metadata: isEnvelope,
      expiry: isEnvelope,
      versions: isEnvelope,
      conditions: context.isConditional,
      maxKeyBytes: MAX_KEY_BYTES,
    }
    this.#queues = new DirectoryQueues({
      driver,
      context,
      requireOpen: (operation) => this.#check(operation, () => undefined),
      hold: (handle) => this.#holdOpen(handle),
    })
    const chores: Chore[] = [() => this.#beat()]
    if (sweep !== undefined) chores.push((signal) => this.#sweepInTurn({ ...sweep, signal }))
    this.#housekeeping = new Housekeeping(context.readOnly === undefined ? chores : [])
  }

  async read(key: string, options: CallOptions = {}): Promise<StoredObject | undefined> {
    const request = this.#check(
      'read',
      () => requests.readRequest(this.#context, key, options),
      key,
    )
    return this.#hold(await this.#run('read', request, options, key))
  }

  async stat(key: string, options: CallOptions = {}): Promise<ObjectInfo | undefined> {
    const request = this.#check(
      'stat',
      () => requests.statRequest(this.#context, key, options),
      key,
    )
    return await this.#run('stat', request, options, key)
  }

  async write(key: string, body: Body, options: WriteOptions = {}): Promise<ObjectInfo> {
    const begin = (): requests.WriteRequest =>
      requests.writeRequest(this.#context, key, body, options)
    const request = this.#check('write', begin, key)
    try {
      const places = request.waitsOnCaller ? 0 : 1
      const name = options.ifAbsent === true ? 'add' : 'write'
      return await this.#run(name, request.operation, options, key, places)
    } catch (error) {
      request.cancel(error)
      throw error
    }
  }

  async remove(key: string, options: RemoveOptions = {}): Promise<boolean> {
    const request = this.#check(
      'remove',
      () => requests.removeRequest(this.#context, key, options),
      key,
    )
    return await this.#run('remove', request, options, key)
  }

  async take(key: string, options: ChangeOptions = {}): Promise<StoredObject | undefined> {
    const request = this.#check(
      'take',
      () => requests.takeRequest(this.#context, key, options),
      key,
    )
    return this.#hold(await this.#run('take', request, options, key))
  }

  async *list(options: ListOptions = {}): AsyncGenerator<ObjectInfo> {
    const prefix = this.#check('list', () => requests.listPrefix(this.#context, options))
    const visit = (outer: string, inner: string): Operation<Listed> =>
      listShard(this.#context, outer, inner)
    const trace = traceOf('list', this.#context.root, false)
    trace?.begin()
    try {
      let damage: StoreError | undefined
      for await (const { infos, problems } of this.#walk('list', visit, options, trace)) {
        for (const info of infos) if (info.key.startsWith(prefix)) yield info
        damage ??= problems[0]
      }
      if (damage !== undefined) throw toStoreError(damage, 'list')
    } catch (error) {
      trace?.finish(error)
      throw error
    } finally {
      trace?.finish()
    }
  }

  async copy(from: string, to: string, options: ChangeOptions = {}): Promise<boolean> {
    const begin = (): Operation<boolean> => requests.copyRequest(this.#context, from, to, options)
    const request = this.#check('copy', begin, from)
    return await this.#run('copy', request, options, from, TWO_DESCRIPTORS)
  }

  async rename(from: string, to: string, options: ChangeOptions = {}): Promise<boolean> {
    const begin = (): Operation<boolean> => requests.renameRequest(this.#context, from, to, options)
    const request = this.#check('rename', begin, from)
    return await this.#run('rename', request, options, from, TWO_DESCRIPTORS)
  }

  count(options: WalkOptions = {}): Promise<number> {
    return this.#tour('count', options, (meter) => {
      checkOptionNames(options, WALK_OPTIONS)
      return countAll(this.#context, meter)
    })
  }

  clear(options: ClearOptions = {}): Promise<number> {
    return this.#tour('clear', options, (meter) => {
      checkOptionNames(options, [...WALK_OPTIONS, 'durability'])
      return clearAll(this.#context, requests.durabilityOf(this.#context, options), meter)
    })
  }

  verify(options: VerifyOptions = {}): Promise<VerifyReport> {
    return this.#tour('verify', options, (meter) => verifyAll(this.#context, options, meter))
  }

  sweep(options: SweepOptions = {}): Promise<SweepReport> {
    return this.#tour(
      'sweep',
      options,
      (meter) => sweepAll(this.#context, options, meter),
      (trace, report) => trace.noteSwept(report, options),
    )
  }

  async destroy(options: WalkOptions = {}): Promise<void> {
    await this.#tour('destroy', options, (meter) => {
      checkOptionNames(options, WALK_OPTIONS)
      return destroyShards(this.#context, meter)
    })
    await this.#letGo()
    await this.#perform('destroy', destroyRoot(this.#context), { signal: options.signal })
    await this.close()
  }

  queueBackend(name: string): QueueBackend {
    return this.#check('queue', () => {
      if (this.#context.format === 'envelope') return this.#queues.queue(name)
      throw noQueues('the raw format keeps nothing but values, so it has no queues')
    })
  }

  /** The place that a cell, lease or flight is built on; `NOT_SUPPORTED` in the `raw` format. */
  register(space: CellSpace, name: string): Register {
    return this.#check('cell', () => {
      const cell = locateCell(this.#context, space, toObjectKey(name))
      if (this.#context.format !== 'envelope') {
        throw noCells('the raw format keeps nothing but values')
      }
      return new DirectoryRegister(this.#context, cell, (operation, task, options) =>
        this.#run(`${CELL_KINDS[space]}:${operation}`, task, options, name, 1, false),
      )
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.#finish()
    return this.#closing
  }

  #finish(): Promise<void> {
    const trace = traceOf('close', this.#context.root, false)
    const finish = async (): Promise<void> => {
      await this.#letGo()
      await this.#driver.run(removeInstance(this.#context), {}, trace?.counts)
    }
    return trace === undefined ? finish() : trace.run(finish)
  }

  /** Closes objects still open and waits until nothing runs any more. */
  async #letGo(): Promise<void> {
    await this.#housekeeping.stop()
    await this.#queues.stop()
    do {
      for (const object of this.#openObjects) await object.close()
      await this.#driver.drain()
      // A get or take that was under way reads what it has just opened in this turn.
      await setImmediate()
    } while (this.#openObjects.size > 0 || this.#driver.isBusy)
  }

  #hold(handle: Handle | undefined): StoredObject | undefined {
    return handle === undefined ? undefined : this.#holdOpen(handle)
  }

  #holdOpen(handle: Handle): StoredObject {
    const forget = (object: StoredObject): void => void this.#openObjects.delete(object)
    const object = new DirectoryObject(this.#driver, this.#context.root, handle, forget)
    if (handle.pin !== undefined) this.#openObjects.add(object)
    return object
  }

  /** Makes a request of an open store; what is wrong with it is said in the store's own terms. */
  #check<T>(name: string, begin: () => T, key?: string): T {
    try {
      if (this.#closing !== undefined) throw closedError()
      return begin()
    } catch (error) {
      throw toStoreError(error, name, key)
    }
  }

  /** Runs an operation that is one by itself: whoever listens is told of it. */
  #run<T>(
    name: OperationName,
    operation: Operation<T>,
    options: CallOptions,
    key?: string,
    places = 1,
    atOnce = true,
  ): Promise<T> {
    const trace = traceOf(name, this.#context.root, false, key)
    const how = { signal: options.signal, places, atOnce }
    if (trace === undefined) return this.#perform(name, operation, how, key)
    return trace.run(() => this.#perform(name, operation, how, key, trace.counts))
  }

  async #perform<T>(
    name: OperationName,
    operation: Operation<T>,
    how: RunOptions,
    key?: string,
    counts?: Counts,
  ): Promise<T> {
    try {
      if (this.#closing !== undefined) throw closedError()
      return await this.#driver.run(operation, how, counts)
    } catch (error) {
      throw toStoreError(error, errorNameOf(name), key)
    }
  }

  #walk<T>(
    name: OperationName,
    visit: (outer: string, inner: string) => Operation<T>,
    { signal }: CallOptions,
    trace: Trace | undefined,
  ): AsyncGenerator<T> {
    return walkShards(this.#runner(name, signal, trace), this.#context, visit)
  }

  /** Runs the parts of an operation. */
  #runner(
    name: OperationName,
    signal: AbortSignal | undefined,
    trace: Trace | undefined,
  ): <R>(operation: Operation<R>) => Promise<R> {
    const counts = trace?.counts
    return (operation) => this.#perform(name, operation, { signal }, undefined, counts)
  }

  #tour<T>(
    name: OperationName,
    options: WalkOptions,
    begin: (meter: ProgressMeter) => Tour<T>,
    note?: (trace: Trace, result: T) => void,
  ): Promise<T> {
    const trace = traceOf(name, this.#context.root, false)
    const work = async (): Promise<T> => {
      const meter = new ProgressMeter(options)
      const run = this.#runner(name, options.signal, trace)
      const result = await runTour(begin(meter), this.#context, run, meter.onFraction)
      if (trace !== undefined) note?.(trace, result)
      return result
    }
    return trace === undefined ? work() : trace.run(work)
  }

  /** Only what is held for long needs it: every private name is a sign of life by itself. */
  async #beat(): Promise<void> {
    if (this.#context.instance === undefined) return
    await this.#driver.run(dropUnused(this.#context))
    await this.#driver.run(beat(this.#context))
  }

  async #sweepInTurn(options: SweepOptions): Promise<void> {
    const { signal } = options
    const isDue = await this.#perform('sweep', takeTurn(this.#context), { signal })
    if (isDue) await this.sweep(options)
  }
}

/** Opens a directory as an object store, for layers and for `Store`. See {@link OpenOptions}. */
export async function directoryStore(
  path: string,
  options: OpenOptions = {},
): Promise<DirectoryStore> {
  const [root, how] = checkOpen(path, options)
  const limits = checkHousekeeping(options)
  const inline = checkBoolean('inline', options.inline, options.fs === undefined)
  // fs-extra waits when descriptors run out; it takes time to load, which scripts need not pay.
  const fs = options.fs ?? (await import('fs-extra')).default
  const driver = new AsyncDriver(fs)
  const trace = traceOf('open', root, false)
  const opening = async (): Promise<Context> => {
    try {
      return await driver.run(openStore(root, how), { signal: options.signal }, trace?.counts)
    } catch (error) {
      throw toStoreError(error, 'open')
    }
  }
  const context = await (trace === undefined ? opening() : trace.run(opening))
  if (inline && context.isLocal) driver.quick = new QuickCalls(fs)
  return new DirectoryStore(driver, context, limits)
}

function closedError(): StoreError {
  return new StoreError('CLOSED', 'the store is closed')
}
