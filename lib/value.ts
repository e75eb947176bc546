import { StoreError } from './errors.js'
import type { StoredObject } from './object-store.js'

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
