import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { plain } from '../support/plain.js'
import type { Answer, Job } from './jobs.js'

const ANSWER_TIMEOUT_MS = 20_000

/** The built worker, wherever this itself runs from. */
const here = import.meta.url.endsWith('.ts') ? '../../dist/test/injection/' : './'
const SCRIPT = fileURLToPath(new URL(`${here}worker-injected.js`, import.meta.url))

/** A process that does verbs for whoever injects errors into it. */
export class WorkerProcess {
  readonly #child: ChildProcess
  readonly #ready: Promise<unknown>
  readonly #exited: Promise<unknown>
  #stderr = ''

  constructor() {
    this.#child = spawn(...plain([process.execPath, SCRIPT]), {
      cwd: '/',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // One thread for all calls on the file system, so that they come in one order.
      env: { PATH: process.env['PATH'], UV_USE_IO_URING: '0', UV_THREADPOOL_SIZE: '1' },
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text))
    this.#exited = once(this.#child, 'close')
    this.#ready = this.#answer()
    this.#ready.catch(() => undefined)
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Resolves when it waits for work. */
  async ready(): Promise<void> {
    await this.#ready
  }

  /** Has a job done; undefined if the worker was killed over it. */
  async do<T>(job: Job): Promise<T | undefined> {
    await this.#ready
    const answer = this.#answer()
    this.#child.send(job)
    return (await answer) as T | undefined
  }

  async end(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }

  async #answer(): Promise<unknown> {
    const message = once(this.#child, 'message') as Promise<[Answer]>
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_resolve, reject) => {
      const error = new Error(`the worker does not answer: ${this.#stderr}`)
      timer = setTimeout(() => reject(error), ANSWER_TIMEOUT_MS)
    })
    try {
      const first = await Promise.race([message, this.#exited, late])
      const answer = (first as [Answer])[0]
      if (answer === null || typeof answer !== 'object') return this.#ended()
      if (answer.problem !== undefined) throw new Error(answer.problem)
      return answer.value
    } finally {
      clearTimeout(timer)
    }
  }

  #ended(): undefined {
    if (this.#child.signalCode === 'SIGKILL') return undefined
    throw new Error(`the worker ended with ${this.#child.exitCode}: ${this.#stderr}`)
  }
}
