import { hashKey } from '../../index.js'

/** What each host runs, with its plans. */
export const HOST_WORKER = 'lab/nfs-host-worker.js'

/** How a host looks at the store. */
export type Reader =
  /** As linkstore does by itself. */
  | 'store'
  /** With `cache`: values in memory. */
  | 'cached'
  /** With `fresh: false`. */
  | 'stale'
  /** Without linkstore: links the object and reads it; what is not found is absent. */
  | 'bare'

/** What one host does in one row of the matrix. */
export interface HostPlan {
  /** Which row, by its place in the matrix. */
  readonly row: number
  /** Where the store lies for this host. */
  readonly root: string
  /** Its number; 0 changes, 1 looks, 2 does both. */
  readonly host: number
  readonly hosts: number
  readonly reader: Reader
  readonly epochs: number
  readonly epochMs: number
  readonly seed: number
  /** A directory of the guest, where the hosts wait for each other before they begin. */
  readonly meetingPath: string
}

/** One call of a verb, as its caller saw it; times are of the guest's one monotonic clock. */
export interface Recorded {
  readonly host: number
  readonly key: string
  readonly kind: 'write' | 'add' | 'take' | 'remove' | 'read' | 'has'
  readonly value?: string
  readonly result?: string | boolean
  readonly called: number
  readonly returned: number
}

/** What a host reports when it is through with a row. */
export interface HostReport {
  readonly row: number
  readonly host: number
  readonly calls: readonly Recorded[]
  /** What went wrong beyond what a history can tell: errors, keys listed twice. */
  readonly faults: readonly string[]
}

/** A key that is used in one epoch only. */
export interface EpochKey {
  readonly key: string
  /** Whether all hosts change it; otherwise host 0 does, and the others look. */
  readonly isContended: boolean
}

/** The keys of an epoch, the same on all hosts: some in shards of old, some in new ones. */
export function epochKeys(epoch: number): readonly EpochKey[] {
  return [
    { key: keyInOldShard(`${epoch}.watched`), isContended: false },
    { key: `${epoch}.watched, new`, isContended: false },
    { key: keyInOldShard(`${epoch}.contended`), isContended: true },
    { key: `${epoch}.contended, new`, isContended: true },
  ]
}

/** A key that has this text and lies in one of sixteen shards. */
export function keyInOldShard(text: string): string {
  for (let nonce = 0; ; nonce += 1) {
    const key = `${text}.${nonce}`
    if (hashKey(key).startsWith('000')) return key
  }
}

/** What host b was wrong about in one case of visibility, one entry for each round. */
export interface VisibilityReport {
  readonly name: string
  readonly rounds: number
  /** Whether it takes luck, too, to be wrong. */
  readonly isRace: boolean
  /** Through linkstore. */
  readonly wrong: readonly string[]
  /** By plain calls of the file system. */
  readonly wrongPlain: readonly string[]
}
