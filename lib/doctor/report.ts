import type { Facts } from './facts.js'
import type { FileSystem } from './file-system.js'

/** How good a finding is; only `weak` and `bad` count. */
export type Grade = 'good' | 'note' | 'weak' | 'bad' | 'unknown'

/** What is looked at, in the order of the report. */
export const CHECKS = [
  'response',
  'fileSystem',
  'store',
  'access',
  'hardLinks',
  'otherUsers',
  'oneVolume',
  'writeIfAbsent',
  'flush',
  'visibility',
  'clock',
  'space',
  'leftovers',
] as const

/** A finding, with what to do about it. */
export interface Check {
  readonly id: (typeof CHECKS)[number]
  readonly grade: Grade
  readonly summary: string
  readonly advice?: string | undefined
}

/** What is promised: the rows of the table in `docs/guarantees.md`. */
export const PROMISES = ['whole', 'seen', 'neverMissed', 'oneWinner', 'durable'] as const

/** Whether a promise is kept in this directory; `depends` on what cannot be seen from here. */
export interface KeptPromise {
  readonly id: (typeof PROMISES)[number]
  readonly verdict: 'holds' | 'depends' | 'fails'
  readonly summary: string
}

/**
 * All in all: `fit`; `limited` when a store works there but something was found wanting; `unfit`
 * when it does not work, or is refused.
 */
export type Verdict = 'fit' | 'limited' | 'unfit'

/** What `doctor` says. */
export interface Report {
  /** Of this form; it counts up when a field changes its meaning or goes. */
  readonly version: 1
  readonly verdict: Verdict
  readonly directory: string
  readonly fileSystem: FileSystem
  readonly checks: readonly Check[]
  readonly promises: readonly KeptPromise[]
  readonly facts: Facts
}
