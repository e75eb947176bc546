import { setImmediate } from 'node:timers/promises'
import { AsyncDriver, TWO_DESCRIPTORS } from '../drivers/async.js'
import { StoreError, toStoreError } from '../errors.js'
import type { Operation } from '../drivers/effects.js'
import type { ObjectInfo } from '../object-info.js'
import type { Bulk, ClearOptions, VerifyReport, WalkOptions } from '../bulk.js'
import type {
  Body,
  CallOptions,
  ChangeOptions,
  ListOptions,
  ObjectStore,
  StoredObject,
  Supports,
  WriteOptions,
} from '../object-store.js'
import { checkOptionNames } from '../options.js'
import { clearShard, destroyOuter, destroyRoot, requireOwnStore } from '../protocol/clear.js'
import type { Context } from '../protocol/context.js'
import { mayExpire } from '../protocol/expire.js'
import { countShard, listShard, shardNames, type Listed } from '../protocol/list.js'
import { openStore } from '../protocol/open.js'
import { removeInstance } from '../protocol/private-names.js'
import type { Handle } from '../protocol/read.js'
import { FindingsSum, verifyDirectory, verifyShard } from '../protocol/verify.js'
import { DirectoryObject } from './directory-object.js'
import { checkOpen, type OpenOptions } from './opening.js'
import * as requests from './requests.js'
import { ProgressMeter, walkShards } from './walk.js'

/** A store in a directory: what `open` gives its face to. */
export class DirectoryStore implements ObjectStore, Bulk {
  readonly supports: Supports
  readonly #driver: AsyncDriver
  readonly #context: Context
  readonly #openObjects = new Set<StoredObject>()
  #closing: Promise<void> | undefined

  /** @internal Made by {@link directoryStore}. */
  constructor(driver: AsyncDriver, context: Context) {
    this.#driver = driver
    this.#context = context
    const isEnvelope = context.format === 'envelope'
    this.supports = {
      list: isEnvelope,
      metadata: isEnvelope,
      expiry: isEnvelope,
      versions: isEnvelope,
    }
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

  async remove(key: string, options: ChangeOptions = {}): Promise<boolean> {
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

  async count(options: WalkOptions = {}): Promise<number> {
    checkOptionNames(options, WALK_OPTIONS)
    const expires = await this.#run('count', mayExpire(this.#context), options)
    const count: ShardCount = (context, outer, inner) => countShard(context, outer, inner, expires)
    return await this.#sum('count', count, options)
  }

  async clear(options: ClearOptions = {}): Promise<number> {
    checkOptionNames(options, [...WALK_OPTIONS, 'durability'])
    const durability = requests.durabilityOf(this.#context, options)
    await this.#run('clear', requireOwnStore(this.#context), options)
    const clear: ShardCount = (context, outer, inner) =>
      clearShard(context, outer, inner, durability)
    return await this.#sum('clear', clear, options)
  }

  async verify(options: WalkOptions = {}): Promise<VerifyReport> {
    checkOptionNames(options, WALK_OPTIONS)
    const meter = new ProgressMeter(options)
    const run = <T>(operation: Operation<T>): Promise<T> => this.#run('verify', operation, options)
    const report = new FindingsSum()
    report.add(await run(verifyDirectory(this.#context)))
    for (const outer of await run(shardNames(this.#context))) {
      report.add(await run(verifyDirectory(this.#context, outer)))
    }
    const visit = (outer: string, inner: string): Operation<VerifyReport> =>
      verifyShard(this.#context, outer, inner)
    for await (const found of this.#walk('verify', visit, options, meter)) {
      report.add(found)
      meter.add(found.objects)
    }
    return report
  }

  async destroy(options: WalkOptions = {}): Promise<void> {
    checkOptionNames(options, WALK_OPTIONS)
    const run = <T>(operation: Operation<T>): Promise<T> => this.#run('destroy', operation, options)
    const meter = new ProgressMeter(options)
    await run(requireOwnStore(this.#context))
    const outers = await run(shardNames(this.#context))
    for (const [index, outer] of outers.entries()) {
      await run(destroyOuter(this.#context, outer))
      meter.onFraction((index + 1) / outers.length)
    }
    await this.#letGo()
    await run(destroyRoot(this.#context))
    await this.close()
  }

  close(): Promise<void> {
    this.#closing ??= this.#finish()
    return this.#closing
  }

  async #finish(): Promise<void> {
    await this.#letGo()
    try {
      await this.#driver.run(removeInstance(this.#context))
    } catch (error) {
      throw toStoreError(error, 'close')
    }
  }

  /** Closes objects still open and waits until nothing runs any more. */
  async #letGo(): Promise<void> {
    do {
      for (const object of this.#openObjects) await object.close()
      await this.#driver.drain()
      // A get or take that was under way reads what it has just opened in this turn.
      await setImmediate()
    } while (this.#openObjects.size > 0 || this.#driver.isBusy)
  }

  #hold(handle: Handle | undefined): StoredObject | undefined {
    if (handle === undefined) return undefined
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
  ): Promise<T> {
    this.#check(name, () => undefined, key)
    try {
      return await this.#driver.run(operation, { signal: options.signal, places })
    } catch (error) {
      throw toStoreError(error, name, key)
    }
  }

  #walk<T>(
    name: string,
    visit: (outer: string, inner: string) => Operation<T>,
    options: WalkOptions,
    meter = new ProgressMeter(options),
  ): AsyncGenerator<T> {
    const run = <R>(operation: Operation<R>): Promise<R> => this.#run(name, operation, options)
    return walkShards(run, this.#context, visit, meter.onFraction)
  }

  async #sum(name: string, count: ShardCount, options: WalkOptions): Promise<number> {
    const meter = new ProgressMeter(options)
    const visit = (outer: string, inner: string): Operation<number> =>
      count(this.#context, outer, inner)
    let total = 0
    for await (const objects of this.#walk(name, visit, options, meter)) {
      total += objects
      meter.add(objects)
    }
    return total
  }
}

type ShardCount = (context: Context, outer: string, inner: string) => Operation<number>

const WALK_OPTIONS = ['signal', 'onProgress']

/** Opens a directory as an object store, for layers and for `Store`. See {@link OpenOptions}. */
export async function directoryStore(
  path: string,
  options: OpenOptions = {},
): Promise<DirectoryStore> {
  const [root, how] = checkOpen(path, options)
  // fs-extra waits when descriptors run out; it takes time to load, which scripts need not pay.
  const fs = options.fs ?? (await import('fs-extra')).default
  const driver = new AsyncDriver(fs)
  try {
    return new DirectoryStore(driver, await driver.run(openStore(root, how), options))
  } catch (error) {
    throw toStoreError(error, 'open')
  }
}
