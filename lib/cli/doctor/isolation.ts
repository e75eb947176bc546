import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Facts, ProbeOptions } from '../../doctor/index.js'
import { ABORT, type Message } from './messages.js'

/** Calls that hang hold a thread each; the others still need some. */
const THREADS = '8'
const PATIENCE_MS = 1000
const LONG_PATIENCE_MS = 10_000
const GRACE_MS = 50
/** More probes than this never run into their time: after two, the rest is left out. */
const LONGEST_IN_TIMEOUTS = 20

/**
 * Probes a directory in a process of its own. A program cannot end while one of its calls hangs
 * in the kernel, as calls do on a mount whose server is gone; that process is then left behind.
 */
export function gatherApart(
  directory: string,
  { timeoutMs, signal, onProbe }: ProbeOptions,
): Promise<Facts> {
  const path = fileURLToPath(new URL('./doctor-worker.js', import.meta.url))
  const worker = fork(path, [directory, String(timeoutMs)], {
    env: { ...process.env, UV_THREADPOOL_SIZE: THREADS },
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  return new Promise((resolve, reject) => {
    const timers: NodeJS.Timeout[] = []
    const end = (): void => {
      timers.forEach(clearTimeout)
      signal?.removeEventListener('abort', onAbort)
    }
    const giveUpAfter = (delayMs: number, reason: () => unknown): void => {
      const giveUp = (): void => {
        worker.kill('SIGKILL')
        worker.unref()
        reject(reason())
      }
      timers.push(setTimeout(giveUp, delayMs))
    }
    const onAbort = (): void => {
      if (worker.connected) worker.send(ABORT)
      // A probe and the cleaning up may each take their time, but somebody is waiting.
      giveUpAfter(Math.min(2 * timeoutMs, LONG_PATIENCE_MS) + PATIENCE_MS, () => stuck(directory))
    }
    if (signal?.aborted === true) onAbort()
    signal?.addEventListener('abort', onAbort, { once: true })
    giveUpAfter(LONGEST_IN_TIMEOUTS * timeoutMs + PATIENCE_MS, () => stuck(directory))
    worker.on('message', (message: Message) => {
      if (message.kind === 'probe') return onProbe?.(message.label)
      end()
      letGo(worker)
      if (message.kind === 'facts') resolve(message.facts)
      else reject(message.problem === undefined ? signal?.reason : new Error(message.problem))
    })
    worker.once('error', reject)
    worker.once('exit', (code, name) => {
      end()
      const problem = `the probes ended before their time, with ${name ?? code ?? 'nothing'}`
      // A signal to both that it was not ready for yet: this process hears of it in a moment.
      setTimeout(() => {
        reject(signal?.aborted === true ? signal.reason : new Error(problem))
      }, GRACE_MS)
    })
  })
}

/** It ends by itself, unless one of its calls hangs. */
function letGo(worker: ReturnType<typeof fork>): void {
  const timer = setTimeout(() => {
    worker.kill('SIGKILL')
    worker.unref()
  }, PATIENCE_MS)
  worker.once('exit', () => clearTimeout(timer))
}

function stuck(directory: string): Error {
  return new Error(
    `the file system of ${directory} does not answer; .tmp-* directories may be left there`,
  )
}
