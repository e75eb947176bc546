/** Which groups stand where in a chart, and what is written around them. */
import { spreadOf, type Facts, type Group, type Series } from '../results.js'
import type { ChartHow } from './chart-how.js'
import { FACT_NAMES, factInWords, factsInWords, varyingFacts } from './facts.js'
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
  /** A sentence on what all groups have in common, if there is anything. */
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
  const names = varying.filter((name) => name !== column && name !== along)
  const sections = new Map<string, Group[]>()
  for (const group of groups) {
    const title = factsInWords(group.facts, names)
    sections.set(title, [...(sections.get(title) ?? []), group])
  }
  const first = all[0]
  const commonNames = FACT_NAMES.filter((name) => !varying.includes(name))
  return {
    common: first === undefined ? '' : commonIn(factsInWords(first, commonNames)),
    columns: values.map((value) => wordsOf(all, column, value)),
    sections: [...sections].map(([title, some]) => ({
      title,
      panels: values.map((value) =>
        some.filter(({ facts }) => column === undefined || facts[column] === value),
      ),
    })),
  }
}

function commonIn(facts: string): string {
  return facts === '' ? '' : ` In all panels: ${facts}.`
}

/** Numbers grow from left to right; what else there is comes in the order it was measured. */
function valuesOf(all: readonly Facts[], name: keyof Facts): (string | number | undefined)[] {
  const values = [...new Set(all.map((facts) => facts[name]))]
  return values.every((value) => typeof value === 'number')
    ? values.sort((one, other) => one - other)
    : values
}

function wordsOf(
  all: readonly Facts[],
  name: keyof Facts | undefined,
  value: string | number | undefined,
): string {
  const facts = all.find((each) => name !== undefined && each[name] === value)
  return facts === undefined || name === undefined ? '' : factInWords(facts, name)
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
    series.flatMap((each) => Object.values(spreadOf(numbersOf(each, shows)))),
  )
}

/** A number beside a line of an axis. */
export function tickInWords(number: number, shows: ChartHow['shows'], unit: Group['unit']): string {
  if (shows === 'figures') return withUnit(number, unit).replace(/\.0+(?= )/, '')
  return Number(number.toPrecision(3)).toLocaleString('en-US', { maximumSignificantDigits: 3 })
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
  for (const words of wrapped(explained, 138)) {
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
