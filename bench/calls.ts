/** Comparisons of calls: subjects of the table that work on the same keys and values. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Group } from './results.js'
import type { Scratch } from './questions/question.js'
import { measureInRounds, type Comparison, type Runner } from './rounds.js'
import { withPlace } from './scratches.js'
import { PROMISES_LESS } from './subjects.js'
import type { Contestant, Entry, Load, Operation, Promised } from './subjects/subject.js'
import { Unavailable } from './unavailable.js'

/** How much is measured. */
export interface Effort {
  readonly rounds: number
  /** How long each subject is measured in each round, */
  readonly roundMs: number
  /** and in how many turns. */
  readonly turns: number
}

/** Those who are compared, each on a directory of its own, and by what calls. */
export interface Stage {
  readonly entries: readonly Entry[]
  readonly load: Load
  /** What is promised by those that write. */
  readonly promised?: Promised
  readonly calls: readonly CallKind[]
}

export interface CallKind {
  readonly operation: Operation
  readonly inFlight: number
}

/** Part of an answer. */
export interface Found {
  readonly groups: readonly Group[]
  readonly missing: readonly string[]
}

/** Those whose reads are compared. */
export function readersOf(entries: readonly Entry[]): Entry[] {
  return entries.filter(({ isRead }) => isRead)
}

/** Those that promise this of a write, or, where it is more, as much as can be had by a file. */
export function writersOf(entries: readonly Entry[], promised: Promised): Entry[] {
  const isBeside = promised === 'value and name flushed'
  return entries.filter(
    (each) => each.promised === promised || (isBeside && each.name === PROMISES_LESS),
  )
}

/** Lets all work and measures them; leaves nothing behind. */
export async function measureStage(
  scratch: Scratch,
  stage: Stage,
  effort: Effort,
  announce: (what: string) => void,
): Promise<Found> {
  return await withPlace(scratch, async (place) => {
    const { contestants, missing } = await admit(place, stage)
    try {
      const comparisons = comparisonsOf(scratch, stage, contestants, effort)
      const groups = await measureInRounds(comparisons, effort.rounds, (round) =>
        announce(`round ${round + 1} of ${effort.rounds}`),
      )
      return { groups, missing }
    } finally {
      for (const contestant of contestants.values()) await contestant.close()
    }
  })
}

async function admit(
  place: string,
  { entries, load }: Stage,
): Promise<{ contestants: Map<Entry, Contestant>; missing: string[] }> {
  const contestants = new Map<Entry, Contestant>()
  const missing: string[] = []
  for (const [index, entry] of entries.entries()) {
    if (load.valueBytes > entry.maxValueBytes) continue
    const directory = join(place, String(index))
    await mkdir(directory)
    try {
      const arena = { directory, tools: place, load, isFilled: false }
      contestants.set(entry, await entry.contend(arena))
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
      missing.push(`${entry.name}: ${error.message}`)
    }
  }
  return { contestants, missing }
}

function comparisonsOf(
  { fileSystem }: Scratch,
  { load, promised, calls }: Stage,
  contestants: ReadonlyMap<Entry, Contestant>,
  { roundMs, turns }: Effort,
): Comparison[] {
  return calls.flatMap(({ operation, inFlight }) => {
    const able = [...contestants].filter(
      ([entry]) =>
        entry.operations.includes(operation) && (inFlight === 1 || !entry.isSync(operation)),
    )
    const isWrite = operation.startsWith('set')
    const runners = able.map(([{ name }, contestant]): Runner => ({
      subject: name,
      run: () => contestant.measure(operation, inFlight, roundMs / turns),
      check: isWrite ? () => contestant.check() : undefined,
    }))
    if (runners.length === 0) return []
    const promise = isWrite && promised !== undefined ? { promised } : {}
    const { valueBytes } = load
    const facts = { fileSystem, operation, ...promise, valueBytes, inFlight }
    const comparedWith = runners[0]?.subject ?? ''
    return [{ facts, unit: 'µs per call', comparedWith, turns, runners }]
  })
}

/** An answer of its parts. */
export function together(question: string, parts: readonly Found[]): Found & { question: string } {
  const groups = parts.flatMap((part) => part.groups)
  const missing = [...new Set(parts.flatMap((part) => part.missing))]
  return { question, groups, missing }
}
