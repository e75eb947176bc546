import type { Colors } from 'picocolors/types.js'
import type { ActivityReport, OpenedStoreSeen, QueueCensus } from '../../activity/index.js'
import { counted, sized } from '../figures.js'
import { keyText, safeText } from '../safe-text.js'
import type { Scanned } from './scanner.js'
import { operationRates, ratesOf, type ProcessRates, type View } from './view.js'

const NAME_COLUMNS = 26
const RATE_HEADS = ['ops/s', 'failed/s', 'read/s', 'written/s', 'missed/s', 'retried/s']
const NOBODY =
  'no process reports what it does: reportActivity() of linkstore/activity lets one do so'

/** A view as lines of at most so many columns. */
export function frameOf(view: View, columns: number, colours: Colors): string[] {
  const { directory, seen, scan } = view
  const { processes, stores, queues } = seen
  const cut = (line: string): string => line.slice(0, columns - 1)
  return [
    colours.bold(cut(`linkstore  ${safeText(directory)}`)),
    ...(scan === undefined ? [] : [cut(scanLine(scan))]),
    cut(storesLine(stores)),
    ...section(queueLines(queues), cut, colours),
    ...section(processes.length === 0 ? [NOBODY] : processLines(processes), cut, colours),
    ...section(operationLines(processes), cut, colours),
  ]
}

/** A table with a line above it, if there is any; its first line is its head. */
function section(
  lines: readonly string[],
  cut: (line: string) => string,
  colours: Colors,
): string[] {
  const [head, ...rows] = lines
  return head === undefined ? [] : ['', colours.dim(cut(head)), ...rows.map(cut)]
}

function scanLine(scan: Scanned | number): string {
  if (typeof scan === 'number') return `scanning: ${Math.floor(scan * 100)} %`
  const { objects, bytes, growth, tookMs } = scan
  const grown =
    growth === undefined
      ? ''
      : `  ${signed(growth.objects, rate(Math.abs(growth.objects)))}/s` +
        `  ${signed(growth.bytes, sized(Math.round(Math.abs(growth.bytes))))}/s`
  const took = `by a scan that took ${(tookMs / 1000).toFixed(1)} s`
  return `${counted(objects, 'object')}, ${sized(bytes)}${grown}  (${took})`
}

function signed(value: number, text: string): string {
  return (value < 0 ? '-' : '+') + text
}

function storesLine(stores: readonly OpenedStoreSeen[]): string {
  const hosts = new Set(stores.map(({ host }) => host))
  const names = stores.reduce((sum, store) => sum + store.names, 0)
  if (stores.length === 0) return 'no store is open that has a private directory'
  const ages = stores.map(({ silentMs }) => silentMs)
  const where =
    hosts.size === 1 ? `on ${[...hosts].map(safeText).join()}` : `on ${hosts.size} hosts`
  const signs = `last signs of life ${aged(Math.min(...ages))} to ${aged(Math.max(...ages))} ago`
  const opened = counted(stores.length, 'open store')
  return `${opened} ${where}, ${counted(names, 'private name')}, ${signs}`
}

function queueLines(queues: readonly QueueCensus[]): string[] {
  if (queues.length === 0) return []
  const row = (name: string, ...cells: (number | string)[]): string =>
    fit(name, NAME_COLUMNS) + cells.map((cell) => String(cell).padStart(10)).join('')
  return [
    row('queue', 'ready', 'delayed', 'claimed', 'dead'),
    ...queues.map(({ name, hash, ready, delayed, claimed, dead }) =>
      row(
        name === undefined ? `hash ${hash.slice(0, 12)}` : keyText(name),
        ready,
        delayed,
        claimed,
        dead,
      ),
    ),
  ]
}

function processLines(processes: readonly ActivityReport[]): string[] {
  const sorted = [...processes].sort(
    (one, other) => ratesOf(other).operations - ratesOf(one).operations,
  )
  return [
    rateRow('process', RATE_HEADS, ['active', 'total']),
    ...sorted.map((report) => {
      const { host, pid, program, active, totals } = report
      const name = safeText(`${host} ${pid} ${program}`)
      return rateRow(name, cellsOf(ratesOf(report)), [active, totals.operations].map(whole))
    }),
  ]
}

function operationLines(processes: readonly ActivityReport[]): string[] {
  const operations = operationRates(processes)
  if (operations.length === 0) return []
  return [
    rateRow('operation', RATE_HEADS, ['p50 ms', 'p99 ms']),
    ...operations.map(({ name, p50Ms, p99Ms, ...rates }) =>
      rateRow(safeText(name), cellsOf(rates), [milliseconds(p50Ms), milliseconds(p99Ms)]),
    ),
  ]
}

function rateRow(name: string, cells: readonly string[], more: readonly string[]): string {
  return fit(name, NAME_COLUMNS) + [...cells, ...more].map((cell) => cell.padStart(10)).join('')
}

function cellsOf(rates: ProcessRates): string[] {
  const { operations, failed, bytesRead, bytesWritten, missed, retried } = rates
  const bytes = [bytesRead, bytesWritten].map((each) => short(Math.round(each)))
  return [rate(operations), rate(failed), ...bytes, rate(missed), rate(retried)]
}

/** A size in ten columns. */
function short(bytes: number): string {
  return sized(bytes).replace(/ bytes?/, ' B')
}

function rate(value: number): string {
  return value > 0 && value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString('en')
}

function whole(value: number): string {
  return value.toLocaleString('en')
}

function milliseconds(value: number): string {
  return value < 10 ? value.toFixed(2) : Math.round(value).toLocaleString('en')
}

function aged(ms: number): string {
  if (ms < 60_000) return `${Math.round(ms / 1000)} s`
  return ms < 3_600_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`
}

/** A text in exactly so many columns. */
function fit(text: string, columns: number): string {
  return text.length > columns ? `${text.slice(0, columns - 2)}..` : text.padEnd(columns)
}
