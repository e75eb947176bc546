import type { Retries } from '../diagnostics.js'
import type { CellSpace } from '../protocol/cell-spaces.js'
import type { SweepReport } from '../protocol/sweep-sum.js'

/**
 * The operations that are published, each on the tracing channel `linkstore:<name>`. Those of one
 * object are named as in `ObjectStore`: what `get` does is `read`.
 */
export const OPERATION_NAMES = [
  'open',
  'read',
  'stream',
  'stat',
  'write',
  'add',
  'remove',
  'take',
  'list',
  'copy',
  'rename',
  'count',
  'clear',
  'verify',
  'sweep',
  'destroy',
  'close',
  'cell:read',
  'cell:set',
  'lease:read',
  'lease:set',
  'flight:read',
  'flight:set',
  'queue:push',
  'queue:claim',
  'queue:read',
  'queue:extend',
  'queue:ack',
  'queue:retry',
  'queue:fail',
  'queue:giveBack',
  'queue:watch',
  'queue:counts',
  'queue:deadLetters',
  'queue:requeue',
  'queue:discard',
] as const

/** One of {@link OPERATION_NAMES}. */
export type OperationName = (typeof OPERATION_NAMES)[number]

/**
 * How an operation ended. `absent`: there was nothing to read, remove or claim. `refused`: a
 * condition did not hold, as when a key to be added had a value. Both are answers, no failures.
 */
export type Outcome = 'done' | 'absent' | 'refused' | 'failed'

/** What subscribers get: the same object at each event of one operation, filled as it goes on. */
export interface OperationMessage {
  /** Which one it is. */
  readonly operation: OperationName
  /** The directory of the store. */
  readonly root: string
  /**
   * SHA-256 of the key, or of the name of the cell, lease or queue, as on disk; undefined for what
   * concerns no single one. The key itself is nowhere: it may say something about a person.
   */
  readonly keyHash: string | undefined
  /** Whether it is one of `openSync`, so that `end` is its last event, not `asyncEnd`. */
  readonly isSync: boolean
  /** Undefined until it has ended. */
  readonly outcome: Outcome | undefined
  /** How long it took, its turn waited for included; undefined until it has ended. */
  readonly durationMs: number | undefined
  /** Bytes read from files, what lies around the values included. */
  readonly bytesRead: number
  /** Bytes written to files, likewise. */
  readonly bytesWritten: number
  /** Calls to the file system that it waited for. */
  readonly calls: number
  /** Those of them that a thread of Node's pool made. */
  readonly hops: number
  /** How often it had to look or try again. */
  readonly retries: Retries
  /** What a sweep has removed; undefined for all else, and for one that only looked. */
  readonly swept: SweepReport | undefined
  /** Why it failed: what the caller gets, but without the key; undefined if it did not. */
  readonly error: unknown
}

/** What a {@link StoreError} calls an operation. */
export function errorNameOf(name: OperationName): string {
  if (name === 'add') return 'write'
  const [kind = '', verb] = name.split(':')
  return verb === undefined || kind === 'queue' ? (verb ?? name) : `${verb} cell`
}

/** The kind of a cell, by where it lies. */
export const CELL_KINDS = {
  '.cells': 'cell',
  '.leases': 'lease',
  '.flights': 'flight',
} as const satisfies Readonly<Record<CellSpace, string>>
