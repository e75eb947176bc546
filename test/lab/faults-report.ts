import type { LaneReport } from './faults-lanes.js'
import type { Outcome } from './faults-verbs.js'

/** What a worker tells of a fault. */
export type FaultReport =
  | ({ readonly kind: 'lanes' } & LaneReport)
  | { readonly kind: 'calls'; readonly outcomes: readonly Outcome[] }
  | { readonly kind: 'recovered'; readonly recoveryMs: number; readonly wrong: readonly string[] }
  | { readonly kind: 'closed'; readonly leftOver: readonly string[] }

/** The report of one kind; there must be one. */
export function reportOf<K extends FaultReport['kind']>(
  reports: readonly FaultReport[],
  kind: K,
): Extract<FaultReport, { kind: K }> {
  const found = reports.find((report) => report.kind === kind)
  if (found === undefined) throw new Error(`nothing was told of ${kind}`)
  return found as Extract<FaultReport, { kind: K }>
}
