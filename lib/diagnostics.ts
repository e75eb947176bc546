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
