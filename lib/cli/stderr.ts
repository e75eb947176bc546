import { writeSync } from 'node:fs'
import { isatty } from 'node:tty'

/** Whether people read standard error, who like bars and colours. */
export const isTerminal = isatty(2)

/** Writes to standard error. There is nobody to tell if that fails. */
export function writeStderr(text: string): void {
  try {
    writeSync(2, text)
  } catch {
    // Its reader has gone away.
  }
}
