import type { Facts } from '../../doctor/index.js'

/** What the process that probes says to the one that asked. */
export type Message =
  | { readonly kind: 'probe'; readonly label: string }
  | { readonly kind: 'facts'; readonly facts: Facts }
  /** It has cleaned up, or says what it could not remove. */
  | { readonly kind: 'aborted'; readonly problem: string | undefined }

/** What it is told. */
export const ABORT = 'abort'
