/**
 * Values of any type over a store of bytes, and secondary indexes over those.
 *
 * @packageDocumentation
 */
import type { ObjectStore } from '../object-store.js'
import { checkOptionNames } from '../options.js'
import { Store } from '../store.js'
import type { Codec } from './typed/codec.js'
import { CodedValues } from './typed/coded-values.js'
import { checkSchema } from './typed/schema.js'
import type { SchemaInput, SchemaOutput, StandardSchema } from './typed/schema.js'
import { TypedStore } from './typed/typed-store.js'

export { json, structured, type Codec } from './typed/codec.js'
export { IndexedStore, withIndex } from './typed/indexed-store.js'
export type { IndexReport, IndexVerifyOptions } from './typed/indexed-store.js'
export type { Indexes, IndexValue, IndexValues } from './typed/index-values.js'
export { SchemaError } from './typed/schema.js'
export type { SchemaFailure, SchemaInput, SchemaIssue, SchemaOutput } from './typed/schema.js'
export type { SchemaPathSegment, SchemaResult, SchemaSuccess } from './typed/schema.js'
export type { SchemaTypes } from './typed/schema.js'
export type { StandardSchema } from './typed/schema.js'
export { TypedStore } from './typed/typed-store.js'
export type { TypedObject } from './typed/value-store.js'

/** How a store of values is made. */
export interface CodecOptions<S extends StandardSchema = StandardSchema> {
  /**
   * What values must be, by any validator that follows Standard Schema. A write is refused with
   * `INVALID_VALUE`, a read fails with `DECODE`, and its `cause` has the issues. What is stored is
   * the value that was given; what is read is what the schema makes of that, so that defaults and
   * transformations are applied once.
   */
  readonly schema?: S | undefined
}

/**
 * A store of values. Closing it closes the store underneath.
 *
 * Without a schema the type is what the codec says, or what the caller claims: nothing checks that
 * the objects that are there are of it.
 *
 * @param store - the store to keep their bytes in: a backend, a layer, or what `open` gives
 * @param codec - `json`, `structured`, `cbor` of `linkstore/cbor`, or one's own
 */
export function withCodec<S extends StandardSchema>(
  store: ObjectStore | Store,
  codec: Codec<SchemaInput<S>> | Codec<unknown>,
  options: CodecOptions<S> & { readonly schema: S },
): TypedStore<SchemaOutput<S>, SchemaInput<S>>
/** The same without a schema. */
export function withCodec<T = unknown>(
  store: ObjectStore | Store,
  codec: Codec<T> | Codec<unknown>,
  options?: { readonly schema?: undefined },
): TypedStore<T>
/** The same, whatever the types. */
export function withCodec(
  store: ObjectStore | Store,
  codec: Codec<never> | Codec<unknown>,
  options: CodecOptions = {},
): TypedStore<unknown> {
  checkOptionNames(options, ['schema'])
  const { schema } = options
  if (schema !== undefined) checkSchema(schema)
  checkCodec(codec)
  const face = store instanceof Store ? store : new Store(requireObjects(store))
  const values = new CodedValues<unknown, unknown>(face, codec as Codec<unknown>, schema)
  return new TypedStore({ values, objects: face.objects })
}

function requireObjects(store: unknown): ObjectStore {
  const given = store as Partial<ObjectStore> | null | undefined
  if (typeof given?.read === 'function' && given.supports !== undefined) return store as ObjectStore
  throw new TypeError('store must be a backend, a layer, or what open() gives')
}

function checkCodec(codec: unknown): void {
  const { encode, decode, contentType } = (codec ?? {}) as Partial<Codec<unknown>>
  const isCodec = typeof encode === 'function' && typeof decode === 'function'
  if (isCodec && (contentType === undefined || typeof contentType === 'string')) return
  throw new TypeError('codec must be an object with the functions encode and decode')
}
