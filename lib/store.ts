import type { Readable, Writable } from 'node:stream'
import {
  bulkOf,
  type Bulk,
  type ClearOptions,
  type SweepOptions,
  type VerifyOptions,
  type VerifyReport,
  type WalkOptions,
} from './bulk.js'
import { Cell } from './coordination/cell.js'
import { Coordination, noCoordination, type Coordinator } from './coordination/coordination.js'
import type { Lease, LeaseOptions } from './coordination/lease.js'
import type { LockOptions } from './coordination/leases.js'
import { Queue, type QueueOptions } from './coordination/queue.js'
import type { Create, CreateOptions } from './coordination/single-flight.js'
import { hasCode, StoreError } from './errors.js'
import { checkHealth, type Health, type HealthOptions } from './health.js'
import { deleteMany, getMany, setMany } from './many/async.js'
import type { DeleteManyOptions, ManyOptions, SetManyOptions } from './many/async.js'
import { requireBuffer, type ObjectInfo } from './object-info.js'
import type {
  Body,
  CallOptions,
  ChangeOptions,
  ListOptions,
  ObjectStore,
  RangeOptions,
  RemoveOptions,
  StoredObject,
  Supports,
  WriteOptions,
} from './object-store.js'
import { checkOptionNames, checkOptions } from './options.js'
import type { SweepReport } from './protocol/sweep-sum.js'
import { lazyReadable, writeStream } from './streams.js'
import { bytesOf, putBack } from './value.js'

/** Options of `add`, which is a condition itself. */
export type SetOptions = Omit<WriteOptions, 'ifAbsent' | 'ifVersion'>

/** Options of `createReadStream`. */
export interface ReadStreamOptions extends RangeOptions, CallOptions {}

/**
 * The face of a store: a Map that is shared, asynchronous and durable. What each verb promises
 * stands at the member of {@link ObjectStore} it comes from.
 *
 * Errors, on every verb: `TypeError` and `RangeError` for misuse, {@link StoreError} for all
 * else; a missing key is `undefined` or `false`. An expired object is absent to every verb.
 */
export class Store implements AsyncDisposable {
  readonly #objects: ObjectStore
  readonly #bulk: Bulk
  readonly #coordination: Coordination | undefined
  readonly #writeStreams = new Set<Writable>()

  /**
   * @param objects - any backend or layer
   * @param bulk - its own ways of doing the operations over many objects, if it has any
   * @param coordinator - where it keeps cells and queues, if it does
   */
  constructor(objects: ObjectStore, bulk: Bulk = bulkOf(objects), coordinator?: Coordinator) {
    this.#objects = objects
    this.#bulk = bulk
    this.#coordination =
      coordinator === undefined ? undefined : new Coordination(objects, coordinator)
  }

  /** The backend or layer that this is the face of, to put other layers on. */
  get objects(): ObjectStore {
    return this.#objects
  }

  /** What this store can do. */
  get supports(): Supports {
    return this.#objects.supports
  }

  /** Stores a value, replacing any other, and returns what is known of it. */
  set(key: string, value: Body, options?: WriteOptions): Promise<ObjectInfo> {
    return this.#objects.write(key, value, options)
  }

  /** The value of a key in memory; undefined if it has none. */
  async get(key: string, options?: CallOptions): Promise<Buffer | undefined> {
    return await bytesOf(await this.#objects.read(key, options))
  }

  /** Whether a key has an object. */
  async has(key: string, options?: CallOptions): Promise<boolean> {
    return (await this.#objects.stat(key, options)) !== undefined
  }

  /** Removes an object; says whether there was one. */
  delete(key: string, options?: RemoveOptions): Promise<boolean> {
    return this.#objects.remove(key, options)
  }

  /** Stores a value if the key has none; says whether it did. One of many contenders wins. */
  async add(key: string, value: Body, options: SetOptions = {}): Promise<boolean> {
    checkOptions(options)
    try {
      await this.#objects.write(key, value, { ...options, ifAbsent: true })
      return true
    } catch (error) {
      if (hasCode(error, 'PRECONDITION_FAILED')) return false
      throw error
    }
  }

  /**
   * Reads and removes in one: of many contenders one gets the value, the others undefined. A value
   * over 4 GiB is put back, with a RangeError; the `take` of an {@link ObjectStore} can stream it.
   */
  async take(key: string, options?: ChangeOptions): Promise<Buffer | undefined> {
    const object = await this.#objects.take(key, options)
    if (object === undefined) return undefined
    try {
      requireBuffer(object.info)
    } catch (error) {
      await putBack(this.#objects, object.info, object.stream(), options)
      await object.close()
      throw error
    }
    return await bytesOf(object)
  }

  /** What is known of an object, without its value. */
  stat(key: string, options?: CallOptions): Promise<ObjectInfo | undefined> {
    return this.#objects.stat(key, options)
  }

  /** Opens one version of an object, to be read as a whole, in parts or as a stream. */
  read(key: string, options?: CallOptions): Promise<StoredObject | undefined> {
    return this.#objects.read(key, options)
  }

  /**
   * The value as a Node stream, as in `fs.createReadStream`: `start` and `end` are inclusive. It
   * fails with `NOT_FOUND` if the key has no object, and with a RangeError for a part outside
   * the value.
   */
  createReadStream(key: string, options: ReadStreamOptions = {}): Readable {
    checkOptionNames(options, ['start', 'end', 'signal'])
    const { signal, ...range } = options
    return lazyReadable(async () => {
      const object = await this.#objects.read(key, { signal })
      if (object === undefined) throw notFound(key)
      try {
        return { stream: object.stream(range), close: () => object.close() }
      } catch (error) {
        await object.close()
        throw error
      }
    }, signal)
  }

  /**
   * A Node stream whose data becomes the value, published when the stream finishes; destroyed
   * before, it publishes nothing and leaves nothing.
   */
  createWriteStream(key: string, options: WriteOptions = {}): Writable {
    checkOptions(options)
    const { signal, ...others } = options
    const write = (body: Body, abort: AbortSignal): Promise<unknown> => {
      const signals = signal === undefined ? abort : AbortSignal.any([signal, abort])
      return this.#objects.write(key, body, { ...others, signal: signals })
    }
    const stream = writeStream(write)
    this.#writeStreams.add(stream)
    return stream.once('close', () => this.#writeStreams.delete(stream))
  }

  /**
   * The values of many keys, several at a time, in the order of the keys; a key that has none is
   * not in the map, and one that is given again is read once. All are in memory, and are not of
   * one moment.
   *
   * @throws the first failure, as a {@link StoreError} that names its key and says how many were
   *   done: no more keys are taken then, the input is closed, and what is under way is awaited.
   *   Errors of the input come through unchanged. The same goes for `setMany` and `deleteMany`
   */
  getMany(
    keys: Iterable<string> | AsyncIterable<string>,
    options: ManyOptions = {},
  ): Promise<Map<string, Buffer>> {
    return getMany(this.#objects, keys, options)
  }

  /**
   * Stores many values, several at a time, and says how many. Each is stored as by `set`: alone,
   * in no particular order, but of several with one key the last one given stays. Entries are
   * taken only as they can be written, so the input may be larger than the memory.
   */
  setMany(
    entries:
      | Iterable<readonly [key: string, value: Body]>
      | AsyncIterable<readonly [key: string, value: Body]>,
    options: SetManyOptions = {},
  ): Promise<number> {
    return setMany(this.#objects, entries, options)
  }

  /** Removes many objects, several at a time, each as by `delete`; says how many there were. */
  deleteMany(
    keys: Iterable<string> | AsyncIterable<string>,
    options: DeleteManyOptions = {},
  ): Promise<number> {
    return deleteMany(this.#objects, keys, options)
  }

  /** The keys, in no meaningful order. See {@link ObjectStore.list}. */
  async *keys(options?: ListOptions): AsyncGenerator<string> {
    for await (const { key } of this.#objects.list(options)) yield key
  }

  /** What is known of every object. */
  list(options?: ListOptions): AsyncIterable<ObjectInfo> {
    return this.#objects.list(options)
  }

  /** The values, each read when its turn comes; what was deleted meanwhile is left out. */
  async *values(options?: ListOptions): AsyncGenerator<Buffer> {
    for await (const [, value] of this.entries(options)) yield value
  }

  /** Keys and values. */
  async *entries(options: ListOptions = {}): AsyncGenerator<[key: string, value: Buffer]> {
    for await (const { key } of this.#objects.list(options)) {
      const value = await this.get(key, { signal: options.signal })
      if (value !== undefined) yield [key, value]
    }
  }

  /** The same as {@link entries} of all. */
  [Symbol.asyncIterator](): AsyncGenerator<[key: string, value: Buffer]> {
    return this.entries()
  }

  /**
   * The cell with a name: a small value to compare and set. It shares nothing with the object of
   * that key, and need not exist. See {@link Cell}.
   *
   * @throws StoreError `NOT_SUPPORTED` in the `raw` format, and where a layer has no cells; so do
   *   `lease`, `lock`, `getOrCreate` and `queue`
   */
  cell(name: string): Cell {
    return new Cell(this.#coordinate.cell(name))
  }

  /** Waits until nobody else holds the lease of a name, and holds it. See {@link Lease}. */
  async lease(name: string, options: LeaseOptions = {}): Promise<Lease> {
    return await this.#coordinate.leases.lease(name, options)
  }

  /**
   * Runs a function while the lease of a name is held, and returns what it does. Of any number
   * of processes that ask, each gets its turn.
   *
   * @throws StoreError `LEASE_LOST` when the lease was lost meanwhile, though the function went on
   */
  async lock<T>(
    name: string,
    work: (lease: Lease) => T | Promise<T>,
    options: LockOptions = {},
  ): Promise<T> {
    return await this.#coordinate.leases.lock(name, work, options)
  }

  /**
   * The value of a key, made if it has none: of all processes that ask, on all hosts, one makes
   * it, and the others wait, or are given the old one. If it dies, one of them takes over.
   *
   * @throws whatever `create` throws, to the one that ran it; `UNAVAILABLE` after `waitMs`
   */
  async getOrCreate(key: string, create: Create, options: CreateOptions = {}): Promise<Buffer> {
    return await this.#coordinate.flights.getOrCreate(key, create, options)
  }

  /** The queue with a name, which need not exist. It shares nothing with the object of that key. */
  queue(name: string, options?: QueueOptions): Queue {
    return new Queue(this.#coordinate.queue(name), options)
  }

  get #coordinate(): Coordination {
    if (this.#coordination !== undefined) return this.#coordination
    throw noCoordination()
  }

  /** See {@link Bulk.count}. */
  count(options?: WalkOptions): Promise<number> {
    return this.#bulk.count(options)
  }

  /** See {@link Bulk.copy}. */
  copy(from: string, to: string, options?: ChangeOptions): Promise<boolean> {
    return this.#bulk.copy(from, to, options)
  }

  /** See {@link Bulk.rename}. */
  rename(from: string, to: string, options?: ChangeOptions): Promise<boolean> {
    return this.#bulk.rename(from, to, options)
  }

  /** See {@link Bulk.clear}. */
  clear(options?: ClearOptions): Promise<number> {
    return this.#bulk.clear(options)
  }

  /** See {@link Bulk.verify}. */
  verify(options?: VerifyOptions): Promise<VerifyReport> {
    return this.#bulk.verify(options)
  }

  /** See {@link Bulk.sweep}. */
  sweep(options?: SweepOptions): Promise<SweepReport> {
    return this.#bulk.sweep(options)
  }

  /**
   * Whether the store answers, for liveness probes: true or false in `timeoutMs` at the latest,
   * also where a call to a dead server hangs. It only looks; a full disk is healthy. Costs what a
   * miss costs.
   */
  health(options: HealthOptions = {}): Promise<Health> {
    return checkHealth(this.#objects, options)
  }

  /** See {@link Bulk.destroy}. */
  async destroy(options?: WalkOptions): Promise<void> {
    this.#abandonStreams()
    await this.#coordination?.close()
    await this.#bulk.destroy(options)
  }

  /**
   * Waits for what is under way, closes what is open and removes the private directory. Streams
   * that are still read, or written to and not ended, fail with `CLOSED`.
   */
  async close(): Promise<void> {
    this.#abandonStreams()
    await this.#coordination?.close()
    await this.#objects.close()
  }

  /** The same as {@link close}: for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** A stream that was not ended may never be: nobody must wait for it. */
  #abandonStreams(): void {
    for (const stream of this.#writeStreams) {
      if (!stream.writableEnded) stream.destroy(new StoreError('CLOSED', 'the store was closed'))
    }
  }
}

function notFound(key: string): StoreError {
  const message = 'there is no object to stream; ask has() or use read()'
  return new StoreError('NOT_FOUND', message, { operation: 'createReadStream', key })
}
