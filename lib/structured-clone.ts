/**
 * Values by the structured clone algorithm, which keeps what JSON loses: Map, Set, Date, Buffer,
 * BigInt, cycles. Of an object of a class only its own properties are kept.
 */
import { deserialize, serialize } from 'node:v8'
import { StoreError } from './errors.js'

/** Of what is in the format of `v8.serialize`. */
export const CLONE_TYPE = 'application/x-v8-structured-clone'

/** @throws TypeError for what cannot be cloned: functions, symbols, promises */
export function serializeClone(value: unknown): Buffer {
  try {
    return serialize(value)
  } catch (error) {
    throw new TypeError(`a value of type ${typeof value} cannot be stored: ${String(error)}`, {
      cause: error,
    })
  }
}

/** @throws StoreError `DECODE` for what this version of Node cannot read */
export function deserializeClone(bytes: Uint8Array, key: string): unknown {
  try {
    return deserialize(bytes)
  } catch (cause) {
    const message = 'the value was stored by a newer version of Node; write it again'
    throw new StoreError('DECODE', message, { cause, key })
  }
}
