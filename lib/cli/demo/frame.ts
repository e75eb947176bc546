import type { Colors } from 'picocolors/types.js'
import { basename } from 'node:path'
import { counted, sized } from '../figures.js'
import { addTallies, type Tally } from './messages.js'
import { count, seconds, type View } from './view.js'

/** Columns the live table takes at most. */
export const WIDTH = 78
const BAR_WIDTH = 40
const WIDTHS = [7, 9, 8, 10, 9, 7, 7]
const INDENT = '  '

/** The live table, as lines of at most 78 columns. */
export function frameOf(view: View, colours: Colors): string[] {
  const all = addTallies(view.members.map(({ tally }) => tally))
  const rate = view.members.reduce((sum, member) => sum + member.rate, 0)
  return [
    '',
    ...headOf(view, colours),
    '',
    colours.dim(row(['process', 'pid', 'ops/s', 'reads', 'writes', 'adds', 'takes'], 'file')),
    ...view.members.map((member) => memberRow(member, colours)),
    colours.bold(row(['all', '', rateOf(rate), ...numbers(all)], '')),
    '',
    INDENT + checksOf(all, colours),
    INDENT + barOf(view, colours),
  ]
}

/** What the demo is about to do, in three lines. */
export function headOf(view: View, colours: Colors): string[] {
  const { processes, sampleCount, sampleBytes, directory } = view
  const who = counted(processes, 'process', 'processes')
  const what = `${counted(sampleCount, 'file')} of this package as values, ${sized(sampleBytes)}`
  return [
    `${INDENT}${colours.bold('linkstore')}  ${who}, one directory, no server and no locks`,
    colours.dim(fit(`${INDENT}${directory}`, WIDTH)),
    colours.dim(INDENT + what),
  ]
}

/** At most so many columns of a text; of a longer one the end. */
export function fit(text: string, columns: number): string {
  return text.length <= columns
    ? text
    : `..${text.slice(text.length - columns + 2)}`.slice(0, columns)
}

function memberRow(member: View['members'][number], colours: Colors): string {
  const { slot, pid, state, tally, rate, file } = member
  const cells = [String(slot + 1), String(pid ?? ''), rateOf(rate), ...numbers(tally)]
  if (state === 'killed') return colours.red(row(cells, 'killed'))
  return row(cells, basename(file))
}

/** Nothing for those who have stopped. */
function rateOf(rate: number): string {
  return rate === 0 ? '' : count(rate)
}

function numbers({ reads, writes, adds, takes }: Tally): string[] {
  return [reads, writes, adds, takes].map(count)
}

function row(cells: readonly string[], last: string): string {
  const first = cells.map((cell, index) => {
    const width = WIDTHS[index] ?? 0
    return index === 0 ? cell.padEnd(width) : ` ${cell.padStart(width - 1)}`
  })
  const left = `${INDENT}${first.join('')}  `
  return left.slice(0, WIDTH) + fit(last, Math.max(0, WIDTH - left.length))
}

function checksOf({ torn, lost, falseMisses }: Tally, colours: Colors): string {
  const shown = Object.entries({ torn, lost, 'false misses': falseMisses })
  const texts = shown.map(([name, value]) => {
    const text = `${name} ${count(value)}`
    return value === 0 ? colours.green(text) : colours.red(text)
  })
  return texts.join('   ')
}

function barOf(view: View, colours: Colors): string {
  if (view.phase === 'checking') return 'reading everything again ...'
  if (view.phase === 'checked') return 'read everything again'
  const done = Math.min(1, view.elapsedMs / view.totalMs)
  const length = Math.round(done * BAR_WIDTH)
  const bar = colours.cyan('#'.repeat(length)) + colours.dim('-'.repeat(BAR_WIDTH - length))
  return `[${bar}] ${seconds(view.elapsedMs)} of ${seconds(view.totalMs)} s`
}
