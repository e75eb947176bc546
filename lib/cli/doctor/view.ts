import type { Colors } from 'picocolors/types.js'
import {
  TIMED_CALLS,
  type Check,
  type Facts,
  type Grade,
  type KeptPromise,
  type Report,
  type Verdict,
} from '../../doctor/index.js'
import { safeText } from '../safe-text.js'

type Color = (text: string) => string

const MAX_COLUMNS = 100
const MARK_COLUMNS = 7
const LABEL_COLUMNS = 14

const LABELS: Readonly<Record<Check['id'], string>> = {
  response: 'answers',
  fileSystem: 'file system',
  store: 'store',
  access: 'access',
  hardLinks: 'hard links',
  otherUsers: 'other users',
  oneVolume: 'one volume',
  writeIfAbsent: 'if absent',
  flush: 'flush',
  visibility: 'visibility',
  clock: 'clock',
  space: 'space',
  leftovers: 'leftovers',
}

/** As `docs/guarantees.md` has them. */
const PROMISED: Readonly<Record<KeptPromise['id'], string>> = {
  whole: 'A value is whole, or not there',
  seen: 'An acknowledged change is seen by every later call',
  neverMissed: 'A key that exists is never missed',
  oneWinner: 'add and take have one winner',
  durable: 'Acknowledged full writes survive a power cut',
}

const VERDICTS: Readonly<Record<Verdict, string>> = {
  fit: 'fit for a store.',
  limited: 'limited: a store works here, but see what is marked weak or no.',
  unfit: 'unfit for a store: see what is marked bad.',
}

/**
 * The report for people.
 *
 * @param columns - the width of the terminal; undefined: every finding on one line
 */
export function linesOf(report: Report, colors: Colors, columns: number | undefined): string[] {
  const width = columns === undefined ? Infinity : Math.min(columns, MAX_COLUMNS)
  const { bold } = colors
  return [
    bold(safeText(report.directory)),
    '',
    ...report.checks.flatMap((check) => checkLines(check, colors, width)),
    '',
    bold('Promises, see docs/guarantees.md'),
    ...report.promises.flatMap((promise) => promiseLines(promise, colors, width)),
    ...latencyLines(report.facts, colors, width),
    '',
    verdictLine(report.verdict, colors),
  ]
}

function checkLines(check: Check, colors: Colors, width: number): string[] {
  const { id, grade, summary, advice } = check
  const head = colorOf(grade, colors)(wordOf(grade).padEnd(MARK_COLUMNS))
  const indent = 2 + MARK_COLUMNS + LABEL_COLUMNS
  const [first = '', ...rest] = wrapped(safeText(summary), width - indent)
  const more = advice === undefined ? [] : wrapped(`> ${safeText(advice)}`, width - indent)
  return [
    `  ${head}${LABELS[id].padEnd(LABEL_COLUMNS)}${first}`,
    ...rest.map((line) => ' '.repeat(indent) + line),
    ...more.map((line) => ' '.repeat(indent) + colors.cyan(line)),
  ]
}

function promiseLines(promise: KeptPromise, colors: Colors, width: number): string[] {
  const { id, verdict, summary } = promise
  const [word, color]: [string, Color] = {
    holds: ['yes', colors.green] as [string, Color],
    depends: ['maybe', colors.yellow] as [string, Color],
    fails: ['no', colors.red] as [string, Color],
  }[verdict]
  const indent = 2 + MARK_COLUMNS
  const reason = verdict === 'holds' ? [] : wrapped(safeText(summary), width - indent)
  return [
    `  ${color(word.padEnd(MARK_COLUMNS))}${PROMISED[id]}`,
    ...reason.map((line) => ' '.repeat(indent) + colors.dim(line)),
  ]
}

function latencyLines({ latency }: Facts, { bold }: Colors, width: number): string[] {
  if (latency.kind !== 'found') return []
  const { value } = latency
  const cells = TIMED_CALLS.map((call) => {
    const name = call === 'openDirectory' ? 'open directory' : call
    // Not to be torn apart.
    return `${name}\u00a0${value[call].toFixed(2)}`.replaceAll(' ', '\u00a0')
  })
  const lines = wrapped(cells.join('   '), width - 2)
  return ['', bold('Latency, median in ms'), ...lines.map((line) => `  ${line}`)].map((line) =>
    line.replaceAll('\u00a0', ' '),
  )
}

function verdictLine(verdict: Verdict, colors: Colors): string {
  const color = { fit: colors.green, limited: colors.yellow, unfit: colors.red }[verdict]
  return `Verdict: ${color(VERDICTS[verdict])}`
}

function wordOf(grade: Grade): string {
  if (grade === 'good') return 'ok'
  return grade === 'unknown' ? '?' : grade
}

function colorOf(grade: Grade, colors: Colors): Color {
  const { green, cyan, yellow, red, dim } = colors
  return { good: green, note: cyan, weak: yellow, bad: red, unknown: dim }[grade]
}

/** Breaks text at spaces; a word that is too long stays whole. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const part of text.split(/(?<=\S)(?= )/)) {
    if (line !== '' && line.length + part.length > width) {
      lines.push(line)
      line = part.trimStart()
    } else line += part
  }
  return [...lines, line]
}
