import type { ActivityReport, ActivitySeen, OperationFigures } from '../../activity/index.js'
import type { Scanned } from './scanner.js'

/** All that is shown at one moment. */
export interface View {
  readonly directory: string
  readonly atMs: number
  readonly seen: ActivitySeen
  /** Undefined where nothing is scanned, a fraction while the first scan goes on. */
  readonly scan: Scanned | number | undefined
}

/** What a process does in a second. */
export interface ProcessRates {
  readonly operations: number
  readonly failed: number
  readonly bytesRead: number
  readonly bytesWritten: number
  readonly missed: number
  readonly retried: number
}

/** What all processes that report do of one kind. */
export interface OperationRates extends ProcessRates {
  readonly name: string
  /** The mean of those of the processes, by how many operations each had. */
  readonly p50Ms: number
  /** The longest of those of the processes. */
  readonly p99Ms: number
}

/** Adds up the operations of one process. */
export function ratesOf({ operations, windowMs }: ActivityReport): ProcessRates {
  return sumOf(operations.map((figures) => perSecond(figures, windowMs)))
}

/** Adds up what all processes do of each kind, the most frequent first. */
export function operationRates(processes: readonly ActivityReport[]): OperationRates[] {
  const names = new Set(processes.flatMap(({ operations }) => operations.map(({ name }) => name)))
  const all = [...names].map((name): OperationRates => {
    const parts = processes.flatMap(({ operations, windowMs }) =>
      operations
        .filter((figures) => figures.name === name)
        .map((figures) => ({ figures, rates: perSecond(figures, windowMs) })),
    )
    const sum = sumOf(parts.map(({ rates }) => rates))
    const weighted = parts.reduce((total, { figures, rates }) => {
      return total + figures.p50Ms * rates.operations
    }, 0)
    const p99Ms = Math.max(...parts.map(({ figures }) => figures.p99Ms))
    return { name, ...sum, p50Ms: weighted / Math.max(sum.operations, Number.MIN_VALUE), p99Ms }
  })
  return all.sort((one, other) => other.operations - one.operations)
}

function perSecond(figures: OperationFigures, windowMs: number): ProcessRates {
  const { count, failed, bytesRead, bytesWritten, retries } = figures
  const { provedAbsent, foundAfterAll, stale, outrun } = retries
  const rate = (number: number): number => (number * 1000) / windowMs
  return {
    operations: rate(count),
    failed: rate(failed),
    bytesRead: rate(bytesRead),
    bytesWritten: rate(bytesWritten),
    missed: rate(provedAbsent),
    retried: rate(foundAfterAll + stale + outrun),
  }
}

function sumOf(parts: readonly ProcessRates[]): ProcessRates {
  const sum = (name: keyof ProcessRates): number =>
    parts.reduce((total, part) => total + part[name], 0)
  return {
    operations: sum('operations'),
    failed: sum('failed'),
    bytesRead: sum('bytesRead'),
    bytesWritten: sum('bytesWritten'),
    missed: sum('missed'),
    retried: sum('retried'),
  }
}
