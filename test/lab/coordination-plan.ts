/** What a host missed of another's changes when it listed a directory. */
export interface ListingReport {
  /** What it changed itself just before it listed the directory. */
  readonly change: 'none' | 'mkdir and rmdir' | 'link'
  readonly rounds: number
  readonly missed: number
}

/** How many changes a host makes of a cell, however long it takes. */
export const LEAST_UPDATES = 11

/** A call on the cell that all hosts count in; times are of the guest's one monotonic clock. */
export interface CellCall {
  readonly host: string
  readonly kind: 'update' | 'read'
  readonly generation: number
  readonly value: number
  readonly called: number
  readonly returned: number
}

/** What a host did with the cell. */
export interface CellReport {
  readonly kind: 'cell'
  readonly calls: readonly CellCall[]
  /** Updates of which it was said that nobody can tell whether they were made. */
  readonly unknown: number
  /** Errors, in words. */
  readonly failed: readonly string[]
}

/** Something that happened to whoever holds, or held, a lease. */
export interface LeaseEvent {
  readonly host: string
  readonly kind: 'begun' | 'ended' | 'lost' | 'release rejected'
  readonly token: number
  readonly atMs: number
  /** The code of the error, if it is about one. */
  readonly code?: string
}

/** What a host did with the lease. */
export interface LeaseReport {
  readonly kind: 'lease'
  readonly events: readonly LeaseEvent[]
}

/** Something that happened to whoever makes a value. */
export interface FlightEvent {
  readonly host: string
  readonly kind: 'begun' | 'aborted' | 'got' | 'failed'
  readonly key: string
  readonly atMs: number
  /** What was got, or the code of the error. */
  readonly what?: string
}

/** What a host did with values that are made once. */
export interface FlightReport {
  readonly kind: 'flight'
  readonly events: readonly FlightEvent[]
}

/** What became of the jobs of a queue. */
export interface QueueReport {
  readonly kind: 'queue'
  readonly pushed: number
  readonly problems: readonly string[]
  readonly acknowledged: number
  readonly unheard: number
  readonly repeated: number
  readonly refused: number
  readonly counts: unknown
}

/** What an operation costs, in calls to the server. */
export interface CostReport {
  readonly kind: 'cost'
  readonly name: string
  readonly counts: string
}

/** How a host counted in a number of several hosts, by one subject of the benchmark. */
export interface CountedReport {
  readonly kind: 'counted'
  readonly subject: string
  readonly host: string
  /** Increments that were acknowledged, */
  readonly added: number
  /** and those that were not, in words. */
  readonly failures: readonly string[]
  readonly elapsedMs: number
  /** What it found when all had ended; undefined if it could not read it. */
  readonly value: number | undefined
}

/** The key whose maker is cut off. */
export const CUT_KEY = 'cut'
