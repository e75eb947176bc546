/** Lines over a number that grows, with the middle half of the rounds at each point. */
import { spreadOf, type Group } from '../results.js'
import type { ChartHow } from './chart-how.js'
import { factInWords } from './facts.js'
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
import { logarithmicPlaces, scaleOf, type Scale } from './scale.js'
import { CHART_WIDTH, element, line, MARGIN, text, widthOf, type Drawing } from './svg.js'

const LEAST_PLOT = 190
const AXIS = 70
const GAP = 26
/** What is above a plot, and what is below it. */
const ABOVE = 34
const BELOW = 50
/** Plots that would be narrower do not stand beside each other. */
const LEAST_WIDTH = 240
const LABEL = 15
/** Several lines of linkstore have one colour, so that they need another difference. */
const DASHES = ['', 'dashed', 'dotted', 'dash-dotted', 'sparse']

const NAMES = {
  objects: 'objects in the store',
  processes: 'processes',
  valueBytes: 'size of a value',
  inFlight: 'calls in flight',
}

interface Layout {
  readonly how: ChartHow
  readonly along: NonNullable<ChartHow['along']>
  readonly labels: number
  /** Of one plot, without axis and labels. */
  readonly plot: number
  readonly plotHeight: number
}

interface Point {
  readonly group: Group
  readonly x: number
}

/** Where numbers lie in a plot, and where it ends. */
interface Plot {
  readonly x: Scale['placeOf']
  readonly y: Scale['placeOf']
  readonly top: number
  readonly right: number
  readonly bottom: number
}

export function lineChart(
  title: string,
  groups: readonly Group[],
  how: ChartHow & { readonly along: NonNullable<ChartHow['along']> },
): Drawing {
  const { common, columns, sections } = gridOf(groups, how)
  const names = groups.flatMap(({ series }) => series.map(({ subject }) => subject))
  const labels = Math.max(...names.map((name) => widthOf(name, 11))) + 28
  const roomOf = (count: number): number => (CHART_WIDTH - 2 * MARGIN - GAP * (count - 1)) / count
  const isWide = columns.length > 1 && roomOf(2) - AXIS - labels >= LEAST_WIDTH
  const beside = isWide ? 2 : 1
  const room = roomOf(beside)
  // As many names as there are must have room at the ends of the lines.
  const plotHeight = Math.max(LEAST_PLOT, new Set(names).size * LABEL)
  const layout = { how, along: how.along, labels, plot: room - AXIS - labels, plotHeight }
  const multiple = how.shows === 'ratios' ? ` as a multiple of that of ${standardOf(groups)}` : ''
  const explained = `${measureOf(groups)}${multiple}; lower is better.`
  const better = `${explained} Upright lines: the middle half of the rounds.`
  const { body, height } = headOf(title, `${better}${common}`, groups)
  let y = height
  for (const section of sections) {
    y += 30
    if (section.title !== '') body.push(text(MARGIN, y, section.title, 'section'))
    else y -= 16
    for (const [column, some] of section.panels.entries()) {
      if (column > 0 && column % beside === 0) y += ABOVE + plotHeight + BELOW
      const left = MARGIN + AXIS + (column % beside) * (room + GAP)
      body.push(text(left, y + 20, columns[column] ?? '', 'small strong'))
      if (some.length > 0) body.push(...plotOf(some, section, left, y + ABOVE, layout))
    }
    y += ABOVE + plotHeight + BELOW
  }
  const description = descriptionOf('Lines', sections)
  return { title, description, height: y + MARGIN - 16, body }
}

function plotOf(
  groups: readonly Group[],
  { panels }: Section,
  left: number,
  top: number,
  { how, along, plot, plotHeight }: Layout,
): string[] {
  const { shows } = how
  const points = groups
    .map((group) => ({ group, x: group.facts[along] ?? NaN }))
    .sort((one, other) => one.x - other.x)
  const unit = groups[0]?.unit ?? 'ms'
  const xs = points.map(({ x }) => x)
  const across = logarithmicPlaces(Math.min(...xs), Math.max(...xs))
  // What differs in what is done has no size in common.
  const alike = how.columns === 'operation' ? groups : panels.flat()
  const up = scaleOf(extentOf(alike, shows), 8)
  const at = {
    x: (number: number) => left + plot * across(number),
    y: (number: number) => top + plotHeight * (1 - up.placeOf(number)),
    top,
    right: left + plot,
    bottom: top + plotHeight,
  }
  return [
    ...up.ticks.flatMap((tick) => {
      const look = shows === 'ratios' && tick === 1 ? 'one' : 'grid'
      const words = tickInWords(tick, shows, unit)
      return [
        line(left, at.y(tick), left + plot, at.y(tick), look),
        text(left - 8, at.y(tick) + 4, words, 'small muted number', 'end'),
      ]
    }),
    line(left, top + plotHeight, left + plot, top + plotHeight, 'grid'),
    ...ticksAcross(points, along, at.x, top + plotHeight),
    text(
      left + plot / 2,
      top + plotHeight + 36,
      `${NAMES[along]}, logarithmic scale`,
      'small muted',
      'middle',
    ),
    ...(up.isLogarithmic ? [upright(left - 54, top + plotHeight / 2, 'logarithmic scale')] : []),
    ...curvesOf(points, shows, at),
  ]
}

function upright(x: number, y: number, words: string): string {
  const turn = `rotate(-90 ${x.toFixed(1)} ${y.toFixed(1)})`
  return element('g', { transform: turn }, [text(x, y, words, 'small muted', 'middle')])
}

/** What was measured is named, as long as there is room for it. */
function ticksAcross(
  points: readonly Point[],
  along: Layout['along'],
  x: (number: number) => number,
  y: number,
): string[] {
  let from = -Infinity
  return [...new Map(points.map((point) => [point.x, point])).values()].flatMap((point) => {
    const words = along === 'valueBytes' ? factInWords(point.group.facts, along) : short(point.x)
    const half = widthOf(words, 11) / 2
    const mark = line(x(point.x), y, x(point.x), y + 4, 'grid')
    if (x(point.x) - half < from) return [mark]
    from = x(point.x) + half + 6
    return [mark, text(x(point.x), y + 17, words, 'small muted number', 'middle')]
  })
}

/** Powers of ten as such. */
function short(number: number): string {
  const power = Math.log10(number)
  if (power < 3 || !Number.isInteger(power)) return number.toLocaleString('en-US')
  return `10${String(power).replace(/\d/g, (digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'.charAt(Number(digit)))}`
}

function curvesOf(points: readonly Point[], shows: ChartHow['shows'], at: Plot): string[] {
  const subjects = [...new Set(points.flatMap(({ group }) => group.series.map((s) => s.subject)))]
  const own = subjects.filter((subject) => roleOf(subject) === 'linkstore')
  const ends: End[] = []
  // linkstore's are drawn last, on top of the others.
  const order = [...subjects.filter((subject) => !own.includes(subject)), ...own]
  const curves = order.map((subject) => {
    const role = roleOf(subject)
    const found = points.flatMap(({ group, x }) => {
      const series = group.series.find((each) => each.subject === subject)
      return series === undefined ? [] : [{ x: at.x(x), ...spreadOf(numbersOf(series, shows)) }]
    })
    const last = found.at(-1)
    if (last !== undefined) ends.push({ subject, x: last.x, y: at.y(last.median) })
    const path = found.map(({ x, median }) => `${x.toFixed(1)},${at.y(median).toFixed(1)}`)
    const dash = DASHES[Math.max(0, own.indexOf(subject)) % DASHES.length] ?? ''
    return [
      element('path', { d: `M${path.join('L')}`, class: `curve ${role} ${dash}`.trim() }),
      ...found.flatMap(({ x, median, lowerQuartile, upperQuartile }) => [
        line(x, at.y(lowerQuartile), x, at.y(upperQuartile), `stroke ${role}`),
        element('circle', { cx: x, cy: at.y(median), r: 4, class: `dot ${role}` }),
      ]),
    ].join('')
  })
  return [...curves, ...endLabels(ends, at)]
}

/** Where a line ends. */
interface End {
  readonly subject: string
  readonly x: number
  readonly y: number
}

/** Names beside the ends of the lines, moved apart where they would lie on each other. */
function endLabels(ends: readonly End[], { top, right, bottom }: Plot): string[] {
  const whole = ends.filter(({ x }) => x > right - 1).sort((one, other) => one.y - other.y)
  const apart = movedApart(whole.map(({ y }) => y))
  const isAbove = (apart[0] ?? top) < top
  const shift = isAbove ? top - (apart[0] ?? top) : Math.min(0, bottom - (apart.at(-1) ?? bottom))
  const places = apart.map((y) => y + shift)
  const lookOf = (subject: string): string =>
    roleOf(subject) === 'linkstore' ? 'small linkstore' : 'small muted'
  return [
    ...whole.flatMap(({ subject, y }, index) => {
      const place = places[index] ?? y
      return [
        line(right + 7, y, right + 19, place, 'leader'),
        text(right + 23, place + 4, subject, lookOf(subject)),
      ]
    }),
    // What ends before has its name there, between the lines.
    ...ends
      .filter((end) => !whole.includes(end))
      .map(({ subject, x, y }) => text(x + 8, y - 6, subject, `${lookOf(subject)} haloed`)),
  ]
}

function movedApart(sorted: readonly number[]): number[] {
  const places = [...sorted]
  for (let turn = 0; turn < 50; turn += 1) {
    for (let below = 1; below < places.length; below += 1) {
      const overlap = LABEL - ((places[below] ?? 0) - (places[below - 1] ?? 0))
      if (overlap <= 0) continue
      places[below - 1] = (places[below - 1] ?? 0) - overlap / 2
      places[below] = (places[below] ?? 0) + overlap / 2
    }
  }
  return places
}
