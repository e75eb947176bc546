/** What the process that asks a store says to the one that started it. */
export type Message =
  /** It has started, and asks now. */
  { readonly kind: 'asking' } | ({ readonly kind: 'answer' } & Answer)

/** What the store has answered. */
export interface Answer {
  readonly tookMs: number
  /** Why the store is not healthy; undefined if it is. */
  readonly problem: string | undefined
}
