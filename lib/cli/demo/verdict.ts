import type { Colors } from 'picocolors/types.js'
import type { Findings } from './audit.js'
import { contentionOf, type Ledger } from './ledger.js'
import { operationsOf, type Tally } from './messages.js'
import { counted } from '../figures.js'
import { count, seconds } from './view.js'

/** All that the verdict rests on. */
export interface Evidence {
  readonly elapsedMs: number
  readonly tally: Tally
  readonly ledger: Ledger
  readonly findings: Findings
  /** What is left under private names, and how many processes were killed. */
  readonly privateNames: { readonly directories: number; readonly files: number }
  readonly killed: number
  /** What went wrong beside all this. */
  readonly problems: readonly string[]
}

/** The verdict in words, and whether it is good. */
export interface Verdict {
  readonly isGood: boolean
  readonly lines: readonly string[]
}

const MAX_PROBLEMS = 5
/** Each opened store has one directory for private names. */
const STORES_OF_A_WORKER = 2

/** Judges a run. */
export function judge(evidence: Evidence, colours: Colors): Verdict {
  const { elapsedMs, tally, findings } = evidence
  const operations = operationsOf(tally)
  const rate = `${count((operations * 1000) / Math.max(1, elapsedMs))} operations per second`
  const counts = countsOf(evidence)
  const isSound = counts.every(({ value }) => value === 0)
  const problems = [...evidence.problems, ...findings.problems]
  const isGood = isSound && problems.length === 0
  return {
    isGood,
    lines: [
      '',
      `  ${colours.bold(rate)}: ${count(operations)} in ${seconds(elapsedMs)} s`,
      '',
      ...counts.map((line) => lineOf(line, colours)),
      '',
      ...problems.slice(0, MAX_PROBLEMS).map((problem) => `  ${colours.red(problem)}`),
      ...(problems.length > MAX_PROBLEMS ? [`  and ${problems.length - MAX_PROBLEMS} more`] : []),
      isGood ? good(evidence, colours) : bad(isSound, colours),
      '',
    ],
  }
}

interface Count {
  readonly name: string
  readonly value: number
  readonly explanation: string
}

function countsOf({ tally, ledger, findings, privateNames: left, killed }: Evidence): Count[] {
  const { contests, contenders } = contentionOf(ledger)
  const races = counted(contests, 'race')
  // What is beyond the directories of the killed was left by the living.
  const strays = left.directories <= killed * STORES_OF_A_WORKER ? 0 : left.directories + left.files
  const remains = killed === 0 ? '' : `; the one killed left ${counted(left.files, 'file')}`
  return [
    {
      name: 'torn',
      value: tally.torn + findings.torn,
      explanation: `of ${counted(tally.reads, 'value')} read, checked by SHA-256`,
    },
    {
      name: 'lost',
      value: tally.lost + findings.lost,
      explanation: `of ${counted(findings.checked, 'key')} read again at the end`,
    },
    {
      name: 'false misses',
      value: tally.falseMisses + findings.falseMisses,
      explanation: `of ${count(tally.looks)} looks for keys that always exist`,
    },
    {
      name: 'doubled winners',
      value: findings.doubled,
      explanation: `of ${races} to add or take, by ${contenders.toFixed(1)} processes each`,
    },
    { name: 'private files left', value: strays, explanation: `by the living${remains}` },
  ]
}

function lineOf({ name, value, explanation }: Count, colours: Colors): string {
  const number = count(value).padStart(6)
  const coloured = value === 0 ? colours.green(number) : colours.red(number)
  return `  ${name.padEnd(18)} ${coloured}   ${colours.dim(explanation)}`
}

function good({ killed }: Evidence, colours: Colors): string {
  const remark = killed === 0 ? '' : ' One process was killed half-way; the others did not notice.'
  return `  ${colours.green('Verdict: good.')}${remark}`
}

function bad(isSound: boolean, colours: Colors): string {
  const words = isSound
    ? ['Verdict: none;', 'the run could not be finished, for the reasons above.']
    : ['Verdict: not good.', 'Please report it with what is printed above.']
  return `  ${colours.red(words[0] ?? '')} ${words[1] ?? ''}`
}
