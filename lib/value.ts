import { hasCode, StoreError } from './errors.js'
import { attributesOf, type ObjectInfo } from './object-info.js'
import type { Body, ChangeOptions, ObjectStore, StoredObject } from './object-store.js'

/** The whole value of an object, which is closed; undefined if there is none. */
export async function bytesOf(object: StoredObject | undefined): Promise<Buffer | undefined> {
  if (object === undefined) return undefined
  try {
    return await object.bytes()
  } finally {
    await object.close()
  }
}

/** Parses a value as JSON; `DECODE` if it is none. */
export function parseJson(text: string, key: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    const message = 'the value is not JSON; read it with bytes() or text()'
    throw new StoreError('DECODE', message, { operation: 'read', key, cause: error })
  }
}

/**
 * Stores again what was taken and cannot be given out, with all it had but its version, unless its
 * key has another object by now. No signal stops that: it would be lost.
 */
export async function putBack(
  objects: ObjectStore,
  info: ObjectInfo,
  body: Body,
  { durability }: ChangeOptions = {},
): Promise<void> {
  const attributes = attributesOf(info, Date.now())
  try {
    await objects.write(info.key, body, { durability, ...attributes, ifAbsent: true })
  } catch (error) {
    if (!hasCode(error, 'PRECONDITION_FAILED')) throw error
  }
}
