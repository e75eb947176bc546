import { StoreError, toStoreError } from '../../lib/errors.js'
import type { Durability } from '../../lib/protocol/context.js'
import { judgeCell } from './cells.js'
import type { Entry, History } from './history.js'
import { initialState, linearize, type Action } from './linearizability.js'
import { CELL } from './observation.js'
import { START_MS } from './scenario.js'
import type { Change, Value } from './verbs.js'
import { tellError } from './system-error.js'

/**
 * What the protocol is known not to hold, each said in its documentation. A history that needs
 * one of them to be explained is counted, never overlooked.
 *
 * - `concealed`: `add` over an expired key, and a sweep, look at what they move aside; it may be
 *   a live object that has just been written. Until it is put back, the key seems absent. The same
 *   where a `take` fails after it has moved the object.
 * - `remove unsure`: an NFS server that answers a repeated request without remembering the first
 *   makes `remove` say that there was nothing, or remove what was written after it as well.
 * - `add unsure`: the same makes an `add`, whose object is gone again before it looks, store it
 *   once more, or say that the key had one.
 * - `gap`: where NFS replaces an object in two calls, because the same host is using it, an `add`
 *   between them wins, and what it stored is overwritten.
 * - `tick`: NFS 3 does not tell two changes apart that fall into one tick of the server's clock, so
 *   what is looked at may be what was there before, and a clear may leave what it does not see. All
 *   other changes must be explained by themselves; nothing is seen that never was, or not yet.
 * - `restless`: for the same reason a host may have a listing that contradicts what it finds, until
 *   the directory changes again. What looks for the key fails with `UNAVAILABLE` then.
 * - `overtaken`: a process that set a cell and was held up until its generation was pruned does not
 *   know whether it was in time, and says so with `UNAVAILABLE`.
 */
export type Exception = (typeof EXPLAINING)[number] | 'tick' | 'restless' | 'overtaken'

const EXPLAINING = ['remove unsure', 'add unsure', 'concealed', 'gap'] as const

/** What a history says about the protocol. */
export interface Judgement {
  /** What is wrong, in words; undefined when nothing is. */
  readonly violation: string | undefined
  /** What was needed to explain it. */
  readonly exceptions: readonly Exception[]
}

/** What was there before and is there after, by key and by cell. */
export interface Frame {
  readonly initial: ReadonlyMap<string, Value>
  readonly final: ReadonlyMap<string, string | undefined>
  readonly cells: ReadonlyMap<string, readonly string[]>
  /** Whether a sweep has put back what was aside when somebody died. */
  readonly isSwept?: boolean
  /** Whether hosts may have missed a change, so that they look at what was before. */
  readonly seesLate?: boolean
}

/** Judges a history of any number of keys, each by itself. */
export function judge(history: History, frame: Frame): Judgement {
  const { initial, cells, final, isSwept = false, seesLate = false } = frame
  const exceptions: Exception[] = []
  for (const [key, found] of final) {
    if (key.startsWith(CELL)) {
      const violation = judgeCell(history, key.slice(CELL.length), cells, found ?? '')
      if (violation !== undefined) return { violation, exceptions }
      continue
    }
    const before = initial.get(key)
    const state = initialState(before?.id, before?.expiresAtMs, START_MS)
    const { end } = history
    const last: Action = { kind: 'read', result: found, called: end, returned: end }
    const explained = (isLate: boolean): Exception[] | undefined => {
      return explain(history, key, state, last, isSwept, isLate)
    }
    const needed = explained(false) ?? (seesLate ? explained(true) : undefined)
    if (needed === undefined) {
      const end = `key ${key}, which is ${found ?? 'absent'} at the end`
      const violation = `no order of what happened explains ${end}`
      return { violation, exceptions }
    }
    exceptions.push(...needed)
  }
  return { violation: undefined, exceptions }
}

/**
 * Judges what a power cut left. Under durability `full` every change that was acknowledged is
 * there; what was only read may be gone, if its write was not acknowledged. Under the others the
 * key has some value that was written to it, or none.
 */
export function judgePowerCut(
  history: History,
  { initial, cells, final }: Frame,
  durability: Durability,
): string | undefined {
  for (const [key, found] of final) {
    if (key.startsWith(CELL)) {
      if (durability !== 'full') continue
      const violation = judgeCell(history, key.slice(CELL.length), cells, found ?? '', true)
      if (violation !== undefined) return violation
      continue
    }
    if (durability === 'none' && found?.startsWith('unreadable') === true) continue
    const before = initial.get(key)
    const actions = actionsOn(history, key).filter(isChange)
    const { end } = history
    const kept = durability === 'full' ? actions : actions.map(asUnknown)
    const last: Action = { kind: 'read', result: found, called: end, returned: end }
    if (
      linearize(initialState(before?.id, before?.expiresAtMs, START_MS), [...kept, last]) ===
      undefined
    ) {
      return `key ${key} is ${found ?? 'absent'}, which the changes acknowledged do not explain`
    }
  }
  return undefined
}

function isChange({ kind, result, isUnknown }: Action): boolean {
  if (kind === 'read') return false
  return isUnknown === true || (result !== false && !(kind === 'take' && result === undefined))
}

function asUnknown(action: Action): Action {
  return { ...action, isUnknown: true, called: 0, returned: Infinity }
}

/** What was aside does not stay there when a sweep follows. */
function asEnding(action: Action, last: Action): Action {
  if (action.kind === 'conceal') return { ...action, mayLast: false }
  return action.kind === 'restore' ? { ...action, returned: last.called - 0.5 } : action
}

/** Which exceptions it takes to explain what happened to a key; undefined: no explanation. */
function explain(
  history: History,
  key: string,
  state: ReturnType<typeof initialState>,
  last: Action,
  isSwept: boolean,
  isLate: boolean,
): Exception[] | undefined {
  const found = ATTEMPTS.find((allowed) => {
    const done = actionsOn(history, key, allowed)
    const ended = isSwept ? done.map((action) => asEnding(action, last)) : done
    const actions = [...(isLate ? ended.map(asLate) : ended), last]
    return linearize(state, actions) !== undefined
  })
  return found !== undefined && isLate ? [...found, 'tick'] : found
}

/** What changed nothing may have looked at what was before. */
function asLate(action: Action): Action {
  const { kind, result, isUnknown = false } = action
  // A clear goes by what is listed.
  if (kind === 'clear') return { ...action, isUnknown: true }
  const isLook = kind === 'read' || kind === 'has' || (kind === 'take' && result === undefined)
  const isRefusal = (kind === 'add' || kind === 'remove') && result === false
  return !isUnknown && (isLook || isRefusal) ? { ...action, isLate: true } : action
}

function subsets<T>([first, ...rest]: readonly T[]): T[][] {
  if (first === undefined) return [[]]
  return subsets(rest).flatMap((each) => [each, [first, ...each]])
}

const ATTEMPTS = subsets(EXPLAINING).sort((one, other) => one.length - other.length)

/** What was done to a key. */
export function actionsOn(
  history: History,
  key: string,
  allowed: readonly Exception[] = [],
): Action[] {
  const actions = history.entries.flatMap((entry, i) => actionsOf(entry, i, key, allowed))
  const ticks = history.ticks.map(({ at, nowMs }): Action => ({
    kind: 'tick',
    atMs: nowMs,
    called: at,
    returned: at,
  }))
  return [...actions, ...ticks]
}

function actionsOf(
  entry: Entry,
  index: number,
  key: string,
  allowed: readonly Exception[],
): Action[] {
  const { verb, called, calledAtMs, returned, diedAt, result, error } = entry
  if (called === undefined) return []
  const isUnknown = returned === undefined || error !== undefined
  const base = { called, calledAtMs, returned: returned ?? diedAt ?? Infinity, isUnknown }
  switch (verb.kind) {
    case 'write': {
      if (verb.key !== key) return []
      const { id: value, expiresAtMs } = verb.value
      const atMs = expiresAtMs ?? entry.wroteExpiresAtMs
      return written({ ...base, kind: 'write', value, atMs }, entry, index, allowed)
    }
    case 'add': {
      if (verb.key !== key) return []
      const { id: value, expiresAtMs } = verb.value
      const atMs = expiresAtMs ?? entry.wroteExpiresAtMs
      const action: Action = { ...base, kind: 'add', value, atMs, result: result as boolean }
      if (entry.lostReply && allowed.includes('add unsure')) {
        return [{ ...action, isUnknown: true }, action]
      }
      const mayConceal = entry.movedAside && allowed.includes('concealed')
      return mayConceal ? [action, ...asides(base, index, isUnknown)] : [action]
    }
    case 'read':
    case 'stat':
    case 'take': {
      const kind = verb.kind === 'take' ? 'take' : result === true ? 'has' : 'read'
      if (verb.key !== key) return []
      const action: Action = { ...base, kind, result: result as Action['result'] }
      const mayConceal = kind === 'take' && error !== undefined && allowed.includes('concealed')
      return mayConceal ? [action, ...asides(base, index, false)] : [action]
    }
    case 'remove': {
      if (verb.key !== key) return []
      const action: Action = { ...base, kind: 'remove', result: result as boolean }
      if (!entry.lostReply || !allowed.includes('remove unsure')) return [action]
      const first: Action = { ...base, kind: 'clear', isUnknown: true }
      return [first, result === true ? action : { ...base, kind: 'clear' }]
    }
    case 'swap':
    case 'drop':
      return verb.key === key ? changedSeen(verb, result, base) : []
    case 'list':
      return [{ ...base, kind: 'read', result: listed(result, key) }]
    case 'clear': {
      const action: Action = { ...base, kind: 'clear' }
      const isTwice = entry.lostReply && allowed.includes('remove unsure')
      return isTwice ? [{ ...action, isUnknown: true }, action] : [action]
    }
    case 'sweep':
      return entry.movedAside && allowed.includes('concealed') ? asides(base, index, isUnknown) : []
    case 'copy':
    case 'rename':
      return copied(entry, base, key, (action) => written(action, entry, index, allowed))
    default:
      return []
  }
}

/** A look, unless that was before all began, and a change if it still was what had been seen. */
function changedSeen(verb: Change, result: unknown, base: Base): Action[] {
  const value = verb.kind === 'swap' ? verb.value.id : undefined
  if (base.isUnknown) return [{ ...base, kind: 'swap', value, expected: verb.seen?.id }]
  const [seen, isDone] = String(result).split(' then ')
  if (isDone === undefined) return [{ ...base, kind: 'read', result: undefined }]
  const change: Action = { ...base, kind: 'swap', value, expected: seen, result: isDone === 'true' }
  return verb.seen === undefined ? [{ ...base, kind: 'read', result: seen }, change] : [change]
}

type Base = Pick<Action, 'called' | 'calledAtMs' | 'returned'> & { readonly isUnknown: boolean }

/** A write, before which the object may have been taken away. */
function written(
  action: Action,
  { hadGap }: Entry,
  pair: number,
  allowed: readonly Exception[],
): Action[] {
  if (!hadGap || !allowed.includes('gap')) return [action]
  return [
    { ...action, kind: 'conceal', isUnknown: true, pair },
    { ...action, pair },
  ]
}

/** What an `add` may move aside and put back. */
function asides({ called, returned }: Base, pair: number, mayLast: boolean): Action[] {
  const base = { called, returned, isUnknown: true, pair }
  return [
    { ...base, kind: 'conceal', mayLast },
    { ...base, kind: 'restore' },
  ]
}

function listed(result: unknown, key: string): string | undefined {
  const items = typeof result === 'string' ? result.split(',') : []
  return items.find((item) => item.startsWith(`${key}=`))?.slice(key.length + 1)
}

/** A copy reads one key and writes another; a rename then removes the first, if it still can. */
function copied(
  entry: Entry,
  base: Base,
  key: string,
  writtenAs: (action: Action) => Action[],
): Action[] {
  const { verb, wrote, wroteExpiresAtMs: atMs } = entry
  if (verb.kind !== 'copy' && verb.kind !== 'rename') return []
  const actions: Action[] = []
  if (verb.key === key) {
    actions.push({ ...base, kind: 'read', result: wrote })
    const mayRemove = verb.kind === 'rename' && wrote !== undefined
    if (mayRemove) actions.push({ ...base, kind: 'remove', isUnknown: true })
  }
  if (verb.to === key && wrote !== undefined) {
    actions.push(...writtenAs({ ...base, kind: 'write', value: wrote, atMs }))
  }
  return actions
}

/** An operation that failed though nothing was wrong, or with an error that says too little. */
export function unexpectedError(
  history: History,
  isExpected: (error: unknown) => boolean,
): string | undefined {
  const found = history.entries.find(({ error }) => error !== undefined && !isExpected(error))
  return found === undefined ? undefined : `${found.verb.kind} failed: ${tellError(found.error)}`
}

/** What an operation says that gave up since what it saw contradicted itself each time. */
export const RESTLESS = /changed under each of/

/** Whether an operation gave up for that reason. */
export function isRestless(error: unknown): boolean {
  return error instanceof StoreError && RESTLESS.test(error.message)
}

/** Whether an operation does not know whether it was in time. */
export function isOvertaken(error: unknown): boolean {
  return error instanceof StoreError && /moved on for long/.test(error.message)
}

/** Whether an error is one that the store's faces tell, and not a sign of a fault of its own. */
export function isTold(error: unknown): boolean {
  if ((error as { injected?: boolean }).injected === true) return true
  const told = toStoreError(error, '')
  return told instanceof StoreError && !['IO', 'CORRUPT'].includes(told.code)
}
