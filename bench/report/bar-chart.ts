/** Subjects below each other, a bar each, with the middle half of the rounds on it. */
import { spreadOf, type Group, type Series } from '../results.js'
import type { ChartHow } from './chart-how.js'
import { inDigits, withUnit } from './numbers.js'
import {
  descriptionOf,
  extentOf,
  gridOf,
  headOf,
  measureOf,
  numbersOf,
  standardOf,
  tickInWords,
  type Section,
} from './panels.js'
import { roleOf } from './roles.js'
import { scaleOf, type Scale } from './scale.js'
import { CHART_WIDTH, line, MARGIN, rectangle, text, widthOf, type Drawing } from './svg.js'
import { wrapped } from './words.js'

const ROW = 22
const BAR = 12
const GAP = 30
/** Between bars and numbers, and between numbers. */
const NUMBER_GAP = 18
/** Bold digits, to ordinary ones. */
const BOLD = 1.12
/** Narrower ones leave the number beside the main one to the tables. */
const LEAST_BARS = 150

interface Layout {
  readonly shows: ChartHow['shows']
  readonly labels: number
  /** Of one panel, without the gap. */
  readonly panel: number
  readonly bars: number
  /** How much room the numbers take that stand beside the main ones; 0: they do not. */
  readonly sideNumbers: number
  /** Undefined: each section has its own. */
  readonly scale: Scale | undefined
}

export function barChart(title: string, groups: readonly Group[], how: ChartHow): Drawing {
  const { shows } = how
  const { common, columns, sections } = gridOf(groups, how)
  const layout = layoutOf(groups, shows, columns.length)
  const { body, height } = headOf(title, explanationOf(groups, common, shows), groups)
  let y = height
  for (const section of sections) {
    y += 30
    if (section.title !== '') body.push(text(MARGIN, y, section.title, 'section'))
    y += section.title === '' ? -10 : 8
    if (columns.length > 1) {
      const { lines, height } = columnHeads(section, columns, layout, y)
      body.push(...lines)
      y += height
    }
    const drawn = sectionOf(section, layout, y)
    body.push(...drawn.body)
    y += drawn.height
  }
  const description = descriptionOf('Bars', sections)
  return { title, description, height: y + MARGIN - 6, body }
}

function explanationOf(groups: readonly Group[], common: string, shows: ChartHow['shows']): string {
  const what = measureOf(groups)
  const measure =
    shows === 'ratios' ? `${what} as a multiple of that of ${standardOf(groups)}` : what
  const better = ['Memory', 'Code'].includes(what)
    ? 'shorter bars take less'
    : 'shorter bars are faster'
  return `${measure}; ${better}. Thin lines: the middle half of the rounds.${common}`
}

function layoutOf(groups: readonly Group[], shows: ChartHow['shows'], columns: number): Layout {
  const names = groups.flatMap(({ series }) => series.map(({ subject }) => subject))
  const labels = Math.max(...names.map((name) => widthOf(name))) + 14
  const room = CHART_WIDTH - 2 * MARGIN - labels
  const panel = (room - GAP * (columns - 1)) / columns
  const numbers = groups.flatMap((group) =>
    group.series.map((each) => numbersInWords(each, group.unit, shows)),
  )
  const roomOf = (at: 0 | 1): number => Math.max(...numbers.map((both) => widthOf(both[at])))
  const main = roomOf(0) * BOLD + NUMBER_GAP
  const side = roomOf(1) + NUMBER_GAP
  const sideNumbers = panel - main - side >= LEAST_BARS ? side : 0
  const bars = panel - main - sideNumbers
  const scale = shows === 'ratios' ? scaleOf(extentOf(groups, shows), ticksIn(bars)) : undefined
  return { shows, labels, panel, bars, sideNumbers, scale }
}

function numbersInWords(
  { figures, ratios }: Series,
  unit: Group['unit'],
  shows: ChartHow['shows'],
): readonly [main: string, side: string] {
  const ratio = `${inDigits(spreadOf(ratios).median)}×`
  const figure = withUnit(spreadOf(figures).median, unit)
  return shows === 'ratios' ? [ratio, figure] : [figure, ratio]
}

function ticksIn(bars: number): number {
  return Math.max(2, Math.min(9, Math.floor(bars / 44)))
}

function leftOf({ labels, panel }: Layout, column: number): number {
  return MARGIN + labels + column * (panel + GAP)
}

/** Above each panel that has something in it, in as many lines as it takes. */
function columnHeads(
  { panels }: Section,
  columns: readonly string[],
  layout: Layout,
  top: number,
): { lines: string[]; height: number } {
  const width = Math.floor(layout.panel / widthOf('x', 11))
  const heads = columns.map((words, column) =>
    panels[column]?.length === 0 ? [] : wrapped(words, width),
  )
  const lines = heads.flatMap((head, column) =>
    head.map((words, at) => text(leftOf(layout, column), top + 14 + at * 15, words, 'small muted')),
  )
  const most = Math.max(...heads.map((head) => head.length))
  return { lines, height: 3 + most * 15 }
}

function sectionOf(
  { panels }: Section,
  layout: Layout,
  top: number,
): { body: string[]; height: number } {
  const groups = panels.flat()
  const series = groups.flatMap((group) => group.series)
  const subjects = [...new Set(series.map(({ subject }) => subject))]
  const { shows, labels, bars } = layout
  const scale = layout.scale ?? scaleOf(extentOf(groups, shows), ticksIn(bars))
  const bottom = top + 6 + subjects.length * ROW
  const body = subjects.map((subject, row) => {
    const look = roleOf(subject) === 'linkstore' ? 'linkstore' : ''
    const y = top + 6 + row * ROW + ROW / 2 + 4
    return text(MARGIN + labels - 14, y, subject, look, 'end')
  })
  if (scale.isLogarithmic) {
    body.push(text(MARGIN + labels - 14, bottom + 15, 'logarithmic scale', 'small muted', 'end'))
  }
  for (const [column, some] of panels.entries()) {
    if (some.length === 0) continue
    const left = leftOf(layout, column)
    const unit = some[0]?.unit ?? 'ms'
    body.push(...axisOf(scale, left, top, bottom, { ...layout, unit }))
    for (const group of some) {
      const rowOf = (subject: string): number => top + 6 + subjects.indexOf(subject) * ROW
      body.push(...barsOf(group, scale, left, rowOf, layout))
    }
  }
  return { body, height: bottom + 20 - top }
}

function axisOf(
  scale: Scale,
  left: number,
  top: number,
  bottom: number,
  { bars, shows, unit }: Layout & { unit: Group['unit'] },
): string[] {
  return scale.ticks.flatMap((tick) => {
    const x = left + bars * scale.placeOf(tick)
    const look = shows === 'ratios' && tick === 1 ? 'one' : 'grid'
    const words = tickInWords(tick, shows, unit)
    return [
      line(x, top + 2, x, bottom + 2, look),
      text(x, bottom + 15, words, 'small muted number', 'middle'),
    ]
  })
}

function barsOf(
  { series, unit }: Group,
  scale: Scale,
  left: number,
  rowOf: (subject: string) => number,
  { shows, panel, bars, sideNumbers }: Layout,
): string[] {
  return series.flatMap((each) => {
    const { median, lowerQuartile, upperQuartile } = spreadOf(numbersOf(each, shows))
    const middle = rowOf(each.subject) + ROW / 2
    const at = (number: number): number => left + bars * scale.placeOf(number)
    const [main, side] = numbersInWords(each, unit, shows)
    const right = left + panel
    const width = Math.max(1.5, at(median) - left)
    return [
      rectangle(left, middle - BAR / 2, width, BAR, roleOf(each.subject)),
      ...whisker(at(lowerQuartile), at(upperQuartile), middle),
      text(right - sideNumbers, middle + 4, main, 'strong number', 'end'),
      ...(sideNumbers > 0 ? [text(right, middle + 4, side, 'muted number', 'end')] : []),
    ]
  })
}

/** Nothing where it would be no more than a dot. */
function whisker(from: number, to: number, y: number): string[] {
  if (to - from < 1.5) return []
  return [
    line(from, y, to, y, 'whisker'),
    line(from, y - 3, from, y + 3, 'whisker'),
    line(to, y - 3, to, y + 3, 'whisker'),
  ]
}
