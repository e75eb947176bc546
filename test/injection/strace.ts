/** strace, attached to a process that runs already. */
import { spawn } from 'node:child_process'

const ATTACH_TIMEOUT_MS = 10_000

/** One strace that looks at a process and all its threads. */
export interface Attached {
  /** Lets go of the process. */
  detach(): Promise<void>
}

/**
 * Attaches strace to a process.
 *
 * @param values - what to trace and to inject
 * @param logPath - a file for what it writes
 */
export async function attach(
  pid: number,
  values: readonly string[],
  logPath: string,
): Promise<Attached> {
  const tracer = spawn(
    'strace',
    ['-f', '-y', '-s', '0', '-o', logPath, ...values, '-p', `${pid}`],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  let said = ''
  const ended = new Promise<void>((resolve) => tracer.once('close', () => resolve()))
  const attached = new Promise<void>((resolve) => {
    tracer.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (said.includes(' attached')) resolve()
    })
  })
  const timer = setTimeout(() => tracer.kill('SIGKILL'), ATTACH_TIMEOUT_MS)
  await Promise.race([attached, ended])
  clearTimeout(timer)
  if (!said.includes(' attached')) throw new Error(`strace cannot attach: ${said}`)
  return {
    detach: async () => {
      tracer.kill('SIGINT')
      await ended
    },
  }
}
