/** What linkstore is to reach, and whether it did. */
import { FACT_NAMES, factInWords } from './report/facts.js'
import { factorsOf, type Factor, type Side } from './report/factors.js'
import { tableOf } from './report/markdown.js'
import { inDigits, spreadInWords } from './report/numbers.js'
import { spreadOf, type Results } from './results.js'

/** A ratio of times, wherever it is found. */
export interface Target {
  readonly what: string
  readonly against: string
  readonly ours: Side
  readonly theirs: Side
  /** Their time to ours. */
  readonly atLeast: number
  /** Why no more is possible, where it is missed. */
  readonly limit: string
}

const KIB = {
  // A question that has but one size need not name it.
  valueBytes: [1024, undefined],
}
const GET = { ...KIB, operation: 'get' }
const SET = { ...KIB, operation: ['set', 'set, new', 'set, overwriting'] }
/** The rival stands beside those that promise more. */
const FULL = { ...SET, inFlight: 16, promised: 'value and name flushed' }
const STREAM = { valueBytes: 2 ** 30 }
const NONE = 'linkstore, durability none'

/** Against a subject that does the same in the same group. */
function against(
  what: string,
  ours: readonly string[],
  theirs: readonly [name: string, atLeast: number][],
  facts: Side['facts'],
): Target[] {
  return theirs.map(([name, atLeast]) => ({
    what,
    against: name,
    ours: { subjects: ours, facts },
    theirs: { subjects: [name], facts },
    atLeast,
    limit: '',
  }))
}

export const TARGETS: readonly Target[] = [
  ...against('sync get', ['linkstore sync'], [['floor', 0.83]], GET),
  ...against(
    'sync set, nothing flushed',
    ['linkstore sync, durability none'],
    [['floor', 0.83]],
    SET,
  ),
  ...against(
    'get, 64 in flight',
    ['linkstore'],
    [
      ['unstorage fs', 2.5],
      ['cacache', 6],
      ['naive link + promises', 2.2],
    ],
    { ...GET, inFlight: 64 },
  ),
  ...against(
    'get, one at a time',
    ['linkstore'],
    [
      ['unstorage fs', 1.6],
      ['cacache', 4],
    ],
    { ...GET, inFlight: 1 },
  ),
  ...against(
    'set, nothing flushed, 64 in flight',
    [NONE],
    [
      ['unstorage fs', 1],
      ['write-file-atomic, no fsync', 6],
    ],
    { ...SET, inFlight: 64, fileSystem: 'tmpfs' },
  ),
  {
    what: 'set, value and name flushed, 16 in flight',
    against: 'write-file-atomic, which flushes the value only',
    ours: {
      subjects: ['linkstore'],
      facts: FULL,
    },
    theirs: {
      subjects: ['write-file-atomic'],
      facts: FULL,
    },
    atLeast: 3,
    limit: '',
  },
  ...against('hot get, sync', ['linkstore sync, cached'], [['lmdb', 0.7]], GET),
  ...against('stream of 1 GiB', [NONE, 'linkstore'], [['cp', 0.85]], STREAM),
  {
    what: 'get among 1,000,000 objects',
    against: 'get among 1,000',
    ours: { subjects: ['linkstore'], facts: { operation: 'get', objects: 1e6 } },
    theirs: { subjects: ['linkstore'], facts: { operation: 'get', objects: 1e3 } },
    atLeast: 1 / 1.5,
    limit: '',
  },
  ...against('count', ['linkstore'], [['find', 0.7]], { operation: 'count', objects: 1e6 }),
  ...against('list', ['linkstore'], [['find', 0.5]], { operation: 'list', objects: 1e6 }),
  ...against('start of the command, until `get` writes', ['linkstore'], [['node -e 0', 0.5]], {}),
  {
    what: 'get, 8 processes together',
    against: '1 process',
    ours: { subjects: ['linkstore'], facts: { operation: 'get', processes: 8 } },
    theirs: { subjects: ['linkstore'], facts: { operation: 'get', processes: 1 } },
    atLeast: 1.6,
    limit: '',
  },
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
    const all = factorsOf(results, target.ours, target.theirs)
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
 * Holds results against the targets. A tolerance of 1 asks for all of each; 0.5, for machines of
 * which little is known, for half, and that there is something to judge by.
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
      : medianOf(found) < target.atLeast * tolerance
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
function reasonOf({ answers }: Results, { ours, theirs }: Target): string | undefined {
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
