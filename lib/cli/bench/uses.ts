import { sized } from '../figures.js'
import type { MeasurementId, Measurements } from './measurements.js'

/** What a use needs of one measurement. */
export interface Need {
  readonly of: MeasurementId
  readonly figure: 'perSecond' | 'p99Ms'
  /** At least this rate, or at most this time. */
  readonly limit: number
  /** The rest of the sentence: "120 sessions written per second". */
  readonly words: string
}

/** Something people use a store for. `docs/cli.md` has the same table. */
export interface Use {
  readonly name: string
  readonly needs: readonly Need[]
}

export const USES: readonly Use[] = [
  use('a cache of pages', [
    atLeast('getMany', 1000, 'values read per second'),
    atLeast('setManyUnflushed', 200, 'values written per second, unflushed'),
    atMost('getOne', 50, 'for a read, 99 of 100 times'),
  ]),
  use('sessions', [
    atLeast('setMany', 100, 'values written per second, flushed'),
    atMost('setOne', 100, 'for a write, 99 of 100 times'),
    atMost('getOne', 50, 'for a read, 99 of 100 times'),
  ]),
  use('a job queue', [
    atLeast('queue', 20, 'jobs pushed, claimed and done per second'),
    atMost('queue', 500, 'for a job, 99 of 100 times'),
  ]),
  use('coordination: cells, locks, one winner', [
    atMost('cell', 200, 'for a change of a cell, 99 of 100 times'),
    atMost('addAndDelete', 200, 'to add and delete, 99 of 100 times'),
  ]),
  use('large files', [
    atLeast('writeLarge', 50e6, 'written per second'),
    atLeast('readLarge', 100e6, 'read per second'),
  ]),
  use('listing all keys often', [atLeast('list', 5000, 'keys listed per second')]),
]

/** What is said of a use. */
export interface Judgement {
  readonly use: string
  readonly isGood: boolean
  /** What decided: all of its needs, or those that are not met. */
  readonly reasons: readonly string[]
}

/** Says of each use whether what was measured is enough. */
export function judgeUses(measured: Measurements): Judgement[] {
  return USES.map(({ name, needs }) => {
    const missing = needs.filter((need) => !isMet(need, measured))
    const isGood = missing.length === 0
    const reasons = (isGood ? needs : missing).map((need) => reasonOf(need, measured))
    return { use: name, isGood, reasons }
  })
}

function isMet({ of, figure, limit }: Need, measured: Measurements): boolean {
  const found = measured[of][figure]
  return figure === 'perSecond' ? found >= limit : found <= limit
}

function reasonOf(need: Need, measured: Measurements): string {
  const found = figureText(need, measured[need.of][need.figure])
  return `${found} ${need.words} (${limitText(need)})`
}

/** The limit of a need in words. */
export function limitText(need: Need): string {
  const bound = need.figure === 'perSecond' ? 'at least' : 'at most'
  return `${bound} ${figureText(need, need.limit)}`
}

function figureText({ of, figure }: Need, value: number): string {
  if (figure === 'p99Ms') return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`
  const isBytes = of === 'writeLarge' || of === 'readLarge'
  return isBytes ? sized(Math.round(value)) : Math.round(value).toLocaleString('en')
}

function use(name: string, needs: readonly Need[]): Use {
  return { name, needs }
}

function atLeast(of: MeasurementId, limit: number, words: string): Need {
  return { of, figure: 'perSecond', limit, words }
}

function atMost(of: MeasurementId, limitMs: number, words: string): Need {
  return { of, figure: 'p99Ms', limit: limitMs, words }
}
