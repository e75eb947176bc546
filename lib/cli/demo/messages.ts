/** What the demo's processes say to each other. */

/** What a worker is told when it is started, as JSON in its first argument. */
export interface Assignment {
  /** The directory of the store they all share. */
  readonly directory: string
  /** The file this worker notes in what was acknowledged to it. */
  readonly journal: string
  /** Names this worker; no two that ever run in one demo have the same. */
  readonly name: string
  /** Its place among the workers, from 0. */
  readonly slot: number
  /** How many workers run at a time. */
  readonly processes: number
}

/** What a worker has done so far. */
export interface Tally {
  reads: number
  writes: number
  adds: number
  takes: number
  listings: number
  /** Looks for keys that exist all the time, in reads and in listings. */
  looks: number
  /** Such looks that said the key was absent. */
  falseMisses: number
  /** Values that are not what any one write stored. */
  torn: number
  /** Own keys that did not have the value last acknowledged. */
  lost: number
}

/** From the demo to a worker. Clocks are compared because all contend at the same moments. */
export type Order = { readonly kind: 'start'; readonly startMs: number } | { readonly kind: 'stop' }

/** From a worker to the demo. */
export type Report =
  | { readonly kind: 'ready' }
  | { readonly kind: 'tally'; readonly tally: Tally; readonly file: string }
  | { readonly kind: 'problem'; readonly message: string }

/** A tally of nothing. */
export function emptyTally(): Tally {
  return {
    reads: 0,
    writes: 0,
    adds: 0,
    takes: 0,
    listings: 0,
    looks: 0,
    falseMisses: 0,
    torn: 0,
    lost: 0,
  }
}

/** Adds tallies up. */
export function addTallies(tallies: readonly Tally[]): Tally {
  const sum = emptyTally()
  for (const tally of tallies) {
    for (const name of Object.keys(sum) as (keyof Tally)[]) sum[name] += tally[name]
  }
  return sum
}

/** How many calls of the store a tally stands for. */
export function operationsOf(tally: Tally): number {
  return tally.reads + tally.writes + tally.adds + tally.takes + tally.listings
}
