/** The keys of the test of mixed operations, by what is done with them: 50 in all. */

export const SLOTS = 8

const numbered = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${name}:${index}`)

/** Written and read by all, deleted by nobody: they must never be missed. */
export const STEADY_KEYS = numbered('steady', 10)
/** Added and taken by all. */
export const TOKEN_KEYS = numbered('token', 8)
/** Added by all, taken by nobody. */
export const RACE_KEYS = numbered('race', 8)

/** Changed by one process only: a key that it only writes, and two with which it does anything. */
export function ownKeys(slot: number): [log: string, one: string, other: string] {
  return [`own:${slot}:log`, `own:${slot}:a`, `own:${slot}:b`]
}

export const OWN_KEYS = Array.from({ length: SLOTS }, (_, slot) => ownKeys(slot)).flat()
export const ALL_KEYS = [...STEADY_KEYS, ...TOKEN_KEYS, ...RACE_KEYS, ...OWN_KEYS]
