import type { Colors } from 'picocolors/types.js'
import type { Pen } from '../drawing.js'
import { counted, sized } from '../figures.js'
import { keyText } from '../safe-text.js'
import type { AgeClass, Amount, SizeClass, Usage } from './usage.js'

const DAY_MS = 24 * 60 * 60 * 1000
const LABEL_COLUMNS = 15
const COUNT_COLUMNS = 11
const SIZE_COLUMNS = 10
const MAX_BAR_COLUMNS = 36

/** How it is shown. */
export interface Look {
  readonly pen: Pen
  readonly colors: Colors
  /** How wide a line may be. */
  readonly columns: number
}

interface Row extends Amount {
  readonly label: string
}

/** What the objects come to, and two histograms of them: by size and by age. */
export function linesOf(usage: Usage, look: Look): string[] {
  const { objects, bytes, largestBytes, directories } = usage
  const { bold } = look.colors
  const total = `${counted(objects, 'object')}, ${sized(bytes)}`
  if (objects === 0) return [bold(total)]
  const mean = `mean ${sized(Math.round(bytes / objects))}, largest ${sized(largestBytes)}`
  return [
    `${bold(total)}; ${mean}`,
    ...histogram('size', usage.sizes.map(sizeRow), look),
    ...histogram('age', usage.ages.map(ageRow), look),
    ...(directories.length > 0 ? ['', bold(figures('objects', 'bytes', 'directory'))] : []),
    ...directories.map(({ prefix, ...amount }) => {
      return figures(count(amount), sized(amount.bytes), keyText(prefix))
    }),
  ]
}

function sizeRow({ belowBytes, ...amount }: SizeClass): Row {
  return { ...amount, label: sizeLabel(belowBytes) }
}

function sizeLabel(belowBytes: number): string {
  if (belowBytes === 1) return 'empty'
  return belowBytes === Infinity ? 'larger' : `below ${sized(belowBytes).replace('.0', '')}`
}

function ageRow({ belowMs, ...amount }: AgeClass): Row {
  return { ...amount, label: ageLabel(belowMs) }
}

function ageLabel(belowMs: number): string {
  if (belowMs < 0) return 'in the future'
  if (belowMs === Infinity) return 'older'
  if (belowMs >= DAY_MS) return `below ${counted(belowMs / DAY_MS, 'day')}`
  return belowMs < 60 * 60 * 1000 ? 'below a minute' : 'below an hour'
}

/** A row for each class between the first and the last that is not empty. */
function histogram(title: string, rows: readonly Row[], { pen, colors, columns }: Look): string[] {
  const isFilled = ({ objects }: Row): boolean => objects > 0
  const shown = rows.slice(rows.findIndex(isFilled), rows.findLastIndex(isFilled) + 1)
  const most = Math.max(...shown.map(({ objects }) => objects))
  const taken = LABEL_COLUMNS + COUNT_COLUMNS + SIZE_COLUMNS + 5
  const width = Math.max(1, Math.min(MAX_BAR_COLUMNS, columns - taken))
  const lines = shown.map((row) => {
    const text = `${row.label.padEnd(LABEL_COLUMNS)}${figures(count(row), sized(row.bytes), '')}`
    return (text + colors.cyan(pen.bar(row.objects / most, width))).trimEnd()
  })
  return ['', colors.bold(title.padEnd(LABEL_COLUMNS) + figures('objects', 'bytes')), ...lines]
}

function count({ objects }: Amount): string {
  return objects.toLocaleString('en')
}

function figures(objects: string, bytes: string, name?: string): string {
  const columns = `${objects.padStart(COUNT_COLUMNS)}  ${bytes.padStart(SIZE_COLUMNS)}`
  return name === undefined ? columns : `${columns}  ${name}`
}
