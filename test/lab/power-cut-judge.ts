/**
 * Judges what a store gives out after a power cut by what it had acknowledged before.
 */
import type { Durability } from '../../index.js'
import { CORRUPT } from './power-cut-values.js'

/** What keys hold: stamps; a key that is absent has no entry. */
export type Contents = ReadonlyMap<string, string>

/** A change that a store was asked for before the cut. */
export interface Change {
  readonly verb: string
  readonly key: string
  /** The stamp that the key was to get; null where it was to be removed. */
  readonly becomes: string | null
  isAcknowledged: boolean
}

/** What one cut did to one store. */
export interface Verdict {
  /** Acknowledged changes. */
  readonly acknowledged: number
  /** Keys whose last acknowledged change is not there. */
  readonly lost: readonly string[]
  /** Keys whose object the store reports as damaged. */
  readonly corrupt: number
  /** What the durability does not allow. */
  readonly faults: readonly string[]
}

/**
 * @param before - what was on the disk before the changes
 * @param changes - in the order in which they began
 * @param found - what is there after the cut
 */
export function judge(
  durability: Durability,
  before: Contents,
  changes: readonly Change[],
  found: Contents,
): Verdict {
  const lost: string[] = []
  const faults: string[] = []
  const byKey = new Map<string, Change[]>()
  for (const change of changes) byKey.set(change.key, [...(byKey.get(change.key) ?? []), change])
  for (const key of new Set([...before.keys(), ...byKey.keys(), ...found.keys()])) {
    const history = byKey.get(key) ?? []
    const now = found.get(key) ?? null
    const last = history.findLastIndex(({ isAcknowledged }) => isAcknowledged)
    const old = [before.get(key) ?? null, ...history.map(({ becomes }) => becomes)]
    const kept = old.slice(last + 1)
    if (!kept.includes(now)) lost.push(key)
    const allowed = durability === 'full' ? kept : old
    const isExcused = durability === 'none' && now === CORRUPT && history.length > 0
    if (!allowed.includes(now) && !isExcused) {
      faults.push(`${key} is ${now ?? 'absent'}, not one of ${allowed.map(String).join(', ')}`)
    }
  }
  const acknowledged = changes.filter(({ isAcknowledged }) => isAcknowledged).length
  const corrupt = [...found.values()].filter((stamp) => stamp === CORRUPT).length
  return { acknowledged, lost, corrupt, faults }
}
