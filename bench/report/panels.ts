/** Which groups stand where in a chart, and what is written around them. */
import { spreadOf, type Facts, type Group, type Series } from '../results.js'
import type { ChartHow } from './chart-how.js'
import { FACT_NAMES, factsInWords, varyingFacts } from './facts.js'
import { withUnit } from './numbers.js'
import { roleOf, type Role } from './roles.js'
import { MARGIN, rectangle, text, widthOf } from './svg.js'
import { wrapped } from './words.js'

/** Panels side by side, under one title. */
export interface Section {
  readonly title: string
  /** As many as there are columns; some may have nothing in them. */
  readonly panels: readonly (readonly Group[])[]
}

export interface Grid {
  /** A line on what all groups have in common, if there is anything. */
  readonly common: string
  /** Empty strings if there is but one. */
  readonly columns: readonly string[]
  readonly sections: readonly Section[]
}

export function gridOf(groups: readonly Group[], { columns, along }: ChartHow): Grid {
  const all = groups.map(({ facts }) => facts)
  const varying = varyingFacts(all)
  const column = columns !== undefined && varying.includes(columns) ? columns : undefined
  const values = column === undefined ? [undefined] : valuesOf(all, column)
  const others = varying.filter((name) => name !== column && name !== along)
  // Where all of a column have it in common it is no matter of the section.
  const inColumns = others.filter((name) =>
    values.every((value) => {
      const some = all.filter((facts) => column !== undefined && facts[column] === value)
      return some.length > 0 && varyingFacts(some).every((varied) => varied !== name)
    }),
  )
  const names = others.filter((name) => !inColumns.includes(name))
  const sections = new Map<string, Group[]>()
  for (const group of groups) {
    const title = factsInWords(group.facts, names)
    sections.set(title, [...(sections.get(title) ?? []), group])
  }
  const first = all[0]
  const commonNames = FACT_NAMES.filter((name) => !varying.includes(name))
  return {
    common: first === undefined ? '' : commonIn(factsInWords(first, commonNames), all.length),
    columns: values.map((value) => wordsOf(all, column, value, inColumns)),
    sections: [...sections].map(([title, some]) => ({
      title,
      panels: values.map((value) =>
        some.filter(({ facts }) => column === undefined || facts[column] === value),
      ),
    })),
  }
}

function commonIn(facts: string, count: number): string {
  return facts === '' ? '' : `\n${count === 1 ? 'Measured' : 'In all panels'}: ${facts}.`
}

/** What is measured, as a chart's explanation begins. */
export function measureOf(groups: readonly Group[]): string {
  if (groups.every(({ unit }) => unit === 'MiB')) return 'Memory'
  if (groups.every(({ unit }) => unit === 'KiB of code')) return 'Code'
  return groups.every(({ unit }) => unit === 'ms') ? 'Time' : 'Time of a call'
}

/** Whom multiples are of. */
export function standardOf(groups: readonly Group[]): string {
  const standards = [...new Set(groups.map(({ comparedWith }) => comparedWith))]
  return standards.length === 1 ? standards.join('') : 'the one that has 1'
}

/** Numbers grow from left to right; what else there is comes in the order it was measured. */
function valuesOf(all: readonly Facts[], name: keyof Facts): (string | number | undefined)[] {
  const values = [...new Set(all.map(({ [name]: value }) => value))]
  const order = (value: string | number | undefined): number =>
    typeof value === 'number' ? value : 0
  return values.sort((one, other) => order(one) - order(other))
}

function wordsOf(
  all: readonly Facts[],
  column: keyof Facts | undefined,
  value: string | number | undefined,
  others: readonly (keyof Facts)[],
): string {
  if (column === undefined) return ''
  const facts = all.find((each) => each[column] === value)
  return facts === undefined ? '' : factsInWords(facts, [column, ...others])
}

/** What is drawn of a series: multiples, or figures. */
export function numbersOf(
  { figures, ratios }: Series,
  shows: ChartHow['shows'],
): readonly number[] {
  return shows === 'ratios' ? ratios : figures
}

/** All that a scale must have room for. */
export function extentOf(groups: readonly Group[], shows: ChartHow['shows']): number[] {
  return groups.flatMap(({ series }) =>
    series.flatMap((each) => {
      const { median, lowerQuartile, upperQuartile } = spreadOf(numbersOf(each, shows))
      return [lowerQuartile, median, upperQuartile]
    }),
  )
}

/** A number beside a line of an axis. */
export function tickInWords(number: number, shows: ChartHow['shows'], unit: Group['unit']): string {
  if (number === 0) return '0'
  if (shows === 'figures')
    return withUnit(number, unit)
      .replace(/(\.\d*?)0+(?= )/, '$1')
      .replace('. ', ' ')
  return Number(number.toPrecision(3)).toLocaleString('en-US', { maximumSignificantDigits: 3 })
}

/** For those who do not see it: what is in it, and where else that is told. */
export function descriptionOf(kind: string, sections: readonly Section[]): string {
  const panels = sections.flatMap((section) => section.panels).filter((some) => some.length > 0)
  const count = panels.length === 1 ? 'one panel' : `${panels.length} panels`
  const subjects = new Set(panels.flat().flatMap(({ series }) => series.map((s) => s.subject)))
  const names = [...subjects].join('; ')
  return `${kind} in ${count}, of ${names}. The tables on the page have the same figures.`
}

/** A title, what it says below, and what the colours mean. */
export function headOf(
  title: string,
  explained: string,
  groups: readonly Group[],
): { body: string[]; height: number } {
  const body: string[] = []
  let y = MARGIN + 12
  for (const words of wrapped(title, 92)) {
    body.push(text(MARGIN, y, words, 'heading'))
    y += 23
  }
  for (const words of explained.split('\n').flatMap((each) => wrapped(each, 140))) {
    body.push(text(MARGIN, y, words, 'muted'))
    y += 17
  }
  y += 12
  const subjects = groups.flatMap(({ series }) => series.map(({ subject }) => subject))
  let x = MARGIN
  for (const [role, words] of LEGEND) {
    if (!subjects.some((subject) => roleOf(subject) === role)) continue
    body.push(rectangle(x, y - 10, 12, 12, role), text(x + 18, y, words, 'small muted'))
    x += 18 + widthOf(words, 11) + 22
  }
  return { body, height: y + 8 }
}

const LEGEND: readonly [Role, string][] = [
  ['linkstore', 'linkstore'],
  ['peer', 'what is used in its place'],
  ['bound', 'the bare work, with no store around it'],
]
