import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { RetryCounts } from '../diagnostics.js'
import { OPERATION_NAMES, type OperationMessage } from '../tracing/operations.js'
import type { ActivityReport, OperationFigures } from './report.js'

/** Steps of durations: so many from each to its double, from a microsecond up. */
const STEPS = 8
const BUCKETS = 320

/** Listens to the operations on one store, and adds them up. */
export class Figures implements Disposable {
  readonly #root: string
  readonly #listeners: readonly [name: string, listener: (message: unknown) => void][]
  readonly #begun = new Set<OperationMessage>()
  readonly #sums = new Map<string, Sum>()
  readonly #totals = { operations: 0, failed: 0 }
  #sinceMs = performance.now()

  constructor(root: string) {
    this.#root = root
    this.#listeners = OPERATION_NAMES.flatMap((name): [string, (message: unknown) => void][] => [
      [`tracing:linkstore:${name}:start`, this.#onStart],
      [`tracing:linkstore:${name}:end`, this.#onEnd],
      [`tracing:linkstore:${name}:asyncEnd`, this.#onEnd],
    ])
    for (const [name, listener] of this.#listeners) subscribe(name, listener)
  }

  [Symbol.dispose](): void {
    for (const [name, listener] of this.#listeners) unsubscribe(name, listener)
  }

  /** What there was since this was last asked. */
  take(): Omit<ActivityReport, 'host' | 'pid' | 'program' | 'validMs'> {
    const nowMs = performance.now()
    const windowMs = Math.max(1, nowMs - this.#sinceMs)
    const operations = Array.from(this.#sums, ([name, sum]) => ({ name, ...sum.toFigures() }))
    this.#sums.clear()
    this.#sinceMs = nowMs
    return { windowMs, active: this.#begun.size, totals: { ...this.#totals }, operations }
  }

  readonly #onStart = (message: unknown): void => {
    const { root } = message as OperationMessage
    if (root === this.#root) this.#begun.add(message as OperationMessage)
  }

  readonly #onEnd = (message: unknown): void => {
    const { outcome, operation } = message as OperationMessage
    // Of an asynchronous one `end` only says that it is under way.
    if (outcome === undefined || !this.#begun.delete(message as OperationMessage)) return
    this.#totals.operations += 1
    if (outcome === 'failed') this.#totals.failed += 1
    let sum = this.#sums.get(operation)
    if (sum === undefined) this.#sums.set(operation, (sum = new Sum()))
    sum.add(message as OperationMessage)
  }
}

/** Operations of one kind. */
class Sum {
  readonly #durations = new Uint32Array(BUCKETS)
  readonly #retries: RetryCounts = { provedAbsent: 0, foundAfterAll: 0, stale: 0, outrun: 0 }
  #count = 0
  #failed = 0
  #bytesRead = 0
  #bytesWritten = 0
  #hops = 0

  add({ durationMs = 0, outcome, bytesRead, bytesWritten, hops, retries }: OperationMessage): void {
    const step = Math.round(STEPS * Math.log2(Math.max(1, durationMs * 1000)))
    const bucket = Math.min(BUCKETS - 1, step)
    this.#durations[bucket] = (this.#durations[bucket] ?? 0) + 1
    this.#count += 1
    if (outcome === 'failed') this.#failed += 1
    this.#bytesRead += bytesRead
    this.#bytesWritten += bytesWritten
    this.#hops += hops
    for (const reason of Object.keys(this.#retries) as (keyof RetryCounts)[]) {
      this.#retries[reason] += retries[reason]
    }
  }

  toFigures(): Omit<OperationFigures, 'name'> {
    return {
      count: this.#count,
      failed: this.#failed,
      p50Ms: this.#quantile(0.5),
      p99Ms: this.#quantile(0.99),
      bytesRead: this.#bytesRead,
      bytesWritten: this.#bytesWritten,
      hops: this.#hops,
      retries: this.#retries,
    }
  }

  #quantile(fraction: number): number {
    let left = fraction * this.#count
    const bucket = this.#durations.findIndex((count) => (left -= count) <= 0)
    return 2 ** (bucket / STEPS) / 1000
  }
}
