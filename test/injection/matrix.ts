/**
 * The matrix: each verb, each of its system calls, each error. First the verb is run undisturbed,
 * which says what calls it makes; then once for each call and error, and once for each call to be
 * killed before it. Being killed after a call is being killed before the next: nothing changes in
 * between.
 */
import { isDeepStrictEqual } from 'node:util'
import { callsOf, type Call } from './calls.js'
import type { Aftermath, Outcome, State } from './jobs.js'
import type { Injection, Lane, Setting, Trial } from './lane.js'
import type { Verb } from './verbs.js'

/** What a file system can say, and a broken or a far one does. */
export const ERRORS = [
  'EIO',
  'ESTALE',
  'ENOENT',
  'EEXIST',
  'EMLINK',
  'EPERM',
  'EACCES',
  'EROFS',
  'ENOSPC',
  'EDQUOT',
  'EINTR',
  'EAGAIN',
  'ETIMEDOUT',
] as const

/**
 * Where one call is all the proof there is, so that it is believed. Of an ENOENT of `readdir` the
 * C library does not even tell: it takes that for the end of the directory. An EEXIST says that a
 * newer object is there, and that what was aside is out of date.
 */
const SOLE_PROOFS = [
  { what: 'error=ENOENT', label: /^(lstat \.expiring|readdir .*)$/ },
  { what: 'error=EEXIST', label: /^link private . → object$/ },
]

/** What came of one error in one call, in a word, and what is wrong with it. */
export interface Cell {
  readonly text: string
  readonly problems: readonly string[]
}

/** The columns of being killed. */
export const BEFORE = 'killed before'
export const AFTER = 'killed after'

/** What came of all errors in one call. */
export interface Row {
  readonly label: string
  /** By the name of the error, or {@link BEFORE} or {@link AFTER}. */
  readonly cells: ReadonlyMap<string, Cell>
}

/** One verb. */
export interface Measured {
  readonly title: string
  readonly rows: readonly Row[]
}

/** What a verb does undisturbed. */
interface Plain {
  readonly before: State
  readonly after: State
  readonly outcome: Outcome
  readonly calls: readonly Call[]
  readonly paths: readonly string[]
}

/** Which of the cells are measured. */
export interface Selection {
  /** The errors for a call, by its number. */
  readonly errors: (call: number) => readonly string[]
  /** Whether the process is killed before a call, by what it does. */
  readonly isKilled: (label: string) => boolean
}

/** All that there are. */
export const EVERYTHING: Selection = { errors: () => ERRORS, isKilled: () => true }

/** Runs one verb with the selected errors in every call. */
export async function measure(
  lane: Lane,
  verb: Verb,
  setting: Setting,
  { errors, isKilled }: Selection,
): Promise<Measured> {
  const plain = await runPlain(lane, verb, setting)
  const rows = plain.calls.map(({ label }) => ({ label, cells: new Map<string, Cell>() }))
  const killed: Cell[] = []
  for (const [index, { label, cells }] of rows.entries()) {
    const call = plain.calls[index]!
    const tryIt = (what: Injection['what']): Promise<Cell> =>
      tryOne(lane, verb, setting, plain, index, { call, what })
    for (const error of errors(index)) cells.set(error, await tryIt(`error=${error}`))
    if (isKilled(label)) killed[index] = await tryIt('signal=KILL')
  }
  if (isKilled('')) killed.push(killedCell(verb, plain, await lane.runAndKill(verb, setting)))
  for (const [index, { cells }] of rows.entries()) {
    const [before, after] = [killed[index], killed[index + 1]]
    if (before !== undefined) cells.set(BEFORE, before)
    if (after !== undefined) cells.set(AFTER, after)
  }
  return { title: verb.title, rows }
}

async function runPlain(lane: Lane, verb: Verb, setting: Setting): Promise<Plain> {
  const before = await lane.look(verb, setting)
  const { outcome, aftermath, trace } = await lane.run(verb, setting, { paths: [] })
  const { calls, paths } = callsOf(trace, lane.scratch)
  const { state, problems, leftNames, leftDescriptors } = aftermath
  if (outcome?.result === undefined || problems.length + leftNames + leftDescriptors > 0) {
    const what = JSON.stringify({ outcome, aftermath })
    throw new Error(`${verb.title} fails undisturbed: ${what}`)
  }
  return { before, after: state, outcome, calls, paths }
}

/** Such a run is worth nothing if a call came at another time than before; then again. */
async function tryOne(
  lane: Lane,
  verb: Verb,
  setting: Setting,
  plain: Plain,
  index: number,
  injection: Injection,
): Promise<Cell> {
  const wanted = plain.calls.slice(0, index + 1).map(({ label }) => label)
  let seen: string[] = []
  for (let tries = 0; tries < 3; tries += 1) {
    const trial = await lane.run(verb, setting, plain, injection)
    if (trial.outcome === undefined) return killedCell(verb, plain, trial.aftermath)
    seen = callsOf(trial.trace, lane.scratch).calls.map(({ label }) => label)
    const hit = trial.injections === 1 && injection.what !== 'signal=KILL'
    if (hit && isDeepStrictEqual(seen.slice(0, index + 1), wanted)) {
      return failedCell(verb, plain, trial, injection)
    }
  }
  const problem = `the call was not hit: ${wanted.join(', ')}; instead: ${seen.join(', ')}`
  return { text: '?', problems: [problem] }
}

function failedCell(verb: Verb, plain: Plain, trial: Trial, injection: Injection): Cell {
  const { label } = injection.call
  const { outcome, aftermath } = trial
  const { where, problems } = placeOf(verb, plain, aftermath)
  const isRight = isDeepStrictEqual(outcome, plain.outcome) && /new|same/.test(where)
  if (isRight) problems.push(...leftovers(aftermath, label, verb))
  if (isRight) return { text: aftermath.isReadOnly ? 'read-only' : 'done', problems }
  if (outcome?.code !== undefined) {
    const mark = { old: '', same: '', new: '+', between: '±', neither: '?' }[where]
    problems.push(...leftovers(aftermath, label, verb))
    return { text: `${outcome.code}${mark}`, problems }
  }
  if (outcome?.untyped !== undefined) return { text: '?', problems: [outcome.untyped] }
  const isBelieved = SOLE_PROOFS.some(
    (proof) => proof.what === injection.what && proof.label.test(label),
  )
  if (isBelieved) return { text: 'believed', problems: [...aftermath.problems] }
  if (verb.sweeps === true) return { text: 'in part', problems }
  const given = JSON.stringify(outcome)
  problems.push(`it gives ${given}, not ${JSON.stringify(plain.outcome)}; it is ${where}`)
  return { text: '?', problems }
}

/** What is left and should not be. */
function leftovers(
  { leftDescriptors, leftNames }: Aftermath,
  label: string,
  { sweeps = false }: Verb,
): string[] {
  const found: string[] = []
  // A close that is not made leaves its descriptor open, whoever asks for it.
  if (leftDescriptors > 0 && !label.startsWith('close')) {
    found.push(`${leftDescriptors} descriptors are left`)
  }
  const isCleanUp = /^(close|unlink|rmdir)/.test(label)
  if (leftNames > 0 && !isCleanUp && !sweeps) found.push(`${leftNames} names are left`)
  return found
}

function killedCell(verb: Verb, plain: Plain, aftermath: Aftermath): Cell {
  const { where, problems } = placeOf(verb, plain, aftermath)
  return { text: where, problems }
}

/** In which of the states it may be a store is, and all that is wrong with it. */
function placeOf(
  { between = [], sweeps }: Verb,
  { before, after }: Plain,
  { state, swept, problems }: Aftermath,
): { where: 'same' | 'old' | 'new' | 'between' | 'neither'; problems: string[] } {
  const found = [...problems, ...state.damage]
  const wanted = sweeps === true ? after : state
  if (!isDeepStrictEqual(swept, wanted.values)) found.push(`after a sweep ${JSON.stringify(swept)}`)
  const is = ({ values }: Pick<State, 'values'>): boolean => isDeepStrictEqual(state.values, values)
  const isBetween = between.some((values) => is({ values }))
  if (is(after)) return { where: is(before) ? 'same' : 'new', problems: found }
  if (is(before)) return { where: 'old', problems: found }
  if (isBetween) return { where: 'between', problems: found }
  found.push(`a third state: ${JSON.stringify(state)}`)
  return { where: 'neither', problems: found }
}
