import type { Facts } from '../results.js'
import type { FactsWanted } from './facts.js'

/** What of an answer its chart shows. */
export interface ChartHow {
  /** Multiples of what the group is compared with, or what was measured. */
  readonly shows: 'ratios' | 'figures'
  /** Panels that differ in this fact stand side by side; in others, one below the other. */
  readonly columns?: keyof Facts
  /** Lines over this fact, a number that grows, in place of bars. */
  readonly along?: 'objects' | 'processes' | 'valueBytes' | 'inFlight'
  /** Only groups that fit are drawn; the tables have all. */
  readonly only?: FactsWanted
}
