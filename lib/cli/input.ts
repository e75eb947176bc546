import type { Command } from 'commander'
import type { Body } from '../../index.js'
import { localPieces } from './local-file.js'
import type { Session } from './session.js'

/** The value of `set` and `add`: a word of the command line, a file, or standard input. */
export function inputOf(
  command: Command,
  session: Session,
  word: string | undefined,
  file: string | undefined,
): Body {
  if (word !== undefined && file !== undefined) {
    command.error('error: give the value as a word or with --file, not both')
  }
  if (word !== undefined) return word
  const path = file ?? '-'
  if (path === '-' && process.stdin.isTTY) {
    session.note('reading the value from the terminal; end it with Ctrl-D on a line of its own')
  }
  return localPieces(path)
}
