import type { Answer, CountingResults, Group } from '../results.js'
import { barChart } from './bar-chart.js'
import type { ChartHow } from './chart-how.js'
import { fits } from './facts.js'
import { lineChart } from './line-chart.js'
import { varyingFacts } from './facts.js'
import { documentOf } from './svg.js'

/** An SVG document. */
export function chartOf(title: string, { groups }: Pick<Answer, 'groups'>, how: ChartHow): string {
  const { along, only = {} } = how
  const shown = groups.filter(({ facts, series }) => series.length > 0 && fits(facts, only))
  // Of a single point there is no line.
  const hasLine =
    along !== undefined && varyingFacts(shown.map(({ facts }) => facts)).includes(along)
  return documentOf(
    hasLine ? lineChart(title, shown, { ...how, along }) : barChart(title, shown, how),
  )
}

/** Counting as the groups that it consists of; a rate becomes a time. */
export function countingGroups({ series }: CountingResults): Group[] {
  const groups = new Map<string, Group>()
  for (const { processes, promised, subject, comparedWith, perSecond, ratios } of series) {
    const key = `${processes} ${promised}`
    const group = groups.get(key) ?? {
      facts: { fileSystem: '', operation: 'increment', promised, processes },
      unit: 'µs per call' as const,
      comparedWith,
      series: [],
    }
    const added = { subject, figures: perSecond.map((rate) => 1e6 / rate), ratios }
    groups.set(key, { ...group, series: [...group.series, added] })
  }
  return [...groups.values()]
}
