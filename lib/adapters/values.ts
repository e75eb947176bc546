/**
 * Values of any type, as bytes. Text and bytes are stored as they are, so that others can read
 * them; all else by the structured clone algorithm, which keeps what JSON loses: Map, Set, Date,
 * Buffer, BigInt, cycles. The content type tells which of them it was.
 */
import type { EventEmitter } from 'node:events'
import { deserialize, serialize } from 'node:v8'
import { StoreError, type StoredObject } from '../../index.js'

/** Of what is in the format of `v8.serialize`. */
const CLONE_TYPE = 'application/x-v8-structured-clone'
const TEXT_TYPE = 'text/plain; charset=utf-8'
const BYTES_TYPE = 'application/octet-stream'

/** A value as it is stored. */
export interface EncodedValue {
  readonly body: string | Uint8Array
  readonly contentType: string
}

/** @throws TypeError for what cannot be cloned: functions, symbols, promises */
export function encodeValue(value: unknown): EncodedValue {
  if (typeof value === 'string') return { body: value, contentType: TEXT_TYPE }
  if (value instanceof Uint8Array) return { body: value, contentType: BYTES_TYPE }
  try {
    return { body: serialize(value), contentType: CLONE_TYPE }
  } catch (error) {
    throw new TypeError(`a value of type ${typeof value} cannot be stored: ${String(error)}`, {
      cause: error,
    })
  }
}

/** The value of an object: as it was given, or bytes where something else stored it. */
export async function decodeValue(object: StoredObject): Promise<unknown> {
  const { contentType, key } = object.info
  if (contentType === TEXT_TYPE) return await object.text()
  const bytes = await object.bytes()
  if (contentType !== CLONE_TYPE) return bytes
  try {
    return deserialize(bytes)
  } catch (cause) {
    const message = 'the value was stored by a newer version of Node; write it again'
    throw new StoreError('DECODE', message, { cause, key })
  }
}

/** Whether what was found under a key is of no use, so that a cache goes on as if it was absent. */
export function isUnreadable(error: unknown): boolean {
  return error instanceof StoreError && ['CORRUPT', 'DECODE'].includes(error.code)
}

/** Emits `error` if anybody listens; else Node would throw it. */
export function emitError(emitter: EventEmitter, error: unknown): void {
  if (emitter.listenerCount('error') > 0) emitter.emit('error', error)
}
