/** What takes part in the comparisons, and how it is described. */

/** What a write promises once it is acknowledged, the strongest first. */
export type Promised = 'value and name flushed' | 'value flushed' | 'nothing flushed'

export type Operation = 'get' | 'get, absent' | 'set, overwriting' | 'set, new'

/** Something that keeps values under names. What it does at once, it need not promise. */
export interface Subject {
  get(key: string): Buffer | undefined | Promise<Buffer | undefined>
  set(key: string, value: Buffer): unknown
  /** Sets many in the beginning, where that is cheaper than one after the other. */
  fill?(values: Iterable<readonly [key: string, value: Buffer]>): unknown
  close(): unknown
}

/** What the parts of a measurement cost, in microseconds unless it is said otherwise. */
export interface Cost {
  readonly amount: number
  readonly calls: number
}

/** A subject at work, on keys and values that it was given. */
export interface Contestant {
  /** Does it again and again for so long, with so many calls under way. */
  measure(operation: Operation, inFlight: number, durationMs: number): Promise<Cost>
  /** Reads back what it must hold. */
  check(): Promise<void>
  close(): Promise<void>
}

/** Where a contestant works, and with what. */
export interface Arena {
  /** For it alone, and there. */
  readonly directory: string
  /** For programs that have to be made. */
  readonly tools: string
  readonly load: Load
  /** Whether somebody else has written all values before. */
  readonly isFilled: boolean
}

/** The keys and values that all subjects of a comparison keep. */
export interface Load {
  readonly valueBytes: number
  readonly keys: readonly string[]
  /** What a key holds after an even or an odd number of changes; no other key holds the same. */
  readonly value: (at: number, version: number) => Buffer
}

/** A subject of the table, and how it takes part. */
export interface Entry {
  readonly name: string
  /** Only those that promise the same are compared as writers; undefined: as none. */
  readonly promised: Promised | undefined
  /** Whether its reads are compared; they do not depend on how a value was flushed. */
  readonly isRead: boolean
  /** What has always returned when it is done: nothing can be under way at the same time. */
  readonly isSync: (operation: Operation) => boolean
  readonly operations: readonly Operation[]
  /** Larger values it is not made for. */
  readonly maxValueBytes: number
  /** @throws Unavailable where it cannot be had */
  readonly contend: (arena: Arena) => Promise<Contestant>
}

export const READS: readonly Operation[] = ['get', 'get, absent']
export const ALL_OPERATIONS: readonly Operation[] = [...READS, 'set, overwriting', 'set, new']
