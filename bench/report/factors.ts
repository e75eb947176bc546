/** How many times as long something takes as linkstore does, wherever both were measured. */
import type { Facts, Group, Results } from '../results.js'
import { areAlike, FACT_NAMES, factsInWords, fits, type FactsWanted } from './facts.js'
import { ratiosOf } from './ratios.js'

/** What a place is known by; the others are the same in all places of a pair. */
const PLACE_FACTS = ['operation', 'valueBytes', 'objects', 'promised', 'fileSystem'] as const

/** One of two that are compared: the first of the subjects that is there, in groups that fit. */
export interface Side {
  readonly subjects: readonly string[]
  readonly facts: FactsWanted
}

/** What is compared, in the answer to which question. */
export interface Pair {
  readonly question: string
  readonly ours: Side
  readonly theirs: Side
}

/** What was found at one place. */
export interface Factor {
  readonly ours: string
  readonly theirs: string
  /** The facts in words. */
  readonly place: string
  /** Their time to ours, round by round: above 1 we are the faster. */
  readonly factors: readonly number[]
}

interface Place {
  readonly group: Group
  readonly subject: string
}

/** One of each place; both sides have the same facts there, but for those that differ by intent. */
export function factorsOf({ answers }: Results, { question, ours, theirs }: Pair): Factor[] {
  const except = FACT_NAMES.filter((name) => !isSame(ours.facts[name], theirs.facts[name]))
  return answers.flatMap(({ question: answered, groups }) => {
    if (answered !== question) return []
    const others = placesOf(groups, theirs)
    return placesOf(groups, ours).flatMap(({ group, subject }) => {
      const other = others.find((each) => areAlike(each.group.facts, group.facts, except))
      if (other === undefined) return []
      const place = placeOf(group.facts, ours.facts)
      const factors = ratiosOf(other.group, other.subject, group, subject)
      return [{ ours: subject, theirs: other.subject, place, factors }]
    })
  })
}

function placesOf(groups: readonly Group[], { subjects, facts }: Side): Place[] {
  return groups
    .filter((group) => fits(group.facts, facts))
    .flatMap((group) => {
      const isThere = (name: string): boolean => group.series.some((each) => each.subject === name)
      const subject = subjects.find(isThere)
      return subject === undefined ? [] : [{ group, subject }]
    })
}

/** Those facts that are not given by what is wanted. */
function placeOf(facts: Facts, wanted: FactsWanted): string {
  const isOpen = (name: keyof Facts): boolean =>
    wanted[name] === undefined || Array.isArray(wanted[name])
  return factsInWords(facts, PLACE_FACTS.filter(isOpen))
}

function isSame(one: FactsWanted[keyof Facts], other: FactsWanted[keyof Facts]): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
