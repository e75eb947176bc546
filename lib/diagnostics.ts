import { channel } from 'node:diagnostics_channel'

/** What is published on the channel `linkstore:notice`. */
export interface Notice {
  /** What happened, in words for people. */
  readonly message: string
  /** The error behind it. */
  readonly cause: unknown
}

const notices = channel('linkstore:notice')

/**
 * Tells whoever listens to the channel `linkstore:notice` about something that the caller's
 * operation survived, such as a clean-up that failed. The library itself never prints.
 */
export function publishNotice(message: string, cause: unknown): void {
  if (notices.hasSubscribers) notices.publish({ message, cause } satisfies Notice)
}

/** How often an operation had to look or try again, and why. */
export interface Retries {
  /** An object was not found, was looked for again, and so proved to be absent. */
  readonly provedAbsent: number
  /** An object was not found, was looked for again, and is there: no false miss. */
  readonly foundAfterAll: number
  /** A call failed with ESTALE: another host had replaced or removed what it was about. */
  readonly stale: number
  /** Another process was faster with the same thing. */
  readonly outrun: number
}

/** The same while they are counted. */
export type RetryCounts = { -readonly [Reason in keyof Retries]: number }

let counts: RetryCounts | undefined

/** Says that the operation that takes a step just now looks or tries again. */
export function noteRetry(reason: keyof Retries): void {
  if (counts !== undefined) counts[reason] += 1
}

/** Takes a step of an operation; what it notes meanwhile is counted there. */
export function countingRetries<T>(into: RetryCounts, step: () => T): T {
  const before = counts
  counts = into
  try {
    return step()
  } finally {
    counts = before
  }
}
