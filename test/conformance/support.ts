import assert from 'node:assert/strict'
import { StoreError, type ErrorCode, type ObjectStore, type StoredObject } from '../../index.js'

/** The value of a key, or undefined. */
export async function valueOf(store: ObjectStore, key: string): Promise<Buffer | undefined> {
  return await consume(await store.read(key))
}

/** The value of an opened object, which is closed. */
export async function consume(object: StoredObject | undefined): Promise<Buffer | undefined> {
  if (object === undefined) return undefined
  try {
    return await object.bytes()
  } finally {
    await object.close()
  }
}

/** All pieces of a stream, as one. */
export async function gather(pieces: AsyncIterable<unknown>): Promise<Buffer> {
  const gathered: Buffer[] = []
  for await (const piece of pieces) gathered.push(Buffer.from(piece as Uint8Array))
  return Buffer.concat(gathered)
}

/** Bytes that look like nothing else, and the same each time. */
export function pattern(sizeBytes: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(sizeBytes)
  let state = seed
  for (let i = 0; i < sizeBytes; i += 1) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes
}

/** Fails unless the promise rejects with a StoreError of this code. */
export async function rejectsWith(promise: Promise<unknown>, code: ErrorCode): Promise<StoreError> {
  try {
    await promise
  } catch (error) {
    assert.ok(error instanceof StoreError, `expected a StoreError, not ${String(error)}`)
    assert.equal(error.code, code)
    return error
  }
  return assert.fail(`expected ${code}, but it succeeded`)
}
