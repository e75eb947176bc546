/**
 * The heart of every comparison: those that are compared take short turns, one right after the
 * other, round after round, so that what else the machine does meets all of them.
 */
import { now } from './clock.js'
import type { Facts, Group } from './results.js'
import type { Cost } from './subjects/subject.js'

/** One subject of a comparison. */
export interface Runner {
  readonly subject: string
  /** One turn. */
  readonly run: () => Promise<Cost>
  /** What is done after the turns of a round, and not measured: a look at what was written. */
  readonly check?: (() => Promise<void>) | undefined
}

/** What is compared with each other. */
export interface Comparison {
  readonly facts: Facts
  readonly unit: Group['unit']
  /** Where it does not take part, the others are held to the first. */
  readonly comparedWith: string
  /** Into how many turns of each subject a round is cut. */
  readonly turns: number
  readonly runners: readonly Runner[]
}

/** Where figures and ratios are gathered. */
interface Row {
  readonly runner: Runner
  readonly figures: number[]
  readonly ratios: number[]
}

/**
 * Measures comparisons, all of them in every round.
 *
 * @param onRound - told before each round which it is
 * @param warmUpMs - how long turns of each go before that do not count, in milliseconds; at least
 *   one turn, or none with 0. In less than the default the code of each is not compiled yet.
 */
export async function measureInRounds(
  comparisons: readonly Comparison[],
  rounds: number,
  onRound: (round: number) => void,
  warmUpMs = 300,
): Promise<Group[]> {
  const tables = comparisons.map(({ runners }) =>
    runners.map((runner): Row => ({ runner, figures: [], ratios: [] })),
  )
  for (const { runner } of tables.flat()) await warmUp(runner, warmUpMs)
  for (let round = 0; round < rounds; round += 1) {
    onRound(round)
    for (const [index, comparison] of comparisons.entries()) {
      await measureRound(comparison, tables[index] ?? [], round)
    }
  }
  return comparisons.map(({ facts, unit, comparedWith }, index) => {
    const rows = tables[index] ?? []
    const series = rows.map(({ runner, figures, ratios }) => ({
      subject: runner.subject,
      figures,
      ratios,
    }))
    return { facts, unit, comparedWith: headOf(rows, comparedWith)?.runner.subject ?? '', series }
  })
}

async function warmUp(runner: Runner, warmUpMs: number): Promise<void> {
  const endMs = now() + warmUpMs
  while (now() < endMs) await runner.run()
}

async function measureRound(
  { comparedWith, turns }: Comparison,
  rows: readonly Row[],
  round: number,
): Promise<void> {
  const sums = rows.map(() => ({ amount: 0, calls: 0 }))
  for (let turn = 0; turn < turns; turn += 1) {
    for (let place = 0; place < rows.length; place += 1) {
      // Nobody is always the first.
      const index = (round + turn + place) % rows.length
      const cost = await rows[index]?.runner.run()
      const sum = sums[index]
      if (cost === undefined || sum === undefined) continue
      sum.amount += cost.amount
      sum.calls += cost.calls
    }
  }
  for (const [index, { figures }] of rows.entries()) {
    const { amount, calls } = sums[index] ?? { amount: NaN, calls: NaN }
    figures.push(amount / calls)
  }
  const head = headOf(rows, comparedWith)?.figures.at(-1) ?? NaN
  for (const { figures, ratios } of rows) ratios.push((figures.at(-1) ?? NaN) / head)
  for (const { runner } of rows) await runner.check?.()
}

function headOf(rows: readonly Row[], comparedWith: string): Row | undefined {
  return rows.find(({ runner }) => runner.subject === comparedWith) ?? rows[0]
}
