/**
 * Values of any type, as bytes. Text and bytes are stored as they are, so that others can read
 * them; all else by the structured clone algorithm. The content type tells which of them it was.
 */
import type { EventEmitter } from 'node:events'
import { StoreError, type StoredObject } from '../../index.js'
import { CLONE_TYPE, deserializeClone, serializeClone } from '../structured-clone.js'

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
  return { body: serializeClone(value), contentType: CLONE_TYPE }
}

/** The value of an object: as it was given, or bytes where something else stored it. */
export async function decodeValue(object: StoredObject): Promise<unknown> {
  const { contentType, key } = object.info
  if (contentType === TEXT_TYPE) return await object.text()
  const bytes = await object.bytes()
  return contentType === CLONE_TYPE ? deserializeClone(bytes, key) : bytes
}

/** Whether what was found under a key is of no use, so that a cache goes on as if it was absent. */
export function isUnreadable(error: unknown): boolean {
  return error instanceof StoreError && ['CORRUPT', 'DECODE'].includes(error.code)
}

/** Emits `error` if anybody listens; else Node would throw it. */
export function emitError(emitter: EventEmitter, error: unknown): void {
  if (emitter.listenerCount('error') > 0) emitter.emit('error', error)
}
