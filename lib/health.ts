import { randomUUID } from 'node:crypto'
import { StoreError } from './errors.js'
import type { ObjectStore } from './object-store.js'
import { checkCount, checkOptionNames } from './options.js'

/** Options of `health`. */
export interface HealthOptions {
  /** How long the store may take to answer, in milliseconds; default 2000. */
  readonly timeoutMs?: number | undefined
}

/** Whether a store answers. */
export interface Health {
  /** Whether it answered in time, and rightly. */
  readonly isHealthy: boolean
  /** How long the answer took, or was waited for, in milliseconds. */
  readonly tookMs: number
  /** Why it is not healthy; undefined if it is. */
  readonly error: StoreError | undefined
}

const DEFAULT_TIMEOUT_MS = 2000

/**
 * Asks a store for a key that it cannot have. No memory of this host has the answer: it has to
 * look at the shard and at the marker, so that a volume that hangs or is unmounted shows.
 */
export async function checkHealth(objects: ObjectStore, options: HealthOptions): Promise<Health> {
  checkOptionNames(options, ['timeoutMs'])
  const timeoutMs = checkCount('timeoutMs', options.timeoutMs ?? DEFAULT_TIMEOUT_MS)
  const startMs = performance.now()
  const abort = new AbortController()
  const answer = objects.stat(`health/${randomUUID()}`, { signal: abort.signal })
  const error = await within(timeoutMs, answer)
  // What hangs is given up; nobody waits for that.
  abort.abort()
  return { isHealthy: error === undefined, tookMs: performance.now() - startMs, error }
}

/** What became of an answer: nothing, an error, or that it did not come in time. */
async function within(
  timeoutMs: number,
  answer: Promise<unknown>,
): Promise<StoreError | undefined> {
  return await new Promise((resolve) => {
    const late = (): void =>
      resolve(new StoreError('UNAVAILABLE', `the store did not answer within ${timeoutMs} ms`))
    const timer = setTimeout(late, timeoutMs)
    answer
      .then(
        () => resolve(undefined),
        (error: unknown) => resolve(error as StoreError),
      )
      .finally(() => clearTimeout(timer))
  })
}
