import { Option, type Command } from 'commander'
import { safeText } from './safe-text.js'
import type { Session } from './session.js'

export function yesOption(): Option {
  return new Option('--yes', 'required, as it cannot be undone')
}

/** Refuses to do what cannot be undone unless the user says so. */
export function requireYes(
  command: Command,
  session: Session,
  yes: boolean | undefined,
  what: string,
): void {
  if (yes === true) return
  const directory = safeText(session.requireDirectory())
  command.error(`error: this would remove ${what} ${directory}; to do it, add --yes`)
}
