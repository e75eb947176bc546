import type { AsyncDriver } from '../drivers/async.js'
import type { Operation } from '../drivers/effects.js'
import { toStoreError } from '../errors.js'
import type { StoredObject } from '../object-store.js'
import type { Context } from '../protocol/context.js'
import { isLeaseLost } from '../protocol/queue-settle.js'
import type { QueuePath } from '../protocol/queue.js'
import type { Handle } from '../protocol/read.js'

/** What queues need of the store they are in. */
export interface QueueHost {
  readonly driver: AsyncDriver
  readonly context: Context
  /** Fails when the store is closed. */
  readonly requireOpen: (operation: string) => void
  /** Makes an object of what was opened; the store closes it at its own end. */
  readonly hold: (handle: Handle) => StoredObject
}

/** Runs an operation on a queue; what fails is said in the store's own terms. */
export async function runFor<T>(
  { driver }: QueueHost,
  { key }: QueuePath,
  name: string,
  operation: Operation<T>,
  signal?: AbortSignal,
  places = 1,
): Promise<T> {
  try {
    return await driver.run(operation, { signal, places, atOnce: false })
  } catch (error) {
    throw toStoreError(error, name, key.text)
  }
}

/** The same operation where it is all right that somebody else has settled the job. */
export function* leniently(operation: Operation<void>): Operation<void> {
  try {
    yield* operation
  } catch (error) {
    if (!isLeaseLost(error)) throw error
  }
}
