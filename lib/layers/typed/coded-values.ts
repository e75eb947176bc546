import { gatherBody } from '../../body.js'
import type { ClearOptions, WalkOptions } from '../../bulk.js'
import { speakingOf, StoreError } from '../../errors.js'
import type { ObjectInfo } from '../../object-info.js'
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
} from '../../object-store.js'
import { checkOptions } from '../../options.js'
import type { Store } from '../../store.js'
import { putBack } from '../../value.js'
import type { Codec } from './codec.js'
import { SchemaError, validate, type StandardSchema } from './schema.js'
import type { PreparedWrite, TypedObject, ValueStore } from './value-store.js'

/** What is known of an object only when it has been written. */
const NOT_WRITTEN = {
  version: undefined,
  writtenAtMs: 0,
  writtenBy: undefined,
  expiresAtMs: undefined,
}

/** The values of a store of bytes, by a codec and, if there is one, a schema. */
export class CodedValues<T, Input> implements ValueStore<T, Input> {
  readonly supports: Supports
  readonly #store: Store
  readonly #objects: ObjectStore
  readonly #codec: Codec<unknown>
  readonly #schema: StandardSchema | undefined
  /** What each of its objects says of itself; undefined where that cannot be told. */
  readonly #contentType: string | undefined

  constructor(store: Store, codec: Codec<unknown>, schema: StandardSchema | undefined) {
    this.supports = store.supports
    this.#store = store
    this.#objects = store.objects
    this.#codec = codec
    this.#schema = schema
    this.#contentType = store.supports.metadata ? codec.contentType : undefined
  }

  async read(key: string, options: CallOptions): Promise<TypedObject<T> | undefined> {
    const object = await this.#objects.read(key, options)
    if (object === undefined) return undefined
    try {
      return await this.#decode(object.info, await this.#bytes(object))
    } finally {
      await object.close()
    }
  }

  stat(key: string, options: CallOptions): Promise<ObjectInfo | undefined> {
    return this.#objects.stat(key, options)
  }

  async write(key: string, value: Input, options: WriteOptions): Promise<ObjectInfo> {
    const how = this.#checkWrite(options)
    return await this.#objects.write(key, await this.#encode(key, value), how)
  }

  async prepare(key: string, value: Input, options: WriteOptions): Promise<PreparedWrite<T>> {
    const { contentType, metadata = {}, signal } = this.#checkWrite(options)
    const bytes = await gatherBody(await this.#encode(key, value), signal)
    const info = { ...NOT_WRITTEN, key, sizeBytes: bytes.length, contentType, metadata }
    // A copy: a codec may give out parts of the memory that it was given.
    const decoded = await this.#decode(info, Buffer.from(bytes))
    return {
      value: decoded.value,
      write: (others) => this.#objects.write(key, bytes, this.#checkWrite(others)),
    }
  }

  remove(key: string, options: RemoveOptions): Promise<boolean> {
    return this.#objects.remove(key, options)
  }

  async take(key: string, options: ChangeOptions): Promise<TypedObject<T> | undefined> {
    const object = await this.#objects.take(key, options)
    if (object === undefined) return undefined
    const { info } = object
    try {
      return await this.#decode(info, await this.#bytes(object))
    } catch (error) {
      await putBack(this.#objects, info, object.stream(), options)
      throw error
    } finally {
      await object.close()
    }
  }

  list(options: ListOptions): AsyncIterable<ObjectInfo> {
    return this.#objects.list(options)
  }

  count(options: WalkOptions): Promise<number> {
    return this.#store.count(options)
  }

  clear(options: ClearOptions): Promise<number> {
    return this.#store.clear(options)
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  #checkWrite(options: WriteOptions): WriteOptions {
    checkOptions(options)
    if (this.#codec.contentType !== undefined && options.contentType !== undefined) {
      throw new TypeError('the content type is that of the codec; leave the option out')
    }
    return { ...options, contentType: this.#contentType ?? options.contentType }
  }

  async #encode(key: string, value: unknown): Promise<Body> {
    if (value === undefined) {
      throw new TypeError('undefined cannot be stored: it is what a key has that has no value')
    }
    if (this.#schema !== undefined) await requireValid(this.#schema, key, value)
    return await this.#codec.encode(value)
  }

  /** The bytes of an object that this codec has made. */
  #bytes(object: StoredObject): Promise<Buffer> {
    const { contentType, key } = object.info
    if (this.#contentType !== undefined && typeName(contentType) !== typeName(this.#contentType)) {
      const what = contentType === undefined ? 'no content type' : `the type ${contentType}`
      const message = `the value has ${what}, not ${this.#contentType}: it is not of this codec`
      throw new StoreError('DECODE', message, { operation: 'read', key })
    }
    return object.bytes()
  }

  async #decode(info: ObjectInfo, bytes: Buffer): Promise<TypedObject<T>> {
    const { key } = info
    const value = await speakingOf(key, async () => {
      try {
        const decoded = await this.#codec.decode(bytes, info)
        const checked = this.#schema === undefined ? decoded : await validate(this.#schema, decoded)
        if (checked !== undefined) return checked
      } catch (cause) {
        if (cause instanceof StoreError) throw cause
        const message = `the value cannot be decoded: ${String(cause)}`
        throw new StoreError('DECODE', message, { operation: 'read', cause })
      }
      throw new StoreError('DECODE', 'the value is undefined, which stands for none')
    })
    return { info, value: value as T }
  }
}

async function requireValid(schema: StandardSchema, key: string, value: unknown): Promise<void> {
  try {
    await validate(schema, value)
  } catch (cause) {
    if (!(cause instanceof SchemaError)) throw cause
    const message = `the schema does not allow the value: ${cause.message}`
    throw new StoreError('INVALID_VALUE', message, { operation: 'write', key, cause })
  }
}

/** A media type without its parameters. */
function typeName(contentType: string | undefined): string | undefined {
  return contentType?.split(';')[0]?.trim().toLowerCase()
}
