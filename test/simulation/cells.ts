/** What processes do to cells, and whether it can be explained. */
import type { Operation } from '../../lib/drivers/effects.js'
import { toObjectKey } from '../../lib/key.js'
import { locateCell, readCell, type Generation } from '../../lib/protocol/cell.js'
import { compareAndSet, type Retention } from '../../lib/protocol/compare-and-set.js'
import type { Context } from '../../lib/protocol/context.js'
import type { Entry, History } from './history.js'
import { searchOrder, type Model, type Timed } from './order-search.js'

/** What is done to a cell. */
export type CellVerb =
  | { readonly kind: 'read cell'; readonly cell: string }
  | {
      readonly kind: 'update cell'
      readonly cell: string
      /** Undefined: the value is removed. */
      readonly value: string | undefined
      /** How many generations are kept; default: as many as ever. */
      readonly kept?: number
    }

export function isCellVerb(verb: { readonly kind: string }): verb is CellVerb {
  return verb.kind === 'read cell' || verb.kind === 'update cell'
}

/** Reads, or reads and sets once. */
export function* performOnCell(context: Context, verb: CellVerb): Operation<string> {
  const cell = locateCell(context, '.cells', toObjectKey(verb.cell))
  const seen = yield* readCell(context, cell)
  if (verb.kind === 'read cell') return tell(seen)
  const value = verb.value === undefined ? undefined : Buffer.from(verb.value)
  const how = { durability: context.durability, ...retentionOf(verb.kept) }
  const made = yield* compareAndSet(context, cell, seen, value, how)
  return `${tell(seen)} then ${made?.number ?? 'none'}`
}

/** How many generations are kept, if that is said. */
export function retentionOf(kept: number | undefined): { readonly retention?: Retention } {
  return kept === undefined ? {} : { retention: { count: kept, ageMs: 0, most: kept } }
}

function tell({ number, value }: Generation): string {
  return `${number}=${value?.toString() ?? ''}`
}

interface CellAction extends Timed {
  /** What was read; for an update, what it is true of. */
  readonly seen: string
  /** For an update that was in time, or may have been: what it left. */
  readonly left?: string
  /** For one that was not: something newer than what was read was there. */
  readonly isRefused?: boolean
}

const MODEL: Model<string, CellAction> = {
  calledAt: ({ called }) => called,
  apply: (state, { seen, left, isRefused = false, isUnknown = false }) => {
    if (isUnknown && left !== undefined) {
      return `${numberOf(state) + 1}=${left}`
    }
    if (isRefused) return numberOf(state) > numberOf(seen) ? state : undefined
    if (state !== seen) return undefined
    return left === undefined ? state : `${numberOf(state) + 1}=${left}`
  },
  mayEnd: () => true,
  describe: (state) => state,
}

function numberOf(state: string): number {
  return Number(state.split('=')[0])
}

/**
 * What is wrong with the history of a cell; undefined when nothing is.
 *
 * @param wasCut - whether the power was cut, so that only what was acknowledged counts
 */
export function judgeCell(
  history: History,
  cell: string,
  before: ReadonlyMap<string, readonly string[]>,
  final: string,
  wasCut = false,
): string | undefined {
  const { end } = history
  const values = before.get(cell) ?? []
  const initial = `${values.length}=${values.at(-1) ?? ''}`
  const actions = history.entries.flatMap((entry) => actionsOf(entry, cell))
  const counting = wasCut ? actions.filter(({ left }) => left !== undefined) : actions
  const last: CellAction = { seen: final, called: end, returned: end }
  if (searchOrder(MODEL, initial, [...counting, last]) !== undefined) return undefined
  return `no order of what happened explains cell ${cell}, which is ${final} at the end`
}

function actionsOf(entry: Entry, cell: string): CellAction[] {
  const { verb, called, returned, diedAt, result, error } = entry
  if (!isCellVerb(verb) || verb.cell !== cell || called === undefined) return []
  const time = { called, returned: returned ?? diedAt ?? Infinity }
  if (returned === undefined || error !== undefined) {
    return verb.kind === 'read cell'
      ? []
      : [{ ...time, seen: '', left: verb.value ?? '', isUnknown: true }]
  }
  const [seen = '', made] = String(result).split(' then ')
  const read: CellAction = { ...time, seen }
  if (verb.kind === 'read cell') return [read]
  const update: CellAction = { ...time, seen }
  if (made === 'none') return [read, { ...update, isRefused: true }]
  return Number(made) === numberOf(seen) + 1
    ? [read, { ...update, left: verb.value ?? '' }]
    : [{ ...update, seen: `made ${made}` }]
}
