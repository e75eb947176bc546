import type { Entry } from './journal.js'

/** A key that one process writes. */
export interface WrittenKey {
  /** SHA-256 of the value last acknowledged; undefined if none was. */
  acknowledged: string | undefined
  /** SHA-256 of a value that was begun after that, by a process that died over it. */
  doubtful: string | undefined
}

/** A key that several processes tried to add, or to take. */
export interface Contest {
  contenders: number
  /** SHA-256 of the value of each that was told it had won. */
  readonly winners: string[]
  /** Contenders that died before they were told. */
  doubtful: number
}

/** What all journals together say about the store. */
export interface Ledger {
  readonly writes: ReadonlyMap<string, WrittenKey>
  readonly races: ReadonlyMap<string, Contest>
  readonly takes: ReadonlyMap<string, Contest>
}

/** Adds journals up. */
export function ledgerOf(journals: readonly (readonly Entry[])[]): Ledger {
  const writes = new Map<string, WrittenKey>()
  const races = new Map<string, Contest>()
  const takes = new Map<string, Contest>()
  for (const journal of journals) {
    for (const entry of journal) {
      if (entry.verb === 'set') noteWrite(writes, entry)
      else noteContest(entry.verb === 'add' ? races : takes, entry)
    }
  }
  return { writes, races, takes }
}

/** How many contests there were, and how many processes contended in each on average. */
export function contentionOf({ races, takes }: Ledger): {
  readonly contests: number
  readonly contenders: number
} {
  const all = [...races.values(), ...takes.values()]
  const sum = all.reduce((total, { contenders }) => total + contenders, 0)
  return { contests: all.length, contenders: sum / Math.max(1, all.length) }
}

function noteWrite(writes: Map<string, WrittenKey>, { key, state, sha256 }: Entry): void {
  const known = writes.get(key) ?? { acknowledged: undefined, doubtful: undefined }
  writes.set(key, known)
  known.doubtful = state === 'begun' ? sha256 : undefined
  if (state === 'done') known.acknowledged = sha256
}

function noteContest(contests: Map<string, Contest>, { key, state, sha256 }: Entry): void {
  const known = contests.get(key) ?? { contenders: 0, winners: [], doubtful: 0 }
  contests.set(key, known)
  known.contenders += state === 'begun' ? 1 : 0
  known.doubtful += state === 'begun' ? 1 : -1
  if (state === 'done') known.winners.push(sha256)
}
