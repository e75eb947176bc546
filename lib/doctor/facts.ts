import type { Format } from '../format/marker.js'
import type { Mount } from '../format/mount-table.js'
import type { Outcome } from './outcome.js'

/** Who asks. */
export interface User {
  readonly uid: number
  readonly gid: number
  readonly groups: readonly number[]
}

/** The directory itself. */
export interface Place {
  /** Its path without symbolic links. */
  readonly path: string
  readonly uid: number
  readonly gid: number
  /** Permissions, with the set-gid bit. */
  readonly mode: number
  /** The number of its mount, where the system tells it. */
  readonly mountId: number | undefined
}

/** What the file system says of itself. */
export interface Space {
  /** The number of its kind, as statfs(2) has it. */
  readonly type: number
  readonly totalBytes: number
  readonly freeBytes: number
  /** 0 where the file system has no fixed number of them. */
  readonly totalInodes: number
  readonly freeInodes: number
}

/** What the directory holds. */
export type Contents =
  | { readonly kind: 'store'; readonly format: Format; readonly marked: boolean }
  | { readonly kind: 'empty' }
  /** Other files, one of which is named. */
  | { readonly kind: 'other'; readonly example: string }
  /** A marker that this release cannot read. */
  | { readonly kind: 'unreadable'; readonly reason: string }

/** Whether the directory can be written to. */
export type Access = 'writable' | 'read-only' | 'forbidden'

/** How many names one file can have. */
export interface LinkCount {
  /** Names that one file had in the end. */
  readonly names: number
  /** Whether more were refused; else the probe stopped by itself. */
  readonly isLimit: boolean
}

/** What became of links to a file of another user. */
export interface OtherUser {
  /** The setting `fs.protected_hardlinks` of this kernel. */
  readonly isProtected: boolean | undefined
  /** The code that a real attempt by another user ended with, or 'linked'. */
  readonly attempt: string | undefined
}

/** What becomes of a link to a name that is taken: a code such as EEXIST, or what went wrong. */
export type Exclusion = 'EEXIST' | 'linked' | 'replaced'

/** The clock of the file system against the one of this host. */
export interface ClockOffset {
  /** How far the file system's clock is ahead. */
  readonly offsetMs: number
  readonly uncertaintyMs: number
}

/** The calls that are timed. */
export const TIMED_CALLS = [
  'write',
  'flush',
  'rename',
  'link',
  'read',
  'unlink',
  'openDirectory',
] as const

/** Medians of some calls each, in milliseconds. */
export type Latency = Readonly<Record<(typeof TIMED_CALLS)[number], number>>

/** Private names in a store. */
export interface Leftovers {
  readonly files: number
  readonly bytes: number
  /** Of these, in directories that have been silent for longer than the grace of a sweep. */
  readonly abandonedFiles: number
  readonly abandonedBytes: number
  readonly oldestAgeMs: number | undefined
  /** Whether all were counted. */
  readonly isComplete: boolean
}

/** All that the probes found out. */
export interface Facts {
  /** As it was asked for, made absolute. */
  readonly directory: string
  readonly host: string
  readonly checkedAtMs: number
  readonly user: User | undefined
  readonly mount: Mount | undefined
  /** Mount points below the directory. */
  readonly mountsBelow: readonly string[]
  readonly place: Outcome<Place>
  readonly space: Outcome<Space>
  readonly contents: Outcome<Contents>
  readonly access: Outcome<Access>
  /** The name of the directory in which the probes worked. */
  readonly scratch: Outcome<string>
  readonly rename: Outcome<true>
  readonly link: Outcome<true>
  readonly exclusion: Outcome<Exclusion>
  /** Directories of the store that its private names cannot be renamed into. */
  readonly apart: Outcome<readonly string[]>
  readonly fileFlush: Outcome<true>
  readonly directoryFlush: Outcome<true>
  readonly linkCount: Outcome<LinkCount>
  readonly otherUser: Outcome<OtherUser>
  readonly clock: Outcome<ClockOffset>
  readonly latency: Outcome<Latency>
  readonly leftovers: Outcome<Leftovers>
  /** Whether the probes' own directory is gone again. */
  readonly cleanUp: Outcome<true>
}
