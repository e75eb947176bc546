import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Answer } from './messages.js'

/** For the process to start; what it waits for has a time of its own. */
const START_MS = 3000

/**
 * Asks a store in a process of its own. A program cannot end while one of its calls hangs in the
 * kernel, as calls do on a mount whose server is gone; that process is then killed and left behind.
 */
export function askApart(
  directory: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Answer> {
  const path = fileURLToPath(new URL('./health-worker.js', import.meta.url))
  const worker = fork(path, [directory, String(timeoutMs)], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  return new Promise<Answer>((resolve, reject) => {
    const giveUp = (): void =>
      resolve({ tookMs: timeoutMs, problem: `${directory} did not answer within ${timeoutMs} ms` })
    const timer = setTimeout(giveUp, timeoutMs + START_MS)
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    worker.once('message', (answer: Answer) => resolve(answer))
    worker.once('error', reject)
    worker.once('exit', (code, name) => {
      clearTimeout(timer)
      reject(new Error(`the process that asked ended with ${name ?? code ?? 'nothing'}`))
    })
  }).finally(() => {
    worker.kill('SIGKILL')
    worker.unref()
  })
}
