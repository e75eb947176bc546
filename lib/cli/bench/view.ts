import type { Colors } from 'picocolors/types.js'
import { sized } from '../figures.js'
import { safeText } from '../safe-text.js'
import { MEASUREMENTS, type MeasurementId, type Measurements } from './measurements.js'
import type { Judgement } from './uses.js'

/** What each measurement is called. */
export const LABELS: Readonly<Record<MeasurementId, string>> = {
  floor: 'replace a 1 kB file, flushed',
  setOne: 'set 1 kB, flushed',
  setMany: 'set 1 kB, flushed, 64 at once',
  setOneUnflushed: 'set 1 kB, unflushed',
  setManyUnflushed: 'set 1 kB, unflushed, 64 at once',
  getOne: 'get 1 kB',
  getMany: 'get 1 kB, 64 at once',
  addAndDelete: 'add and delete, flushed',
  cell: 'change a cell, flushed',
  queue: 'push, claim and finish a job',
  list: 'list keys',
  writeLarge: 'write a large value, flushed',
  readLarge: 'read a large value',
}

const LABEL_COLUMNS = 33
const FIGURE_COLUMNS = 12

const NOTES = [
  'One process on this host. Values that were just written are read from the page cache of this',
  'host: the first read of another host takes longer. "replace a 1 kB file" is what the directory',
  'itself can do without a store.',
]

/** The report for people. */
export function linesOf(
  directory: string,
  measured: Measurements,
  judgements: readonly Judgement[],
  colors: Colors,
): string[] {
  const { bold, green, yellow } = colors
  const good = judgements.filter(({ isGood }) => isGood)
  const bad = judgements.filter(({ isGood }) => !isGood)
  return [
    bold(safeText(directory)),
    '',
    row('', 'per second', 'p50 ms', 'p99 ms'),
    ...MEASUREMENTS.map((id) => measurementRow(id, measured)),
    '',
    ...NOTES,
    ...verdict(bold(green('Good for:')), good),
    ...verdict(bold(yellow('Not good for:')), bad),
  ]
}

function measurementRow(id: MeasurementId, measured: Measurements): string {
  const { perSecond, p50Ms, p99Ms } = measured[id]
  const label = LABELS[id]
  if (id === 'writeLarge' || id === 'readLarge') {
    return row(label, sized(Math.round(perSecond)), '', '')
  }
  const rate = Math.round(perSecond).toLocaleString('en')
  return id === 'list' ? row(label, rate, '', '') : row(label, rate, ms(p50Ms), ms(p99Ms))
}

function row(label: string, ...figures: readonly string[]): string {
  const columns = figures.map((figure) => figure.padStart(FIGURE_COLUMNS))
  return `  ${label.padEnd(LABEL_COLUMNS)}${columns.join('')}`.trimEnd()
}

function ms(value: number): string {
  return value.toFixed(2)
}

function verdict(head: string, judgements: readonly Judgement[]): string[] {
  if (judgements.length === 0) return []
  const lines = judgements.flatMap(({ use, reasons }) => [
    `  ${use}`,
    ...reasons.map((reason) => `      ${reason}`),
  ])
  return ['', head, ...lines]
}
