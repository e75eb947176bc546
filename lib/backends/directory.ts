import { setImmediate } from 'node:timers/promises'
import { noQueues, type QueueBackend, type QueueStore } from '../coordination/queue.js'
import { noCells, type Register, type RegisterStore } from '../coordination/register.js'
import { AsyncDriver, TWO_DESCRIPTORS } from '../drivers/async.js'
import { QuickCalls } from '../drivers/quick-calls.js'
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
import { toObjectKey } from '../key.js'
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
      return await this.#run('write', request.operation, options, key, places)
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
    let damage: StoreError | undefined
    for await (const { infos, problems } of this.#walk('list', visit, options)) {
      for (const info of infos) if (info.key.startsWith(prefix)) yield info
      damage ??= problems[0]
    }
    if (damage !== undefined) throw toStoreError(damage, 'list')
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
    return this.#tour('sweep', options, (meter) => sweepAll(this.#context, options, meter))
  }

  async destroy(options: WalkOptions = {}): Promise<void> {
    await this.#tour('destroy', options, (meter) => {
      checkOptionNames(options, WALK_OPTIONS)
      return destroyShards(this.#context, meter)
    })
    await this.#letGo()
    await this.#run('destroy', destroyRoot(this.#context), options)
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
        this.#run(operation, task, options, name, 1, false),
      )
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.#finish()
    return this.#closing
  }

  async #finish(): Promise<void> {
    await this.#letGo()
    await this.#driver.run(removeInstance(this.#context))
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
    const object = new DirectoryObject(this.#driver, handle, forget)
    if (handle.pin !== undefined) this.#openObjects.add(object)
    return object
  }

  /** Makes a request of an open store; what is wrong with it is said in the store's own terms. */
  #check<T>(name: string, begin: () => T, key?: string): T {
    if (this.#closing !== undefined) {
      throw new StoreError('CLOSED', 'the store is closed', { operation: name, key })
    }
    try {
      return begin()
    } catch (error) {
      throw toStoreError(error, name, key)
    }
  }

  async #run<T>(
    name: string,
    operation: Operation<T>,
    options: CallOptions,
    key?: string,
    places = 1,
    atOnce = true,
  ): Promise<T> {
    this.#check(name, () => undefined, key)
    try {
      return await this.#driver.run(operation, { signal: options.signal, places, atOnce })
    } catch (error) {
      throw toStoreError(error, name, key)
    }
  }

  #walk<T>(
    name: string,
    visit: (outer: string, inner: string) => Operation<T>,
    options: CallOptions,
  ): AsyncGenerator<T> {
    const run = <R>(operation: Operation<R>): Promise<R> => this.#run(name, operation, options)
    return walkShards(run, this.#context, visit)
  }

  async #tour<T>(
    name: string,
    options: WalkOptions,
    begin: (meter: ProgressMeter) => Tour<T>,
  ): Promise<T> {
    const meter = new ProgressMeter(options)
    const run = <R>(operation: Operation<R>): Promise<R> => this.#run(name, operation, options)
    return await runTour(begin(meter), this.#context, run, meter.onFraction)
  }

  /** Only what is held for long needs it: every private name is a sign of life by itself. */
  async #beat(): Promise<void> {
    if (this.#context.instance === undefined) return
    await this.#driver.run(dropUnused(this.#context))
    await this.#driver.run(beat(this.#context))
  }

  async #sweepInTurn(options: SweepOptions): Promise<void> {
    if (await this.#run('sweep', takeTurn(this.#context), options)) await this.sweep(options)
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
  try {
    const context = await driver.run(openStore(root, how), options)
    if (inline && context.isLocal) driver.quick = new QuickCalls(fs)
    return new DirectoryStore(driver, context, limits)
  } catch (error) {
    throw toStoreError(error, 'open')
  }
}
