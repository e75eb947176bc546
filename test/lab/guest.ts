/**
 * Real kernels: a guest is user-mode Linux, a Linux kernel that runs as a group of processes of
 * this machine. It sees the machine's files read-only, so that node and the built package are
 * simply there, and has memory, disks, a network and an NFS server and clients of its own.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Test } from 'tap'
import { ResultReader } from './channel.js'
import { scratchPath } from './disk.js'
import { checkRequirements, MODULES_PATH, SEARCH_PATH } from './requirements.js'

const ROOT_PATH = join(import.meta.dirname, '../..')
const SHELL_PATH = join(import.meta.dirname, 'guest')
/** Where a guest has the directory that it shares with the machine. */
const WORK_PATH = '/run/lab'
const POLL_MS = 25
const KILL_MS = 10_000

/** What a guest is to do, and with what. */
export interface GuestOptions {
  /**
   * Bash, run by root with `set -eu` and the functions of `guest/base.sh` and `guest/nfs.sh`. Its
   * exit status is the guest's; the guest ends with it. What it prints is kept and shown if it
   * fails. Starts workers with {@link worker}.
   */
  readonly script: string
  /** Images: the first is `/dev/ubda`, the second `/dev/ubdb`. */
  readonly disks?: readonly string[]
  /** Default 512. */
  readonly memoryMiB?: number
  /** Killed after this long, which is a failure; default two minutes. */
  readonly timeoutMs?: number
  /** Kills the guest, which is a failure. */
  readonly signal?: AbortSignal
  /** Called with each result as it comes. */
  readonly onResult?: (result: unknown) => void
}

/** How a guest ended. */
export interface Ending {
  /** The script's exit status; undefined if the guest was killed or died before it had one. */
  readonly status: number | undefined
  /** What the kernel and the script printed. */
  readonly console: string
}

/** A command line that runs a worker, which is a script of `dist/test/`, in a guest. */
export function worker(script: string, ...values: readonly (string | number)[]): string {
  const path = join(ROOT_PATH, 'dist/test', script)
  return [process.execPath, path, ...values.map(String)].map(quote).join(' ')
}

/** A script that runs commands at once, and fails if one of them does. */
export function together(commands: readonly string[]): string {
  return ['jobs=', ...commands.map(background), WAIT_FOR_JOBS].join('\n')
}

/** A command that goes on in the background, as one of `$jobs`. */
export function background(command: string): string {
  return `${command} & jobs="$jobs $!"`
}

/** Fails if one of `$jobs` does. */
export const WAIT_FOR_JOBS = 'for job in $jobs; do wait $job; done'

/** Text as one word of a shell. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

/** A guest at work. */
export class Guest {
  /** What the workers have reported so far. */
  readonly results: unknown[] = []
  /** Resolves when nothing of the guest is left; does not reject. */
  readonly ended: Promise<Ending>
  readonly #child: ChildProcess
  readonly #workPath: string
  readonly #reader: ResultReader
  readonly #onResult: (result: unknown) => void
  #console = ''
  #hasEnded = false

  /** Boots it. It does not outlive the test, nor the test's process. */
  constructor(t: Test, options: GuestOptions) {
    checkRequirements()
    const { timeoutMs = 120_000, signal, onResult = () => undefined } = options
    this.#onResult = onResult
    this.#workPath = scratchPath(t)
    writeFileSync(join(this.#workPath, 'results'), '')
    this.#reader = new ResultReader(join(this.#workPath, 'results'))
    this.#child = this.#boot(options)
    this.ended = this.#follow(guard(this.#child.pid!, this.#workPath), timeoutMs, signal)
    t.teardown(() => this.cut())
  }

  /** A power cut: from one moment to the next the guest is no more. Its disks stay as they are. */
  async cut(): Promise<void> {
    this.#kill()
    await this.ended
  }

  /** The first result, of those to come and those that came, that satisfies a condition. */
  async waitFor(condition: (result: unknown) => boolean): Promise<unknown> {
    for (let seen = 0; ;) {
      for (; seen < this.results.length; seen += 1) {
        if (condition(this.results[seen])) return this.results[seen]
      }
      if (this.#hasEnded) throw new Error(`the guest ended before:\n${this.#console}`)
      await setTimeout(POLL_MS)
    }
  }

  #boot({ script, disks = [], memoryMiB = 512 }: GuestOptions): ChildProcess {
    const initPath = join(this.#workPath, 'init')
    writeFileSync(initPath, initScript(script, this.#workPath), { mode: 0o755 })
    const child = spawn(
      'linux.uml',
      [
        `mem=${memoryMiB}M`,
        ...disks.map((path, i) => `ubd${i}=${path}`),
        ...['root=none', 'rootfstype=hostfs', 'rootflags=/', 'ro', `init=${initPath}`],
        ...['quiet', 'con=null', 'con0=null,fd:1', `uml_dir=${this.#workPath}/`, 'umid=guest'],
      ],
      {
        // The kernel leads a process group of its own, which is what a kill is sent to.
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { PATH: SEARCH_PATH, TMPDIR: process.env['TMPDIR'] },
      },
    )
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.#console += text))
    }
    return child
  }

  async #follow(
    guard: ChildProcess,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Ending> {
    const kill = (): void => {
      this.#kill(`killed: ${signal?.aborted === true ? 'aborted' : 'timed out'}\n`)
    }
    const timer = globalThis.setTimeout(kill, timeoutMs)
    const poll = setInterval(() => this.#readResults(), POLL_MS)
    signal?.addEventListener('abort', kill)
    if (signal?.aborted === true) kill()
    await new Promise<void>((resolve) => {
      this.#child.once('error', () => resolve()).once('close', () => resolve())
    })
    await this.#awaitGroup()
    clearTimeout(timer)
    clearInterval(poll)
    signal?.removeEventListener('abort', kill)
    this.#readResults()
    const status = this.#status()
    this.#hasEnded = true
    guard.kill('SIGKILL')
    rmSync(this.#workPath, { recursive: true, force: true })
    return { status, console: this.#console }
  }

  /** The processes of its programs die a moment after the kernel: its disks are free only then. */
  async #awaitGroup(): Promise<void> {
    for (let waitedMs = 0; waitedMs < KILL_MS && this.#kill(); waitedMs += POLL_MS) {
      await setTimeout(POLL_MS)
    }
  }

  #readResults(): void {
    for (const result of this.#reader.read()) {
      this.results.push(result)
      this.#onResult(result)
    }
  }

  #status(): number | undefined {
    try {
      return Number(readFileSync(join(this.#workPath, 'status'), 'utf8'))
    } catch {
      return undefined
    }
  }

  /** Says whether anything was there to be killed. */
  #kill(reason = ''): boolean {
    if (this.#hasEnded) return false
    this.#console += reason
    try {
      process.kill(-this.#child.pid!, 'SIGKILL')
      return true
    } catch {
      return false
    }
  }
}

/** Boots a guest, waits for its script to end well, and gives what was reported. */
export async function runGuest(t: Test, options: GuestOptions): Promise<unknown[]> {
  const guest = new Guest(t, options)
  const { status, console } = await guest.ended
  if (status !== 0) {
    throw new Error(`the guest ended with status ${status ?? 'unknown'}:\n${console}`)
  }
  return guest.results
}

/** Waits in a process of its own for this one to be gone, and takes the guest along. */
function guard(pid: number, workPath: string): ChildProcess {
  const script = 'read -r _; kill -9 -- "-$0"; rm -rf "$1"'
  return spawn('bash', ['-c', script, String(pid), workPath], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
}

function initScript(script: string, workPath: string): string {
  return `#!/bin/bash
export PATH=${quote(SEARCH_PATH)} LAB_MODULES=${quote(MODULES_PATH)}
export LAB_WORK=${WORK_PATH} LAB_RESULTS=${WORK_PATH}/results LAB_MACHINE_WORK=${quote(workPath)}
. ${quote(join(SHELL_PATH, 'base.sh'))}
. ${quote(join(SHELL_PATH, 'nfs.sh'))}
cd /run
(
set -eu
${script}
) </dev/null 2>&1
echo $? >"$LAB_WORK/status"
echo o >/proc/sysrq-trigger
sleep 60
`
}
