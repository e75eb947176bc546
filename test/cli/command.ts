import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { plain } from '../support/plain.js'

/** The built command. */
export const MAIN = join(import.meta.dirname, '../../dist/lib/cli/main.js')

const TIMEOUT_MS = 60_000

/** How a command is run. */
export interface How {
  readonly input?: string | Uint8Array | undefined
  readonly cwd?: string | undefined
  readonly env?: NodeJS.ProcessEnv | undefined
  readonly timeoutMs?: number | undefined
}

/** How it ended. */
export interface Outcome {
  /** The exit status, or the name of the signal that ended it. */
  readonly status: number | NodeJS.Signals | null
  readonly stdout: Buffer
  readonly stderr: string
}

/** A command under way. */
export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Outcome>
}

/** Starts any program; it is killed when it takes too long. */
export function start(file: string, words: readonly string[], how?: How): Running {
  return startCounted(...plain([file, ...words]), how)
}

/** Starts a program with what tap adds to it, so that its lines are counted. */
function startCounted(file: string, words: readonly string[], how: How = {}): Running {
  const { input, cwd, env = {}, timeoutMs = TIMEOUT_MS } = how
  const child = spawn(file, words, {
    cwd,
    env: { ...process.env, LINKSTORE_DIR: undefined, NO_COLOR: undefined, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  })
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []]
  child.stdout.on('data', (piece: Buffer) => stdout.push(piece))
  child.stderr.on('data', (piece: Buffer) => stderr.push(piece))
  // It may end before it has read all of its input, or any.
  child.stdin.on('error', () => undefined)
  if (input !== undefined) child.stdin.end(input)
  const ended = once(child, 'close').then(([code, signal]) => ({
    status: (code ?? signal) as Outcome['status'],
    stdout: Buffer.concat(stdout),
    stderr: Buffer.concat(stderr).toString(),
  }))
  return { child, ended }
}

/** Runs the command to its end; without input its standard input is empty. */
export function linkstore(words: readonly string[], how: How = {}): Promise<Outcome> {
  const launch = isNewUse(words) ? startCounted : start
  return launch(process.execPath, [MAIN, ...words], { input: '', ...how }).ended
}

const uses = new Set<string>()

/**
 * Whether a file of tests uses the command in a way it did not before. Only then are the lines it
 * runs counted for the coverage: that takes longer than most commands do.
 */
function isNewUse(words: readonly string[]): boolean {
  const names = words.filter((word) => /^[a-z]+$/.test(word)).slice(0, 2)
  const use = [...names, ...words.filter((word) => word.startsWith('-'))].join(' ')
  if (uses.has(use)) return false
  uses.add(use)
  return true
}

/** Runs a line of shell in which `linkstore` is the command. */
export function shell(line: string, how: How = {}): Promise<Outcome> {
  const script = `linkstore() { "${process.execPath}" "${MAIN}" "$@"; }\n${line}`
  return start('bash', ['-c', script], { input: '', ...how }).ended
}
