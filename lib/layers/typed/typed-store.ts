import type { ClearOptions, WalkOptions } from '../../bulk.js'
import { hasCode } from '../../errors.js'
import { deleteMany, readMany, writeMany } from '../../many/async.js'
import type { DeleteManyOptions, ManyOptions, SetManyOptions } from '../../many/async.js'
import type { ObjectInfo } from '../../object-info.js'
import type {
  CallOptions,
  ChangeOptions,
  ListOptions,
  ObjectStore,
  RemoveOptions,
  Supports,
  WriteOptions,
} from '../../object-store.js'
import { checkOptions } from '../../options.js'
import type { SetOptions } from '../../store.js'
import type { TypedObject, ValueStore } from './value-store.js'

/** What a {@link TypedStore} is put on. */
export interface Underneath<T, Input> {
  readonly values: ValueStore<T, Input>
  /** Where their bytes are kept. */
  readonly objects: ObjectStore
}

/**
 * The verbs of a `Store`, for values of a type instead of bytes. Each promises what it does there.
 *
 * Errors, beside those: `DECODE`, of all that read, where an object is not what the codec and the
 * schema make of a value; `INVALID_VALUE`, of all that write, for what the schema does not allow;
 * TypeError for what the codec cannot encode.
 *
 * @typeParam T - what is read
 * @typeParam Input - what is written: another type only where a schema says so
 */
export class TypedStore<T, Input = T> implements AsyncDisposable {
  /** @internal For layers. */
  readonly underneath: Underneath<T, Input>

  /** @internal Made by {@link withCodec}. */
  constructor(underneath: Underneath<T, Input>) {
    this.underneath = underneath
  }

  /** What this store can do. */
  get supports(): Supports {
    return this.#values.supports
  }

  /** Stores a value, replacing any other, and returns what is known of it. */
  set(key: string, value: Input, options: WriteOptions = {}): Promise<ObjectInfo> {
    return this.#values.write(key, value, options)
  }

  /** The value of a key; undefined if it has none. */
  async get(key: string, options: CallOptions = {}): Promise<T | undefined> {
    return (await this.#values.read(key, options))?.value
  }

  /** The value with what is known of it, such as its version; undefined if there is none. */
  read(key: string, options: CallOptions = {}): Promise<TypedObject<T> | undefined> {
    return this.#values.read(key, options)
  }

  /** Whether a key has an object. It need not be one that can be decoded. */
  async has(key: string, options: CallOptions = {}): Promise<boolean> {
    return (await this.#values.stat(key, options)) !== undefined
  }

  /** What is known of an object, without its value. */
  stat(key: string, options: CallOptions = {}): Promise<ObjectInfo | undefined> {
    return this.#values.stat(key, options)
  }

  /** Removes an object; says whether there was one. */
  delete(key: string, options: RemoveOptions = {}): Promise<boolean> {
    return this.#values.remove(key, options)
  }

  /** Stores a value if the key has none; says whether it did. One of many contenders wins. */
  async add(key: string, value: Input, options: SetOptions = {}): Promise<boolean> {
    checkOptions(options)
    try {
      await this.#values.write(key, value, { ...options, ifAbsent: true })
      return true
    } catch (error) {
      if (hasCode(error, 'PRECONDITION_FAILED')) return false
      throw error
    }
  }

  /**
   * Reads and removes in one: of many contenders one gets the value, the others undefined. What
   * cannot be decoded is put back, with a new version.
   */
  async take(key: string, options: ChangeOptions = {}): Promise<T | undefined> {
    return (await this.#values.take(key, options))?.value
  }

  /** The values of many keys, several at a time, in the order of the keys. */
  getMany(
    keys: Iterable<string> | AsyncIterable<string>,
    options: ManyOptions = {},
  ): Promise<Map<string, T>> {
    return readMany(keys, options, (key, call) => this.get(key, call))
  }

  /** Stores many values, several at a time, and says how many. */
  setMany(
    entries:
      | Iterable<readonly [key: string, value: Input]>
      | AsyncIterable<readonly [key: string, value: Input]>,
    options: SetManyOptions = {},
  ): Promise<number> {
    const write = (key: string, value: Input, call: WriteOptions): Promise<ObjectInfo> =>
      this.#values.write(key, value, call)
    return writeMany(entries, options, write, () => undefined)
  }

  /** Removes many objects, several at a time; says how many there were. */
  deleteMany(
    keys: Iterable<string> | AsyncIterable<string>,
    options: DeleteManyOptions = {},
  ): Promise<number> {
    return deleteMany(this.#values, keys, options)
  }

  /** What is known of every object, in no meaningful order. */
  list(options: ListOptions = {}): AsyncIterable<ObjectInfo> {
    return this.#values.list(options)
  }

  /** The keys. */
  async *keys(options: ListOptions = {}): AsyncGenerator<string> {
    for await (const { key } of this.#values.list(options)) yield key
  }

  /** The values, each read when its turn comes; what was deleted meanwhile is left out. */
  async *values(options: ListOptions = {}): AsyncGenerator<T> {
    for await (const [, value] of this.entries(options)) yield value
  }

  /** Keys and values. */
  async *entries(options: ListOptions = {}): AsyncGenerator<[key: string, value: T]> {
    for await (const { key } of this.#values.list(options)) {
      const value = await this.get(key, { signal: options.signal })
      if (value !== undefined) yield [key, value]
    }
  }

  /** The same as {@link entries}: for `for await`. */
  [Symbol.asyncIterator](): AsyncGenerator<[key: string, value: T]> {
    return this.entries()
  }

  /** How many objects there are. */
  count(options: WalkOptions = {}): Promise<number> {
    return this.#values.count(options)
  }

  /** Removes all objects; says how many there were. */
  clear(options: ClearOptions = {}): Promise<number> {
    return this.#values.clear(options)
  }

  /** Closes the store underneath. */
  close(): Promise<void> {
    return this.#values.close()
  }

  /** The same as {@link close}: for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  get #values(): ValueStore<T, Input> {
    return this.underneath.values
  }
}
