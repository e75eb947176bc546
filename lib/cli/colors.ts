import { isatty } from 'node:tty'
import pc from 'picocolors'

/**
 * Colours for what is written to a descriptor: none unless it is a terminal. Left to itself,
 * picocolors looks at standard output only, and colours everything on a build server.
 */
export function colorsFor(fd: number): ReturnType<typeof pc.createColors> {
  const { NO_COLOR = '', TERM } = process.env
  return pc.createColors(isatty(fd) && NO_COLOR === '' && TERM !== 'dumb')
}
