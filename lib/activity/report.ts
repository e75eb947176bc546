import type { Retries } from '../diagnostics.js'

/** What a process has done with a store of late. */
export interface ActivityReport {
  /** Where it runs. */
  readonly host: string
  /** Its number there. */
  readonly pid: number
  /** What it says it is. */
  readonly program: string
  /** How long the time is that the figures are of, in milliseconds. */
  readonly windowMs: number
  /** For how long after it was written the report is to be believed, in milliseconds. */
  readonly validMs: number
  /** Operations that have begun and not ended. */
  readonly active: number
  /** Since the reporting began. */
  readonly totals: {
    /** All that have ended. */
    readonly operations: number
    /** Those of them that failed. */
    readonly failed: number
  }
  /** Those operations of which there were any. */
  readonly operations: readonly OperationFigures[]
}

/** Operations of one kind that ended within the window. */
export interface OperationFigures {
  /** Its name, as the tracing channels have it. */
  readonly name: string
  /** All of them. */
  readonly count: number
  /** Those that failed. */
  readonly failed: number
  /** Half of them took no longer, in milliseconds, to within a tenth. */
  readonly p50Ms: number
  /** 99 of 100 took no longer. */
  readonly p99Ms: number
  /** Bytes read from files. */
  readonly bytesRead: number
  /** Bytes written to files. */
  readonly bytesWritten: number
  /** Calls that a thread of Node's pool made. */
  readonly hops: number
  /** How often they looked or tried again, by reason. */
  readonly retries: Retries
}

const VERSION = 1
const MAX_TEXT = 200
const MAX_OPERATIONS = 100

/** A report as it is written. */
export function encodeReport(report: ActivityReport): Buffer {
  return Buffer.from(JSON.stringify({ version: VERSION, ...report }))
}

/** What was written, checked; undefined for what is none, or of another version. */
export function parseReport(bytes: Buffer): ActivityReport | undefined {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
  return isReport(value) ? value : undefined
}

function isReport(value: unknown): value is ActivityReport {
  if (!isRecord(value) || value['version'] !== VERSION) return false
  const { host, program, totals, operations } = value
  const areNumbers = hasNumbers(value, ['pid', 'windowMs', 'validMs', 'active'])
  const isTold = isText(host) && isText(program) && areNumbers && Number(value['windowMs']) > 0
  if (!isTold || !isRecord(totals) || !hasNumbers(totals, ['operations', 'failed'])) return false
  if (!Array.isArray(operations) || operations.length > MAX_OPERATIONS) return false
  return operations.every(isFigures)
}

function isFigures(value: unknown): boolean {
  if (!isRecord(value) || !isText(value['name'])) return false
  const { retries } = value
  return (
    hasNumbers(value, ['count', 'failed', 'p50Ms', 'p99Ms', 'bytesRead', 'bytesWritten', 'hops']) &&
    isRecord(retries) &&
    hasNumbers(retries, ['provedAbsent', 'foundAfterAll', 'stale', 'outrun'])
  )
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value.length <= MAX_TEXT
}

function hasNumbers(value: Record<string, unknown>, names: readonly string[]): boolean {
  return names.every((name) => Number.isFinite(value[name]) && Number(value[name]) >= 0)
}
