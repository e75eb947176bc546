import type { ObjectInfo } from '../../object-info.js'
import type { Body } from '../../object-store.js'
import { CLONE_TYPE, deserializeClone, serializeClone } from '../../structured-clone.js'

/** What values are turned into bytes by, and back. Both functions may be asynchronous. */
export interface Codec<T> {
  /**
   * The media type of what it makes. It is stored with each value, and an object that has another
   * one, or none, is not decoded: `DECODE`. Without it any object is, and each write may name a
   * content type of its own.
   */
  readonly contentType?: string | undefined
  /** What is stored of a value. What it throws comes through to the caller of the write. */
  readonly encode: (value: T) => Body | Promise<Body>
  /** The value of an object. What it throws is the cause of a `DECODE` that names the key. */
  readonly decode: (bytes: Buffer, info: ObjectInfo) => T | Promise<T>
}

/**
 * JSON. What it cannot express is refused (BigInt, functions, cycles) or lost, as
 * `JSON.stringify` loses it: a Date becomes text, a Map an empty object, NaN null.
 */
export const json: Codec<unknown> = {
  contentType: 'application/json',
  encode: (value) => {
    const text = JSON.stringify(value) as string | undefined
    if (text !== undefined) return text
    throw new TypeError(`a value of type ${typeof value} cannot be stored as JSON`)
  },
  decode: (bytes) => JSON.parse(bytes.toString()) as unknown,
}

/**
 * The structured clone algorithm, in the format of V8: Map, Set, Date, RegExp, Error, Buffer,
 * typed arrays, BigInt, undefined and cycles survive. Of an object of a class its own properties
 * do. Only Node reads it, and an older version may not read what a newer one has written.
 */
export const structured: Codec<unknown> = {
  contentType: CLONE_TYPE,
  encode: serializeClone,
  decode: (bytes, { key }) => deserializeClone(bytes, key),
}
