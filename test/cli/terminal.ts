/** The command on a terminal, which script(1) makes. */
import { spawnSync } from 'node:child_process'
import { MAIN, start, type How, type Running } from './command.js'

/** Why nothing can be run on a terminal here, or false. */
export const WITHOUT_TERMINAL =
  spawnSync('script', ['--version'], { stdio: 'ignore' }).status === 0 ? false : 'needs script'

/** How a command is run on a terminal. */
export interface HowOnTerminal extends How {
  /** What else stty(1) is to set, such as `cols 100`. */
  readonly settings?: string | undefined
}

/**
 * Starts a line of shell, one command, in which `linkstore` is the command. All it shows is on
 * standard output. No key that is pressed is shown in between, and Ctrl-C drops nothing that was
 * not yet read, as it otherwise would: termios(3). No shell stays in front of the command: some
 * die of Ctrl-C themselves, and what comes after them is lost.
 */
export function startOnTerminal(line: string, how: HowOnTerminal = {}): Running {
  const { settings = '', env, ...rest } = how
  const command = line.replace('linkstore', `"${process.execPath}" "${MAIN}"`)
  const script = `stty -echo noflsh ${settings}; exec ${command}`
  return start('script', ['-qec', script, '/dev/null'], {
    ...rest,
    env: { TERM: 'xterm', SHELL: '/bin/sh', ...env },
  })
}
