import * as nodeFs from 'node:fs'
import { checkOpen } from '../backends/opening.js'
import { walkShards } from '../backends/walk.js'
import { AsyncDriver } from '../drivers/async.js'
import { QuickCalls } from '../drivers/quick-calls.js'
import type { Operation } from '../drivers/effects.js'
import { toStoreError } from '../errors.js'
import type { CallOptions } from '../object-store.js'
import { findInstances, type FoundInstance } from '../protocol/activity.js'
import { censusOf, queueCensus, type Census, type QueueCensus } from '../protocol/census.js'
import type { Context } from '../protocol/context.js'
import { beat } from '../protocol/heartbeat.js'
import { openStore } from '../protocol/open.js'
import { removeInstance } from '../protocol/private-names.js'
import { parseReport, type ActivityReport } from './report.js'

/** An opened store, by its private directory: it need not have opted in to anything. */
export interface OpenedStoreSeen {
  /** Where its process runs. */
  readonly host: string
  /** How long ago it gave a sign of life, in milliseconds, by the clock of the file system. */
  readonly silentMs: number
  /** Private names that it has. */
  readonly names: number
}

/** What one look at a store shows. */
export interface ActivitySeen {
  /** The reports of those processes that opted in, by {@link reportActivity}. */
  readonly processes: readonly ActivityReport[]
  /** All stores that are open and have a private directory, and those that died of late. */
  readonly stores: readonly OpenedStoreSeen[]
  /** What lies in the queues. */
  readonly queues: readonly QueueCensus[]
}

/** What a scan tells of its progress. */
export interface ScanOptions extends CallOptions {
  /** Told after each part; the fraction goes from 0 to 1. */
  readonly onProgress?: ((fraction: number) => void) | undefined
}

/** Looks at a store from outside. */
export class ActivityObserver implements AsyncDisposable {
  readonly #driver: AsyncDriver
  readonly #context: Context
  #closing: Promise<void> | undefined

  /** @internal Made by {@link observeActivity}. */
  constructor(driver: AsyncDriver, context: Context) {
    this.#driver = driver
    this.#context = context
  }

  /** Reads what other processes report, and what else is to be seen of them; some calls each. */
  async look({ signal }: CallOptions = {}): Promise<ActivitySeen> {
    const run = this.#runner(signal)
    const nowMs = await this.#serverTime(signal)
    const instances = await run(findInstances(this.#context))
    const processes = instances.flatMap((found) => believed(found, nowMs) ?? [])
    const stores = instances
      .filter((found) => reportOf(found) === undefined)
      .map(({ name, aliveAtMs, names }) => ({
        host: name.slice(0, name.lastIndexOf('-')),
        silentMs: Math.max(0, nowMs - aliveAtMs),
        names,
      }))
    return { processes, stores, queues: await run(queueCensus(this.#context)) }
  }

  /** Counts objects and bytes: looks at every file of the store, and opens none. */
  async scan({ signal, onProgress }: ScanOptions = {}): Promise<Census> {
    const context = this.#context
    const visit = (outer: string, inner: string): Operation<Census> =>
      censusOf(context, outer, inner)
    let [objects, bytes] = [0, 0]
    for await (const part of walkShards(this.#runner(signal), context, visit, onProgress)) {
      objects += part.objects
      bytes += part.bytes
    }
    return { objects, bytes }
  }

  /** Lets go of the store. */
  close(): Promise<void> {
    this.#closing ??= this.#finish()
    return this.#closing
  }

  /** Closes it: `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #finish(): Promise<void> {
    await this.#driver.drain()
    await this.#driver.run(removeInstance(this.#context))
  }

  /** Files are as old as the clock says that dated them; who may not write goes by its own. */
  async #serverTime(signal: AbortSignal | undefined): Promise<number> {
    if (this.#context.readOnly !== undefined) return this.#context.now()
    return await this.#runner(signal)(beat(this.#context))
  }

  #runner(signal: AbortSignal | undefined): <T>(operation: Operation<T>) => Promise<T> {
    return async (operation) => {
      try {
        return await this.#driver.run(operation, { signal })
      } catch (error) {
        throw toStoreError(error, 'observe')
      }
    }
  }
}

/**
 * Opens a store that is there to look at it from outside. Only its clock is asked for by a
 * directory that is made and removed; where it cannot be written to, not even that.
 *
 * @throws StoreError as `open` does
 */
export async function observeActivity(
  path: string,
  { signal }: CallOptions = {},
): Promise<ActivityObserver> {
  const [root, how] = checkOpen(path, { create: false })
  const driver = new AsyncDriver(nodeFs)
  try {
    const context = await driver.run(openStore(root, how), { signal })
    if (context.isLocal) driver.quick = new QuickCalls(nodeFs)
    return new ActivityObserver(driver, context)
  } catch (error) {
    throw toStoreError(error, 'observe')
  }
}

/** Reports of those that died, or are from something else, are none. */
function believed(found: FoundInstance, nowMs: number): ActivityReport | undefined {
  const report = reportOf(found)
  const ageMs = nowMs - (found.report?.writtenAtMs ?? 0)
  return report !== undefined && ageMs <= report.validMs ? report : undefined
}

function reportOf({ report }: FoundInstance): ActivityReport | undefined {
  return report === undefined ? undefined : parseReport(report.bytes)
}
