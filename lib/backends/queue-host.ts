import type { AsyncDriver } from '../drivers/async.js'
import type { Operation } from '../drivers/effects.js'
import { toStoreError } from '../errors.js'
import type { StoredObject } from '../object-store.js'
import type { Context } from '../protocol/context.js'
import { isLeaseLost } from '../protocol/queue-settle.js'
import type { QueuePath } from '../protocol/queue.js'
import type { Handle } from '../protocol/read.js'
import type { OperationName } from '../tracing/operations.js'
import { traceOf } from '../tracing/trace.js'

/** What queues need of the store they are in. */
export interface QueueHost {
  readonly driver: AsyncDriver
  readonly context: Context
  /** Fails when the store is closed. */
  readonly requireOpen: (operation: string) => void
  /** Makes an object of what was opened; the store closes it at its own end. */
  readonly hold: (handle: Handle) => StoredObject
}

/** What is done to a queue, as {@link OperationName} has it. */
export type QueueVerb = OperationName extends infer Name
  ? Name extends `queue:${infer Verb}`
    ? Verb
    : never
  : never

/** How an operation on a queue is run. */
export interface QueueRunOptions {
  readonly signal?: AbortSignal | undefined
  /** See {@link RunOptions}. */
  readonly places?: number
  /** What its errors call it; default: its verb. */
  readonly errorName?: string
}

/** Runs an operation on a queue; what fails is said in the store's own terms. */
export async function runFor<T>(
  { driver, context }: QueueHost,
  { key }: QueuePath,
  verb: QueueVerb,
  operation: Operation<T>,
  { signal, places = 1, errorName = verb }: QueueRunOptions = {},
): Promise<T> {
  const trace = traceOf(`queue:${verb}`, context.root, false, key.text)
  const run = async (): Promise<T> => {
    try {
      return await driver.run(operation, { signal, places, atOnce: false }, trace?.counts)
    } catch (error) {
      throw toStoreError(error, errorName, key.text)
    }
  }
  return await (trace === undefined ? run() : trace.run(run))
}

/** The same operation where it is all right that somebody else has settled the job. */
export function* leniently(operation: Operation<void>): Operation<void> {
  try {
    yield* operation
  } catch (error) {
    if (!isLeaseLost(error)) throw error
  }
}
