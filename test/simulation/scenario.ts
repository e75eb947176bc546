import type { Operation } from '../../lib/drivers/effects.js'
import type { Format } from '../../lib/format/marker.js'
import type { Durability } from '../../lib/protocol/context.js'
import type { Limits } from './file-system.js'
import type { LookupCache } from './nfs.js'
import type { Journal } from './power-cut.js'
import { small, type Value, type Verb } from './verbs.js'

/** Where the store lies. On NFS each host has its own caches; a local file system has none. */
export type Place = 'local' | 'nfs4' | 'nfs3'

/** One process: programs of one run one after the other, several beside each other. */
export interface Cast {
  readonly host: number
  readonly programs: readonly (readonly Verb[])[]
}

/** Alters an operation, to see that the simulator notices. */
export type Mutate = (operation: Operation<unknown>) => Operation<unknown>

/** How often, at most, what may go wrong does in one run. Where and when is tried out. */
export interface Faults {
  /** Processes killed between any two steps. */
  readonly kills: number
  /** Replies that an NFS server's client does not get. */
  readonly lostReplies: number
  /** Operations aborted by their caller. */
  readonly aborts: number
  /** System calls that fail. */
  readonly errors: number
  /** Processes, running or dead, that are silent for longer than a sweep waits. */
  readonly stops: number
}

/** A small world: what is there, and who does what. */
export interface Scenario {
  readonly place: Place
  /** NFS: whether names are believed that a host remembers, as its mount option says. */
  readonly lookupCache: LookupCache
  readonly reads: 'link' | 'open'
  readonly format: Format
  readonly isConditional: boolean
  /** Whether values are kept in memory, and whether inode numbers are given again. */
  readonly isCached: boolean
  readonly durability: Durability
  readonly dirMode: number | undefined
  /** Undefined: as the protocol decides for itself. */
  readonly fresh: boolean | undefined
  /** Objects that are there at the start, by key. */
  readonly initial: ReadonlyMap<string, Value>
  /** Cells that are there at the start, with the values of their generations. */
  readonly cells: ReadonlyMap<string, readonly string[]>
  /** Whether a private name of somebody else holds each of them. */
  readonly pinned: boolean
  /** Whether the processes have opened the store, and have their directories, at the start. */
  readonly opened: boolean
  /** What is done before it begins, one after the other, by process: it warms caches. */
  readonly setup: readonly (readonly [process: number, verb: Verb])[]
  readonly cast: readonly Cast[]
  /** Times that the clock moves to, at any moment; see {@link START_MS}. */
  readonly ticksMs: readonly number[]
  readonly faults: Faults
  /** Whether processes may be stopped, and go on later. Walks only. */
  readonly suspends: boolean
  /** How far the clock of a process is ahead, by its index. */
  readonly aheadMs: readonly number[]
  /** Whether a sweep follows when all is over, which takes all private names for abandoned. */
  readonly endsWithSweep: boolean
  /** Whether operations may fail though nothing goes wrong, as the documentation says. */
  readonly mayFail: boolean
  /** Whether power may be cut; and what a power cut leaves. */
  readonly powerCut: Journal | undefined
  readonly limits: Limits
  /** NFS 3: whether each change falls into a tick of the server's clock of its own. */
  readonly ticksByItself: boolean
  /** NFS 3: whether its clock may move at any moment; if neither, it stands still. */
  readonly serverTicks: boolean
  /** Whether private steps are not left out: for mutants whose private names are not. */
  readonly everyStep: boolean
  readonly mutate: Mutate | undefined
  /** Whether all processes draw the same random ids, as a mutant does. */
  readonly sameRandomIds: boolean
}

const NO_FAULTS: Faults = { kills: 0, lostReplies: 0, aborts: 0, errors: 0, stops: 0 }

/** What the clock says at the start. */
export const START_MS = 100

/** The only key of most scenarios. */
export const KEY = 'a'

/** A scenario with what is usual. */
export function scenario(
  programs: readonly (readonly Verb[])[],
  changes: Partial<Omit<Scenario, 'faults'>> & { readonly faults?: Partial<Faults> } = {},
): Scenario {
  return {
    place: 'local',
    lookupCache: 'all',
    reads: 'link',
    format: 'envelope',
    isConditional: false,
    isCached: false,
    durability: 'full',
    dirMode: undefined,
    fresh: undefined,
    initial: new Map([[KEY, small('I')]]),
    cells: new Map(),
    pinned: false,
    opened: true,
    setup: [],
    cast: programs.map((program, host) => ({ host, programs: [program] })),
    ticksMs: [],
    suspends: false,
    aheadMs: [],
    endsWithSweep: false,
    mayFail: false,
    powerCut: undefined,
    limits: { maxLinks: 65_000, isFull: false },
    ticksByItself: true,
    serverTicks: false,
    everyStep: false,
    mutate: undefined,
    sameRandomIds: false,
    ...changes,
    faults: { ...NO_FAULTS, ...changes.faults },
  }
}
