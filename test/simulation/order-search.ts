/**
 * Whether a history can be explained by its actions having happened one after the other, each at
 * some moment between its call and its return: the search of Wing and Gong, with Lowe's refinement
 * that what was tried once (these actions done, this state reached) is not tried again.
 */

/** When an action happened. */
export interface Timed {
  /** Positions in time. One that returned before another was called comes before it. */
  readonly called: number
  /** Infinity: at any time later. */
  readonly returned: number
  /** Its caller learnt no outcome, so it may have happened in that time, or never. */
  readonly isUnknown?: boolean
}

/** What actions do, one after the other. */
export interface Model<State, Action extends Timed> {
  /** From when on it may have happened. */
  calledAt(action: Action): number
  /** The state after an action; undefined when it cannot have answered what it did. */
  apply(state: State, action: Action): State | undefined
  /** Whether nothing has to follow. */
  mayEnd(state: State): boolean
  /** A text that is the same for the same state. */
  describe(state: State): string
}

/** An order that explains the actions; undefined when there is none. */
export function searchOrder<State, Action extends Timed>(
  model: Model<State, Action>,
  initial: State,
  actions: readonly Action[],
): Action[] | undefined {
  if (actions.length > 31) throw new RangeError('a history this long is not for this search')
  const tried = new Set<string>()
  const order: Action[] = []
  const search = (done: number, state: State, lastCall: number): boolean => {
    const open = actions.filter((action, i) => (done & (1 << i)) === 0 && action.isUnknown !== true)
    if (open.length === 0 && model.mayEnd(state)) return true
    const known = `${done} ${model.describe(state)}`
    if (tried.has(known)) return false
    tried.add(known)
    const firstReturn = Math.min(...open.map(({ returned }) => returned))
    for (const [i, action] of actions.entries()) {
      const called = model.calledAt(action)
      const isPossible = called <= firstReturn && action.returned >= lastCall
      if ((done & (1 << i)) !== 0 || !isPossible) continue
      const next = model.apply(state, action)
      if (next === undefined) continue
      order.push(action)
      if (search(done | (1 << i), next, Math.max(lastCall, called))) return true
      order.pop()
    }
    return false
  }
  return search(0, initial, -Infinity) ? order : undefined
}
