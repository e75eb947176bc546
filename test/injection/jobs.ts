/** What the process that judges and the one that works say to each other. */
import type { ErrorCode } from '../../index.js'

/** Something a worker is told to do. */
export interface Job {
  readonly what: 'prepare' | 'look' | 'act' | 'check'
  /** Of the verb. */
  readonly title: string
  readonly face: 'sync' | 'async'
  readonly fresh: boolean
  readonly root: string
}

/** What a store holds. */
export interface State {
  /** Keys to values in short. */
  readonly values: Readonly<Record<string, string>>
  /** What is wrong with it, in words. */
  readonly damage: readonly string[]
}

/** What a verb did. */
export interface Outcome {
  readonly result?: unknown
  /** Of the StoreError it failed with. */
  readonly code?: ErrorCode
  readonly message?: string
  /** Anything else that it failed with. */
  readonly untyped?: string
}

/** What is there afterwards. */
export interface Aftermath {
  readonly state: State
  /** Keys to values after a sweep. */
  readonly swept: State['values']
  /** Why the store does not go on working as it should; empty if it does. */
  readonly problems: readonly string[]
  /** Whether a store was opened for reading only. */
  readonly isReadOnly: boolean
  /** Private names that are left when it is closed. */
  readonly leftNames: number
  readonly leftDescriptors: number
}

/** What a worker answers. */
export interface Answer {
  readonly value?: unknown
  readonly problem?: string | undefined
}
