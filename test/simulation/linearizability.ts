/** What can be done to one key, and whether a history of it can be explained. */
import { searchOrder, type Model, type Timed } from './order-search.js'

/** One action on a key. */
export interface Action extends Timed {
  readonly kind:
    | 'swap'
    | 'write'
    | 'add'
    | 'take'
    | 'remove'
    | 'read'
    | 'has'
    | 'clear'
    | 'tick'
    | 'conceal'
    | 'restore'
  /** What a write, add or swap stores; a swap removes what is there without it. */
  readonly value?: string | undefined
  /** What a swap replaces; without it, and if its outcome is unknown, anything. */
  readonly expected?: string | undefined
  /** When that expires; for a tick, what time it is from then on. */
  readonly atMs?: number | undefined
  /** What time it was when it was called: what expired only afterwards, it may still have found. */
  readonly calledAtMs?: number | undefined
  /**
   * What it answered: the value or undefined (read, take), whether it was so (add, remove, has).
   * Not looked at where the outcome is unknown.
   */
  readonly result?: string | boolean | undefined
  /** Whether it changes nothing, and may answer by what was before it was called. */
  readonly isLate?: boolean
  /** Which conceal a restore, or a write, ends. */
  readonly pair?: number
  /** For a conceal: whether it need not end, since who did it died. */
  readonly mayLast?: boolean
}

interface Stored {
  readonly value: string
  readonly atMs: number | undefined
}

interface State {
  readonly stored: Stored | undefined
  readonly nowMs: number
  /** What conceals have put aside, by pair. */
  readonly concealed: ReadonlyMap<number, Concealed>
}

interface Concealed extends Stored {
  readonly mayLast: boolean
}

/** The state before any action. */
export function initialState(value?: string, atMs?: number, nowMs = 0): State {
  const stored = value === undefined ? undefined : { value, atMs }
  return { stored, nowMs, concealed: new Map() }
}

/** An order that explains the actions; undefined when there is none. */
export function linearize(initial: State, actions: readonly Action[]): Action[] | undefined {
  return searchOrder(MODEL, initial, actions)
}

const MODEL: Model<State, Action> = {
  calledAt: (action) => (action.isLate === true ? -Infinity : action.called),
  apply: (state, action) => (action.isLate === true ? seenBy(state, action) : apply(state, action)),
  mayEnd: ({ concealed }) => [...concealed.values()].every(({ mayLast }) => mayLast),
  describe,
}

/** The same for an action that changes nothing; expiry it judges by the time of its call. */
function seenBy(state: State, action: Action): State | undefined {
  const nowMs = Math.max(state.nowMs, action.calledAtMs ?? 0)
  return apply({ ...state, nowMs }, action) === undefined ? undefined : state
}

/** The state after an action; undefined when it cannot have answered what it did. */
function apply(state: State, action: Action): State | undefined {
  const { value = '', atMs, result, isUnknown = false } = action
  const live = isLive(state) ? state.stored.value : undefined
  const found = live ?? outlived(state, action)
  const answers = (truth: string | boolean | undefined): boolean => isUnknown || result === truth
  const empty = { ...state, stored: undefined }
  switch (action.kind) {
    case 'write':
      return { ...without(state, action), stored: { value, atMs } }
    case 'add':
      if (!answers(live === undefined)) return undefined
      return live === undefined ? { ...state, stored: { value, atMs } } : state
    case 'read':
      return answers(found) ? state : undefined
    case 'has':
      return answers(found !== undefined) ? state : undefined
    case 'swap': {
      const wanted = action.expected ?? (isUnknown ? live : undefined)
      const isRight = live !== undefined && live === wanted
      if (!answers(isRight)) return undefined
      if (!isRight) return state
      return action.value === undefined ? empty : { ...state, stored: { value, atMs } }
    }
    case 'take':
      return answers(found) ? empty : undefined
    case 'remove':
      if (!answers(found !== undefined)) return undefined
      return found === undefined ? state : empty
    case 'clear':
      return empty
    case 'tick':
      return { ...state, nowMs: atMs ?? 0 }
    case 'conceal':
      return conceal(state, action)
    case 'restore':
      return restore(state, action)
  }
}

/** What has expired, and yet was found by an action that had been called before that. */
function outlived({ stored }: State, { calledAtMs, result }: Action): string | undefined {
  if (stored?.atMs === undefined || calledAtMs === undefined) return undefined
  const hasFound = result !== undefined && result !== false
  return hasFound && stored.atMs > calledAtMs ? stored.value : undefined
}

function conceal(state: State, { pair = 0, mayLast = false }: Action): State | undefined {
  if (!isLive(state)) return undefined
  const concealed = new Map(state.concealed).set(pair, { ...state.stored, mayLast })
  return { ...state, stored: undefined, concealed }
}

/** Puts back what was put aside, unless something else is there now. */
function restore(state: State, action: Action): State | undefined {
  const stored = state.concealed.get(action.pair ?? 0)
  if (stored === undefined) return undefined
  return { ...without(state, action), stored: state.stored ?? stored }
}

function without(state: State, { pair }: Action): State {
  if (pair === undefined || !state.concealed.has(pair)) return state
  const concealed = new Map(state.concealed)
  concealed.delete(pair)
  return { ...state, concealed }
}

function isLive(state: State): state is State & { readonly stored: Stored } {
  const { stored, nowMs } = state
  return stored !== undefined && (stored.atMs === undefined || stored.atMs > nowMs)
}

function describe({ stored, nowMs, concealed }: State): string {
  const others = [...concealed].map(([pair, { value }]) => `${pair}${value}`)
  return `${stored?.value ?? '-'} ${stored?.atMs ?? ''} ${nowMs} ${others.join()}`
}
