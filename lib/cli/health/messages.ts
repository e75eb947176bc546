/** What the process that asks a store says to the one that started it. */
export interface Answer {
  readonly tookMs: number
  /** Why the store is not healthy; undefined if it is. */
  readonly problem: string | undefined
}
