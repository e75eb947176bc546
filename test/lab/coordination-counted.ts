/** What of the benchmark of changes to a value is measured on NFS, too. */
import type { Test } from 'tap'
import { COUNTERS, type CounterEntry } from '../../bench/counting/counters.js'
import { flockProgram } from '../../bench/counting/flock-counter.js'
import { Unavailable } from '../../bench/unavailable.js'
import type { CountedReport } from './coordination-plan.js'
import { scratchPath } from './disk.js'

/** What the others are compared with. */
export const COUNTED_BY_CELL = 'linkstore, cell.update'
/** What costs the most of linkstore's own. */
export const COUNTED_BY_LOCK = 'linkstore, lock'
/** Whose locks are on every NFS. */
export const COUNTED = [
  COUNTED_BY_LOCK,
  'proper-lockfile, write-file-atomic',
  'proper-lockfile, writeFile',
]
/** Those whose locks are a matter of one host where NFS 3 is mounted with `nolock`. */
export const COUNTED_BY_FLOCK = ['flock, fsync + rename', 'flock, written over']

/** An entry of the benchmark's table. */
export function entryOf(name: string): CounterEntry {
  const entry = COUNTERS.find((each) => each.name === name)
  if (entry === undefined) throw new Error(`nobody counts by ${name}`)
  return entry
}

/** Where an entry counts. */
export function pathOf(mountPoint: string, name: string): string {
  return `${mountPoint}/${name.replaceAll(/\W+/g, '-')}`
}

/** Where the program is that counts under flock; empty, and said so, without a compiler. */
export async function makeTools(t: Test): Promise<string> {
  const path = scratchPath(t)
  try {
    await flockProgram(path)
    return path
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    t.comment(`flock is left out: ${error.message}`)
    return ''
  }
}

/** What all hosts together did by one subject. */
export interface Count {
  readonly perSecond: number
  readonly added: number
  readonly failed: number
  /** What was acknowledged and is not there. */
  readonly lost: number
  /** In words, but for the ratio. */
  readonly description: string
}

/** Sums up what the hosts report of one subject. */
export function sumUp(reports: readonly CountedReport[]): Count {
  const added = reports.reduce((sum, report) => sum + report.added, 0)
  const failed = reports.reduce((sum, { failures }) => sum + failures.length, 0)
  const rates = reports.map((report) => (1000 * report.added) / report.elapsedMs)
  const perSecond = rates.reduce((sum, rate) => sum + rate, 0)
  const lost = Math.max(0, added - Math.max(...reports.map(({ value = 0 }) => value)))
  const shares = rates.map((rate) => `${((100 * rate) / perSecond).toFixed(0)} %`)
  const account = `${added} acknowledged, ${failed} failed, ${lost} lost`
  const description = `${perSecond.toFixed(0)} a second (${shares.join(', ')}); ${account}`
  return { perSecond, added, failed, lost, description }
}
