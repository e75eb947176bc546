/** What a subject is to a reader: what the page is about, what bounds it, or a competitor. */
export type Role = 'linkstore' | 'bound' | 'peer'

/** These do no more than what has to be done, so they are no stores that one could use instead. */
const BOUNDS = /^(floor|fs sync calls|node:fs streams|cp|find|node -e 0)\b/

export function roleOf(subject: string): Role {
  if (/^(import )?linkstore\b/.test(subject)) return 'linkstore'
  return BOUNDS.test(subject) ? 'bound' : 'peer'
}
