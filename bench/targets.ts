/** What linkstore is to reach, and whether it did. */
import { FACT_NAMES, factInWords } from './report/facts.js'
import { factorsOf, type Factor, type Pair, type Side } from './report/factors.js'
import { tableOf } from './report/markdown.js'
import { inDigits, spreadInWords } from './report/numbers.js'
import { spreadOf, type Results } from './results.js'

/** A ratio of times, wherever it is found in the answer to a question. */
export interface Target extends Pair {
  readonly what: string
  readonly against: string
  /** Their time to ours. */
  readonly atLeast: number
  /** What stands in the way of it; empty where nothing does. */
  readonly limit: string
  /** What was found to be possible in the face of that; else `atLeast` is. */
  readonly possible?: number | undefined
}

const GET = { valueBytes: 1024, operation: 'get' }
const SET = { valueBytes: 1024, operation: ['set, overwriting', 'set, new'] }
/** A short run overwrites only. */
const OVERWRITTEN = { valueBytes: 1024, operation: 'set, overwriting' }
const NEW = { valueBytes: 1024, operation: 'set, new' }
const UNFLUSHED = { ...SET, promised: 'nothing flushed' }
const MEMORY_MANY = { promised: 'nothing flushed', inFlight: 64, fileSystem: 'tmpfs' }
/** The rival that flushes the value only stands beside those that promise more. */
const FLUSHED = { ...SET, promised: 'value and name flushed' }
const NONE = 'linkstore, durability none'
const SYNC_NONE = 'linkstore sync, durability none'
/** In a short run the value is smaller. */
const STREAMED = { valueBytes: [2 ** 30, 2 ** 28] }
const STREAMERS = [NONE, 'linkstore', 'linkstore, durability file']

/** Against a subject that does the same in the same group. */
function target(
  question: string,
  what: string,
  subjects: readonly string[],
  facts: Side['facts'],
  against: string,
  atLeast: number,
  limit = '',
  possible?: number,
): Target {
  const theirs = { subjects: [against], facts }
  return { question, what, against, ours: { subjects, facts }, theirs, atLeast, limit, possible }
}

/** Against itself, where some facts are others. */
function growth(
  question: string,
  subject: string,
  [what, facts]: readonly [what: string, facts: Side['facts']],
  [against, otherFacts]: readonly [against: string, facts: Side['facts']],
  atLeast: number,
): Target {
  const subjects = [subject]
  const theirs = { subjects, facts: otherFacts }
  return { question, what, against, ours: { subjects, facts }, theirs, atLeast, limit: '' }
}

const SMALL = 'small-values'
const MANY = { ...GET, inFlight: 64 }
const ONE = { ...GET, inFlight: 1 }
const MILLION = { ...GET, objects: 1e6 }
const THOUSAND = { ...GET, objects: 1e3 }
const COMMAND = { operation: 'get by the command' }

const FLOOR = `the same calls by Node with nothing around them take longer than that: see the rows
  of *fs sync calls*, and [what stands in the way](#what-stands-in-the-way).`
const PROOF = `a value from memory is proved current by one system call, which alone takes longer
  than that: see [what stands in the way](#what-stands-in-the-way).`
const LINK = `a private link is made and removed again, two of its five calls, and all of them on
  one core, where the threads of the others use two: see the rows of *reads open*, and
  [what stands in the way](#what-stands-in-the-way).`
const SHARDS = `the first keys of a store each make a directory, and often two, where the others put
  all files into one: see [what stands in the way](#what-stands-in-the-way).`
const COPY = `it copies within the kernel, where Node cannot: see the rows of *node:fs streams*, and
  [what stands in the way](#what-stands-in-the-way).`

export const TARGETS: readonly Target[] = [
  target(SMALL, 'sync get', ['linkstore sync'], GET, 'floor', 0.83, FLOOR, 0.5),
  target(SMALL, 'sync set, nothing flushed', [SYNC_NONE], UNFLUSHED, 'floor', 0.83, FLOOR, 0.4),
  target(SMALL, 'get, 64 in flight', ['linkstore'], MANY, 'unstorage fs', 2.5, LINK, 1),
  target(SMALL, 'get, 64 in flight', ['linkstore'], MANY, 'cacache', 6, LINK, 3),
  target(SMALL, 'get, 64 in flight', ['linkstore'], MANY, 'naive link + promises', 2.2, LINK, 1),
  target(SMALL, 'get, one at a time', ['linkstore'], ONE, 'unstorage fs', 1.6),
  target(SMALL, 'get, one at a time', ['linkstore'], ONE, 'cacache', 4),
  ...(
    [
      ['set', OVERWRITTEN, '', undefined],
      ['set of a new key', NEW, SHARDS, 0.4],
    ] as const
  ).flatMap(([what, facts, limit, possible]) =>
    (
      [
        ['unstorage fs', 1],
        ['write-file-atomic, no fsync', 6],
      ] as const
    ).map(([against, atLeast]) =>
      target(
        SMALL,
        `${what}, nothing flushed, 64 in flight`,
        [NONE],
        { ...facts, ...MEMORY_MANY },
        against,
        atLeast,
        limit,
        possible,
      ),
    ),
  ),
  target(
    SMALL,
    'set, value and name flushed, 16 in flight',
    ['linkstore'],
    { ...FLUSHED, inFlight: 16 },
    'write-file-atomic',
    3,
    `on a disk each call waits for two flushes, the rival for one, and Node's pool lets four wait at
  a time: see [what stands in the way](#what-stands-in-the-way).`,
    0.8,
  ),
  target(SMALL, 'hot get, sync', ['linkstore sync, cached'], ONE, 'lmdb', 0.7, PROOF, 0.1),
  target('large-streams', 'large stream', STREAMERS, STREAMED, 'cp', 0.85, COPY, 0.06),
  growth(
    'growth',
    'linkstore',
    ['get among 1,000,000 objects', MILLION],
    ['get among 1,000', THOUSAND],
    1 / 1.5,
  ),
  target('whole-store', 'count', ['linkstore'], { operation: 'count' }, 'find', 0.7),
  target('whole-store', 'list', ['linkstore'], { operation: 'list' }, 'find', 0.5),
  target('start-up', 'get by the command', ['linkstore'], COMMAND, 'node -e 0', 0.5),
  growth(
    'processes',
    'linkstore sync',
    ['get, 8 processes together', { ...GET, processes: 8 }],
    ['get, 1 process', { ...GET, processes: 1 }],
    1.6,
  ),
]

/** How a target was found to be met, at one place or at none. */
export interface Verdict {
  readonly target: Target
  readonly found: Factor | undefined
  /** Why there is nothing, if that is known. */
  readonly reason: string | undefined
  readonly isReached: boolean
}

export function verdictsOf(results: Results, targets = TARGETS): Verdict[] {
  return targets.flatMap((target): Verdict[] => {
    const all = factorsOf(results, target)
    if (all.length === 0) {
      return [{ target, found: undefined, reason: reasonOf(results, target), isReached: false }]
    }
    return all.map((found) => {
      const isReached = medianOf(found) >= target.atLeast
      return { target, found, reason: undefined, isReached }
    })
  })
}

/**
 * Holds results against the targets, or against what was found to be possible where that is less.
 * A tolerance of 1 asks for all of each; 0.5, for machines of which little is known, for half, and
 * that there is something to judge by.
 */
export function judge(
  results: Results,
  tolerance: number,
  targets = TARGETS,
): { text: string; failed: boolean } {
  const verdicts = verdictsOf(results, targets)
  const isBad = ({ target, found, reason }: Verdict): boolean =>
    found === undefined
      ? tolerance < 1 && reason === undefined
      : medianOf(found) < Math.min(target.atLeast, target.possible ?? Infinity) * tolerance
  const rows = verdicts.map((verdict) => [...verdictRow(verdict), isBad(verdict) ? 'FAILED' : ''])
  return {
    text: tableOf([...VERDICT_HEAD, ''], rows).join('\n'),
    failed: verdicts.some(isBad),
  }
}

const VERDICT_HEAD = ['what', 'against', 'where', 'at least', 'found', 'reached']

/** The verdicts as Markdown, and below them what is known of those that were missed. */
export function verdictTable(verdicts: readonly Verdict[]): string[] {
  const missed = new Set(
    verdicts
      .filter(({ found, isReached }) => found !== undefined && !isReached)
      .map(({ target }) => target),
  )
  const limits = [...missed]
    .filter(({ limit }) => limit !== '')
    .map(({ what, against, limit }) => `- **${what}**, against ${against}: ${limit}`)
  const rows = verdicts.map((verdict) => verdictRow(verdict))
  return [...tableOf(VERDICT_HEAD, rows), ...(limits.length === 0 ? [] : ['', ...limits])]
}

function verdictRow({ target, found, reason, isReached }: Verdict): string[] {
  const { what, against, atLeast } = target
  const wanted = `${inDigits(atLeast)}×`
  if (found === undefined) return [what, against, '', wanted, `not measured${because(reason)}`, '']
  const factor = found.factors.length === 1 ? inDigits(medianOf(found)) : undefined
  const words = factor ?? spreadInWords(found.factors)
  return [what, against, found.place, wanted, words, isReached ? 'yes' : 'no']
}

function because(reason: string | undefined): string {
  return reason === undefined ? '' : `: ${reason}`
}

function medianOf({ factors }: Factor): number {
  return spreadOf(factors).median
}

/** What is missing begins with the name of a subject, or with a fact such as "1 GiB". */
function reasonOf({ answers, options }: Results, { ours, theirs }: Target): string | undefined {
  const { objects: most } = options
  const { objects: wanted } = ours.facts
  if (typeof wanted === 'number' && most !== undefined && most < wanted) {
    return `no store was larger than ${most.toLocaleString('en-US')} objects`
  }
  const facts = FACT_NAMES.flatMap((name) =>
    [ours.facts[name], theirs.facts[name]]
      .flat()
      .filter((value) => value !== undefined)
      .map((value) => factInWords({ fileSystem: '', operation: '', [name]: value }, name)),
  )
  const names = [...ours.subjects, ...theirs.subjects, ...facts]
  return answers
    .flatMap(({ missing }) => missing)
    .find((each) => names.includes(each.slice(0, Math.max(0, each.indexOf(':')))))
}
