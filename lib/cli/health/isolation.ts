import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Answer, Message } from './messages.js'

/** For the process to start, which is not the store's fault. */
const START_MS = 30_000
/** For the process to say that it waited in vain. */
const PATIENCE_MS = 1000

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
  let timer: NodeJS.Timeout | undefined
  return new Promise<Answer>((resolve, reject) => {
    const problem = `${directory} did not answer within ${timeoutMs} ms`
    const giveUpAfter = (delayMs: number): void => {
      clearTimeout(timer)
      timer = setTimeout(() => resolve({ tookMs: timeoutMs, problem }), delayMs)
    }
    giveUpAfter(START_MS)
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    worker.on('message', (message: Message) => {
      if (message.kind === 'answer') resolve(message)
      else giveUpAfter(timeoutMs + PATIENCE_MS)
    })
    worker.once('error', reject)
    worker.once('exit', (code, name) => {
      reject(new Error(`the process that asked ended with ${name ?? code ?? 'nothing'}`))
    })
  }).finally(() => {
    clearTimeout(timer)
    worker.kill('SIGKILL')
    worker.unref()
  })
}
