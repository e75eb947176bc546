import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { plain } from './plain.js'

/** The built package, which the processes that tests start run with plain node. */
export const DIST_PATH = fileURLToPath(new URL('../../dist', import.meta.url))

/** How a worker is started. */
export interface WorkerOptions {
  /** A command that runs the worker, such as `['strace', '-f']`; node and its script follow it. */
  readonly wrapper?: readonly string[]
  /** Where the built package lies, if it was copied. */
  readonly distPath?: string
  readonly uid?: number
  readonly gid?: number
  /** Killed after this long, which fails the test. */
  readonly timeoutMs?: number
}

/** How a worker ended. */
export interface Outcome {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A process that runs one of the worker scripts beside the tests. */
export interface Worker {
  readonly process: ChildProcess
  /** Resolves when it has written its first line: it is at work. */
  readonly ready: Promise<void>
  readonly ended: Promise<Outcome>
}

/**
 * Starts a worker script; it does not outlive the test.
 *
 * @param script - its path below `dist/test`, such as `processes/worker-mixed.js`
 */
export function startWorker(
  t: Test,
  script: string,
  values: readonly (string | number)[],
  options: WorkerOptions = {},
): Worker {
  const { wrapper = [], distPath = DIST_PATH, uid, gid, timeoutMs = 120_000 } = options
  const command = [process.execPath, `${distPath}/test/${script}`, ...values.map(String)]
  const child = spawn(...plain([...wrapper, ...command]), {
    stdio: ['ignore', 'pipe', 'pipe'],
    // Every file-system call visible to strace.
    env: { PATH: process.env['PATH'], UV_USE_IO_URING: '0' },
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
  })
  t.teardown(() => child.kill('SIGKILL'))
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text))
  const ended = new Promise<Outcome>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, ...output }))
  })
  const firstLine = new Promise<void>((resolve) => child.stdout.once('data', () => resolve()))
  return { process: child, ready: Promise.race([firstLine, ended.then(() => undefined)]), ended }
}

/** The result of a worker that was started: the last line it wrote, as JSON. */
export async function resultOf(worker: Worker): Promise<unknown> {
  const { code, signal, stdout, stderr } = await worker.ended
  if (code !== 0) throw new Error(`the worker ended with ${signal ?? code}: ${stderr}`)
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as unknown
}

/** Runs a worker script to its end and gives its result. */
export async function runWorker(
  t: Test,
  script: string,
  values: readonly (string | number)[],
  options?: WorkerOptions,
): Promise<unknown> {
  return await resultOf(startWorker(t, script, values, options))
}
