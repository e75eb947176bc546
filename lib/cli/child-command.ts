import { spawn, type ChildProcess } from 'node:child_process'
import { constants } from 'node:os'
import type { Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { isatty } from 'node:tty'
import type { Command } from 'commander'
import { StartError } from './failure.js'

/** How long a command has that was told to end, before it is killed. */
const GRACE_MS = 5000
const LOOK_MS = 20

/** How a command is run. */
export interface ChildHow {
  /** Added to the environment. */
  readonly env: Readonly<Record<string, string>>
  /** What its standard input is: ours, or what `stdin` is given. */
  readonly input: 'inherit' | 'pipe'
}

/**
 * A command that runs below this process. It has a process group of its own, so that whatever it
 * starts is told to end together with it. Not so where a terminal may be its input: only the
 * group in front may read from that.
 */
export class ChildCommand {
  /** How it ended, as shells say it: its status, or 128 and the number of a signal. */
  readonly ended: Promise<number>
  readonly #child: ChildProcess
  readonly #hasGroup: boolean
  #wasTold = false
  #isOver = false
  #killer: NodeJS.Timeout | undefined

  private constructor(child: ChildProcess, hasGroup: boolean) {
    this.#child = child
    this.#hasGroup = hasGroup
    this.ended = new Promise((resolve, reject) => {
      child.once('exit', (code, signal) => {
        const status = code ?? 128 + constants.signals[signal ?? 'SIGKILL']
        this.#settle().then(() => resolve(status), reject)
      })
    })
  }

  /** Starts a program; a StartError if that cannot be done. */
  static start(words: readonly string[], { env, input }: ChildHow): Promise<ChildCommand> {
    const [program = '', ...rest] = words
    const hasGroup = input === 'pipe' || ![0, 1, 2].some((descriptor) => isatty(descriptor))
    return new Promise((resolve, reject) => {
      const onError = (error: unknown): void => reject(new StartError(program, error))
      try {
        const child = spawn(program, rest, {
          env: { ...process.env, ...env },
          stdio: [input, 'inherit', 'inherit'],
          detached: hasGroup,
        })
        const command = new ChildCommand(child, hasGroup)
        child.once('error', onError).once('spawn', () => resolve(command))
      } catch (error) {
        onError(error)
      }
    })
  }

  /** Where its input goes. */
  get stdin(): Writable {
    const { stdin } = this.#child
    if (stdin === null) throw new Error('its standard input is not a pipe')
    return stdin
  }

  /** Passes a signal on. */
  tell(signal: NodeJS.Signals): void {
    // A terminal has told it already: twice means something else to many programs.
    if (signal === 'SIGINT' && !this.#hasGroup) return
    this.#wasTold = true
    this.#send(signal)
  }

  /** Makes it end: it has a while to clean up. */
  end(): void {
    if (this.#isOver) return
    this.tell('SIGTERM')
    // What is stopped would hear of it only when it goes on.
    this.#send('SIGCONT')
    this.#killer ??= setTimeout(() => this.kill(), GRACE_MS)
  }

  /** Makes it end at once. */
  kill(): void {
    this.#wasTold = true
    this.#send('SIGKILL')
  }

  /** Waits until what it has started is gone too, if all were told to end. */
  async #settle(): Promise<void> {
    const startMs = performance.now()
    while (this.#wasTold && this.#hasGroup && this.#send(0)) {
      if (performance.now() - startMs > GRACE_MS) {
        this.#send('SIGKILL')
        break
      }
      await sleep(LOOK_MS)
    }
    clearTimeout(this.#killer)
    this.#isOver = true
  }

  /** Says whether there was anybody to hear it. */
  #send(signal: NodeJS.Signals | 0): boolean {
    const { pid, exitCode, signalCode } = this.#child
    const hasExited = exitCode !== null || signalCode !== null
    // Its number may be somebody else's by now.
    if (pid === undefined || this.#isOver || (hasExited && !this.#hasGroup)) return false
    try {
      process.kill(this.#hasGroup ? -pid : pid, signal)
      return true
    } catch {
      return false
    }
  }
}

/**
 * Refuses a command that does not stand behind `--`: of its options, those that we have too would
 * be taken for ours.
 */
export function requireSeparated(command: Command, words: readonly string[]): void {
  const all = command.parent?.args ?? []
  const at = all.indexOf('--')
  if (at !== -1 && all.length - 1 - at >= words.length) return
  command.error('error: the command to run must stand behind --, as in: -- sleep 5')
}
