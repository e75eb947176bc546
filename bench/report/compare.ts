/** What became worse between two runs. Times are never compared: they are the machine's. */
import { TARGETS } from '../targets.js'
import { spreadOf, type Group, type Results, type Spread } from '../results.js'
import { FACT_NAMES, factsInWords } from './facts.js'
import { factorsOf } from './factors.js'
import { tableOf } from './markdown.js'
import { spreadInWords } from './numbers.js'
import { roleOf } from './roles.js'

/** Runs differ by less than that for no reason. */
const LEAST_CHANGE = 1.15

/** A ratio of which more is worse for linkstore. */
interface Measure {
  readonly what: string
  readonly ratios: readonly number[]
}

export function compare(results: Results, earlier: Results): { text: string; isWorse: boolean } {
  const before = new Map(measuresOf(earlier).map(({ what, ratios }) => [what, ratios]))
  const now = measuresOf(results)
  const common = now.flatMap(({ what, ratios }) => {
    const old = before.get(what)
    return old === undefined ? [] : [{ what, ratios, old }]
  })
  const worse = common.filter(({ ratios, old }) => isAbove(spreadOf(ratios), spreadOf(old)))
  const better = common.filter(({ ratios, old }) => isAbove(spreadOf(old), spreadOf(ratios)))
  const rows = ({ what, ratios, old }: (typeof common)[number]): string[] => [
    what,
    spreadInWords(old),
    spreadInWords(ratios),
  ]
  const list = (title: string, some: typeof common): string[] =>
    some.length === 0
      ? []
      : ['', `${title}:`, '', ...tableOf(['ratio', 'before', 'now'], some.map(rows))]
  const counts = `${common.length} ratios compared: ${worse.length} worse, ${better.length} better`
  const unmatched = [
    ...(now.length > common.length ? [`${now.length - common.length} are new`] : []),
    ...(before.size > common.length ? [`${before.size - common.length} are gone`] : []),
  ]
  const text = [
    [counts, ...unmatched].join('; '),
    ...list('Worse', worse),
    ...list('Better', better),
  ].join('\n')
  return { text, isWorse: worse.length > 0 }
}

/** Beyond the middle half of both, and by more than chance makes of it. */
function isAbove(one: Spread, other: Spread): boolean {
  return one.lowerQuartile > other.upperQuartile && one.median > other.median * LEAST_CHANGE
}

function measuresOf(results: Results): Measure[] {
  const inGroups = results.answers.flatMap(({ question, groups }) =>
    groups.flatMap((group) => groupMeasures(question, group)),
  )
  // Between groups, as when the store grows; what is within one is there already.
  const between = TARGETS.filter(({ ours, theirs }) => !areAlikeWanted(ours.facts, theirs.facts))
  const ofTargets = between.flatMap(({ what, against, ...pair }) =>
    factorsOf(results, pair).map(({ place, factors }) => ({
      what: `${what} / ${against}: ${place}`,
      ratios: factors.map((factor) => 1 / factor),
    })),
  )
  return [...inGroups, ...ofTargets]
}

function areAlikeWanted(one: object, other: object): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

/** What is linkstore's to what is not, or to another way of using it. */
function groupMeasures(question: string, { facts, comparedWith, series }: Group): Measure[] {
  const place = factsInWords(facts, FACT_NAMES)
  return series.flatMap(({ subject, ratios }): Measure[] => {
    const isOwn = roleOf(subject) === 'linkstore'
    if (subject === comparedWith || ratios.length === 0) return []
    if (isOwn) return [{ what: `${subject} / ${comparedWith}: ${question}, ${place}`, ratios }]
    if (roleOf(comparedWith) !== 'linkstore') return []
    const inverse = ratios.map((ratio) => 1 / ratio)
    return [{ what: `${comparedWith} / ${subject}: ${question}, ${place}`, ratios: inverse }]
  })
}
