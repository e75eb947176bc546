/** Lines over a number that grows, with the middle half of the rounds at each point. */
import { spreadOf, type Group } from '../results.js'
import type { ChartHow } from './chart-how.js'
import { factInWords } from './facts.js'
import { extentOf, gridOf, headOf, numbersOf, tickInWords, type Section } from './panels.js'
import { roleOf } from './roles.js'
import { logarithmicScale, scaleOf, type Scale } from './scale.js'
import { CHART_WIDTH, element, line, MARGIN, text, widthOf, type Drawing } from './svg.js'

const PLOT = 190
const AXIS = 70
const GAP = 26
const LABEL = 15
/** Several lines of linkstore have one colour, so that they need another difference. */
const DASHES = ['', 'dashed', 'dotted']

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
}

interface Point {
  readonly group: Group
  readonly x: number
}

export function lineChart(
  title: string,
  groups: readonly Group[],
  how: ChartHow & { readonly along: NonNullable<ChartHow['along']> },
): Drawing {
  const { common, columns, sections } = gridOf(groups, how)
  const names = groups.flatMap(({ series }) => series.map(({ subject }) => subject))
  const labels = Math.max(...names.map((name) => widthOf(name, 11))) + 14
  const room = (CHART_WIDTH - 2 * MARGIN - GAP * (columns.length - 1)) / columns.length
  const layout = { how, along: how.along, labels, plot: room - AXIS - labels }
  const measure = how.shows === 'ratios' ? 'Multiples of the line at 1' : 'Figures'
  const better = `${measure}; lower is better. Upright lines: the middle half of the rounds.`
  const { body, height } = headOf(title, `${better}${common}`, groups)
  let y = height
  for (const section of sections) {
    y += 30
    if (section.title !== '') body.push(text(MARGIN, y, section.title, 'section'))
    else y -= 16
    for (const [column, some] of section.panels.entries()) {
      const left = MARGIN + AXIS + column * (room + GAP)
      const words = columns[column] ?? ''
      if (words !== '') body.push(text(left, y + 20, words, 'small muted'))
      if (some.length > 0) body.push(...plotOf(some, section, left, y + 34, layout))
    }
    y += 34 + PLOT + 46
  }
  const description = `Lines, ${sections.length * columns.length} panels. The tables below it in the page have the same figures.`
  return { title, description, height: y + MARGIN - 16, body }
}

function plotOf(
  groups: readonly Group[],
  { panels }: Section,
  left: number,
  top: number,
  { how, along, plot }: Layout,
): string[] {
  const { shows } = how
  const points = groups
    .map((group) => ({ group, x: group.facts[along] ?? NaN }))
    .sort((one, other) => one.x - other.x)
  const unit = groups[0]?.unit ?? 'ms'
  const xs = points.map(({ x }) => x)
  const across = logarithmicScale(Math.min(...xs), Math.max(...xs), 12, 1)
  // What differs in what is done has no size in common.
  const alike = how.columns === 'operation' ? groups : panels.flat()
  const up = scaleOf(extentOf(alike, shows), 8)
  const at = {
    x: (number: number) => left + plot * across.placeOf(number),
    y: (number: number) => top + PLOT * (1 - up.placeOf(number)),
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
    ...ticksAcross(points, along, at.x, top + PLOT),
    text(
      left + plot / 2,
      top + PLOT + 36,
      `${NAMES[along]}, logarithmic scale`,
      'small muted',
      'middle',
    ),
    ...(up.isLogarithmic ? [upright(left - 54, top + PLOT / 2, 'logarithmic scale')] : []),
    ...curvesOf(points, shows, at, left + plot),
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
  return `10${[...String(power)].map((digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(digit)]).join('')}`
}

function curvesOf(
  points: readonly Point[],
  shows: ChartHow['shows'],
  at: { readonly x: Scale['placeOf']; readonly y: Scale['placeOf'] },
  right: number,
): string[] {
  const subjects = [...new Set(points.flatMap(({ group }) => group.series.map((s) => s.subject)))]
  const own = subjects.filter((subject) => roleOf(subject) === 'linkstore')
  const ends: { subject: string; y: number }[] = []
  // linkstore's are drawn last, on top of the others.
  const order = [...subjects.filter((subject) => !own.includes(subject)), ...own]
  const curves = order.map((subject) => {
    const role = roleOf(subject)
    const found = points.flatMap(({ group, x }) => {
      const series = group.series.find((each) => each.subject === subject)
      return series === undefined ? [] : [{ x: at.x(x), ...spreadOf(numbersOf(series, shows)) }]
    })
    ends.push({ subject, y: at.y(found.at(-1)?.median ?? NaN) })
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
  return [...curves, ...endLabels(ends, right)]
}

/** Names beside the ends of the lines, moved apart where they would lie on each other. */
function endLabels(ends: readonly { subject: string; y: number }[], right: number): string[] {
  const sorted = [...ends].sort((one, other) => one.y - other.y)
  const places = sorted.map(({ y }) => y)
  for (let turn = 0; turn < 50; turn += 1) {
    for (let below = 1; below < places.length; below += 1) {
      const overlap = LABEL - ((places[below] ?? 0) - (places[below - 1] ?? 0))
      if (overlap <= 0) continue
      places[below - 1] = (places[below - 1] ?? 0) - overlap / 2
      places[below] = (places[below] ?? 0) + overlap / 2
    }
  }
  return sorted.map(({ subject }, index) => {
    const look = roleOf(subject) === 'linkstore' ? 'small linkstore' : 'small muted'
    return text(right + 10, (places[index] ?? 0) + 4, subject, look)
  })
}
