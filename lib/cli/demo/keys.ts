/** The keys of the demo. */

/** Keys that all processes overwrite all the time and nobody deletes. */
export const HOT_KEYS: readonly string[] = Array.from({ length: 2 }, (_, index) => `hot/${index}`)

/** How many keys of its own each process writes over and over. */
export const OWN_KEYS = 64

/** A key that only one process writes. */
export function ownKey(process: string, index: number): string {
  return `own/${process}/${index % OWN_KEYS}`
}

/** At each tick all processes try to add one name, and to take one token laid out before. */
export const TICK_MS = 80

/** Ticks from laying a token out to everybody's reaching for it. */
export const TOKEN_TICKS = 3

export function raceKey(tick: number): string {
  return `race/${tick}`
}

export function tokenKey(tick: number): string {
  return `token/${tick}`
}
