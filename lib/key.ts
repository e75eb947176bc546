import { hash } from 'node:crypto'
import { StoreError } from './errors.js'

/** The longest key, in bytes of UTF-8. */
export const MAX_KEY_BYTES = 64 * 1024

/** A checked key, and where its object lies under the root. */
export interface ObjectKey {
  readonly text: string
  /** Bytes of UTF-8. */
  readonly sizeBytes: number
  /** SHA-256 of the key's UTF-8, 64 lowercase hex digits. */
  readonly hash: string
}

/** The hash that names the object of a key: 64 lowercase hex digits. */
export function hashKey(text: string): string {
  return hash('sha256', text, 'hex')
}

/**
 * Checks a key and finds its place.
 *
 * @throws as {@link checkKey}
 */
export function toObjectKey(key: unknown): ObjectKey {
  checkKey(key)
  return { text: key, sizeBytes: Buffer.byteLength(key), hash: hashKey(key) }
}

/**
 * Checks a key.
 *
 * @param maxBytes - how long it may be, in bytes of UTF-8
 * @throws TypeError when it is not a string; StoreError `INVALID_KEY` when it is longer, or has a
 *   lone surrogate: that has no UTF-8, so two such keys would be one.
 */
export function checkKey(key: unknown, maxBytes = MAX_KEY_BYTES): asserts key is string {
  if (typeof key !== 'string') {
    throw new TypeError(`a key must be a string, not ${key === null ? 'null' : typeof key}`)
  }
  const sizeBytes = Buffer.byteLength(key)
  if (sizeBytes > maxBytes) {
    const message = `a key may have ${maxBytes} bytes, this one has ${sizeBytes}`
    throw new StoreError('INVALID_KEY', `${message}; use a shorter one, or its hash`)
  }
  if (!key.isWellFormed()) {
    const message = 'the key has a lone surrogate, which UTF-8 cannot express'
    throw new StoreError('INVALID_KEY', `${message}; use well-formed Unicode`, { key })
  }
}

/** The two directory levels and the file name of a hash: `e3/b0/c44298…`. */
export function splitHash(hash: string): [outer: string, inner: string, rest: string] {
  return [hash.slice(0, 2), hash.slice(2, 4), hash.slice(4)]
}

/** Whether a directory entry is named as a shard level is: two lowercase hex digits. */
export function isShardName(name: string): boolean {
  return /^[0-9a-f]{2}$/.test(name)
}

/** Whether a directory entry is named as an object is: 60 lowercase hex digits. */
export function isObjectName(name: string): boolean {
  return /^[0-9a-f]{60}$/.test(name)
}
