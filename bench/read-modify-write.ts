/**
 * How long does it take to change a small value that other processes change, too?
 *
 * The value is a number; a change reads it, adds one and writes it. Processes are real ones, each
 * of which has every subject open. In a turn one of them, or several that start at the same
 * moment, count in the same number by the same subject. Those subjects that promise the same take
 * their turns one right after the other, round after round, so that what else the machine does
 * meets all of them. After each turn the number must be higher by exactly the increments that
 * were acknowledged; what is missing is reported as lost.
 */
import { now } from './counter.js'
import { COUNTERS, type CounterEntry } from './counters.js'
import { CountingProcess, type Turn } from './counting-process.js'
import type { CountingResults, CountingSeries } from './results.js'

/** How many count at the same time, and in how many turns a round of what length is cut. */
const CONTENTIONS = [
  { processes: 1, turns: 10, roundTimes: 1 },
  // Where several take turns among themselves, a short turn would say nothing.
  { processes: 2, turns: 2, roundTimes: 3 },
  { processes: 8, turns: 2, roundTimes: 3 },
] as const
const MOST_PROCESSES = 8
const WARM_UP_MS = 50
/** For the order to reach all processes before they start. */
const LEAD_MS = 20

/** A subject that takes part. */
interface Contestant {
  readonly entry: CounterEntry
  /** Its place in the table. */
  readonly subject: number
  /** What the number must be. */
  value: number
}

/** One measurement that is made in each round. */
interface Case {
  readonly contestant: Contestant
  readonly series: CountingSeries
}

/** What several did, all turns of a round together. */
interface Sum {
  readonly added: number[]
  readonly elapsedMs: number[]
}

/** Measures; says before each round which it is. */
export async function measureReadModifyWrite(
  scratch: string,
  { rounds, roundMs }: { readonly rounds: number; readonly roundMs: number },
  onRound: (round: number) => void,
): Promise<CountingResults> {
  const processes = Array.from({ length: MOST_PROCESSES }, () => new CountingProcess(scratch))
  try {
    const { contestants, missing } = await admit(processes)
    for (const contestant of contestants) {
      const turns = await take(processes, contestant, WARM_UP_MS)
      await settle(processes, contestant, turns, undefined)
    }
    const plans = CONTENTIONS.map((plan) => ({ ...plan, groups: groupsOf(contestants, plan) }))
    for (let round = 0; round < rounds; round += 1) {
      onRound(round)
      for (const { groups, turns, processes: count, roundTimes } of plans) {
        const counting = processes.slice(0, count)
        for (const group of groups) await measureGroup(counting, group, turns, roundMs * roundTimes)
      }
    }
    const series = plans.flatMap(({ groups }) => groups.flat().map(({ series }) => series))
    return { series, missing }
  } finally {
    await Promise.all(processes.map((process) => process.end()))
  }
}

/** Opens each subject that can be had here in each process, by the first of them first. */
async function admit(
  processes: readonly CountingProcess[],
): Promise<{ contestants: Contestant[]; missing: string[] }> {
  const [first, ...others] = processes as [CountingProcess, ...CountingProcess[]]
  const contestants: Contestant[] = []
  const missing: string[] = []
  for (const [subject, entry] of COUNTERS.entries()) {
    const reason = await first.do({ kind: 'open', subject })
    if (reason !== undefined) {
      missing.push(`${entry.name}: ${reason}`)
      continue
    }
    for (const other of others) await other.do({ kind: 'open', subject })
    contestants.push({ entry, subject, value: 0 })
  }
  return { contestants, missing }
}

/** What is compared with each other, the one that the others are held to at the head. */
function groupsOf(
  contestants: readonly Contestant[],
  { processes }: { readonly processes: number },
): Case[][] {
  const promises = [...new Set(contestants.map(({ entry }) => entry.promised))]
  return promises.map((promised) => {
    const group = contestants.filter(({ entry }) => entry.promised === promised)
    const comparedWith = group[0]?.entry.name ?? ''
    return group.map((contestant) => {
      const facts = { processes, promised, subject: contestant.entry.name, comparedWith }
      const figures = { perSecond: [], ratios: [], least: [], most: [] }
      return { contestant, series: { ...facts, ...figures, added: 0, lost: 0, failures: [] } }
    })
  })
}

async function measureGroup(
  processes: readonly CountingProcess[],
  group: readonly Case[],
  turns: number,
  roundMs: number,
): Promise<void> {
  const sums = group.map(() => ({
    added: processes.map(() => 0),
    elapsedMs: processes.map(() => 0),
  }))
  for (let turn = 0; turn < turns; turn += 1) {
    for (let place = 0; place < group.length; place += 1) {
      // Nobody always follows the same one.
      const index = (turn + place) % group.length
      const { contestant, series } = group[index] as Case
      const taken = await take(processes, contestant, roundMs / turns)
      await settle(processes, contestant, taken, series)
      const sum = sums[index] as Sum
      for (const [at, { added, elapsedMs }] of taken.entries()) {
        sum.added[at] = (sum.added[at] ?? 0) + added
        sum.elapsedMs[at] = (sum.elapsedMs[at] ?? 0) + elapsedMs
      }
    }
  }
  note(group, sums)
}

/** All of them count, from the same moment on, for so long. */
async function take(
  processes: readonly CountingProcess[],
  { subject }: Contestant,
  durationMs: number,
): Promise<Turn[]> {
  const startMs = now() + LEAD_MS
  const order = { kind: 'count', subject, startMs, endMs: startMs + durationMs } as const
  return await Promise.all(processes.map((process) => process.do(order)))
}

/** Compares the number with what was acknowledged; each process must find the same. */
async function settle(
  processes: readonly CountingProcess[],
  contestant: Contestant,
  turns: readonly Turn[],
  series: CountingSeries | undefined,
): Promise<void> {
  const { entry, subject } = contestant
  const added = turns.reduce((sum, turn) => sum + turn.added, 0)
  const failures = turns.flatMap((turn) => turn.failures)
  const found = await Promise.all(processes.map((process) => process.do({ kind: 'read', subject })))
  const value = found[0] ?? NaN
  if (found.some((other) => other !== value)) {
    throw new Error(`${entry.name}: processes find different numbers: ${found.join(', ')}`)
  }
  const expected = contestant.value + added
  // Of what failed it is not known whether it was done.
  if (!(value <= expected + failures.length)) {
    throw new Error(`${entry.name} counted to ${value} instead of ${expected}`)
  }
  contestant.value = value
  if (series === undefined) return
  series.added += added
  series.lost += Math.max(0, expected - value)
  series.failures.push(...failures)
}

function note(group: readonly Case[], sums: readonly Sum[]): void {
  const rates = sums.map(({ added, elapsedMs }) =>
    added.map((count, at) => (1000 * count) / (elapsedMs[at] ?? NaN)),
  )
  const totals = rates.map((each) => each.reduce((sum, rate) => sum + rate, 0))
  for (const [index, { series }] of group.entries()) {
    const total = totals[index] ?? NaN
    const shares = (rates[index] ?? []).map((rate) => rate / total)
    series.perSecond.push(total)
    series.ratios.push((totals[0] ?? NaN) / total)
    series.least.push(Math.min(...shares))
    series.most.push(Math.max(...shares))
  }
}
