/** Where something else is faster than linkstore, and why. */
import { spreadOf, type Answer, type Group } from '../results.js'
import { factsInWords, varyingFacts } from './facts.js'
import { inDigits } from './numbers.js'
import { ratiosOf } from './ratios.js'
import { roleOf } from './roles.js'
import { wrapped } from './words.js'

interface Comparison {
  readonly group: Group
  readonly ratio: number
}

/** How a peer that is better is, and in what, where that is not time. */
const LEADS: Readonly<Partial<Record<Group['unit'], readonly [lead: string, measure: string]>>> = {
  MiB: ['takes less', 'memory'],
  'KiB of code': ['loads less', 'code'],
}

/** As a list; each peer with a median ratio below 1 somewhere is in it. */
export function winsOf(answer: Answer, why: Readonly<Record<string, string>>): string[] {
  const peers = new Map<string, Comparison[]>()
  for (const group of answer.groups) {
    const standard = standardOf(group)
    if (standard === undefined) continue
    for (const { subject } of group.series) {
      if (subject === standard) continue
      // Of linkstore itself, and of what bounds all others, only that which there is a word on.
      if (roleOf(subject) !== 'peer' && why[subject] === undefined) continue
      const ratio = spreadOf(ratiosOf(group, subject, group, standard)).median
      peers.set(subject, [...(peers.get(subject) ?? []), { group, ratio }])
    }
  }
  const varying = varyingFacts(answer.groups.map(({ facts }) => facts))
  const lines = [...peers].flatMap(([subject, all]) => {
    const won = all.filter(({ ratio }) => ratio < 1).sort((one, other) => one.ratio - other.ratio)
    const [best] = won
    if (best === undefined) return []
    const { group, ratio } = best
    const where = factsInWords(group.facts, varying)
    const place = where === '' ? '' : ` (${where})`
    const count = all.length === 1 ? '' : ` in ${won.length} of ${all.length} comparisons`
    const [lead, measure] = LEADS[group.unit] ?? ['is faster', 'time']
    const times = `${inDigits(ratio)} times the ${measure} of *${standardOf(group)}*${place}`
    const reason = why[subject] ?? 'Why is not known.'
    const words = `- **${subject}** ${lead}${count}, at best ${times}. ${reason}`
    return wrapped(words.replace(/\s+/g, ' '), 100).map((line, at) =>
      at === 0 ? line : `  ${line}`,
    )
  })
  return lines.length > 0 ? lines : ['Nothing else is faster in any comparison.']
}

/** Whom a peer is held against: a group that has a bound in its middle has linkstore as well. */
function standardOf({ comparedWith, series }: Group): string | undefined {
  if (roleOf(comparedWith) === 'linkstore') return comparedWith
  return series.find(({ subject }) => roleOf(subject) === 'linkstore')?.subject
}
