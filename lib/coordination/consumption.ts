import { randomInt } from 'node:crypto'
import { Job } from './job.js'
import type { HeldJob, JobSource } from './queue.js'

/** How jobs are consumed. */
export interface ConsumeHow {
  readonly signal: AbortSignal | undefined
  readonly concurrency: number
  readonly pollMs: number
  readonly maxAttempts: number
}

/** How long the end waits for a claim that is under way, before it leaves that to itself. */
const END_GRACE_MS = 1000

const MAX_TIMER_MS = 2 ** 31 - 1

/** Gives out jobs until it is ended; gives back then what is not settled. */
export async function* consume(
  begin: () => JobSource,
  how: ConsumeHow,
): AsyncGenerator<Job, void, undefined> {
  const { concurrency, pollMs, maxAttempts } = how
  if (how.signal?.aborted === true) return
  const source = begin()
  const bell = new Bell([source.closed, how.signal])
  const out = new Set<HeldJob>()
  try {
    while (!bell.isOver()) {
      const roomInMs = waitForRoom(out, concurrency)
      if (roomInMs > 0) {
        await bell.wait(roomInMs)
        continue
      }
      const found = await bell.unlessOver(source.next())
      if (found === undefined || bell.isOver()) return
      if (typeof found === 'number') {
        await bell.wait(Math.min(found, jitter(pollMs)))
      } else {
        out.add(found)
        yield new Job(found, maxAttempts, bell.ring)
      }
    }
  } finally {
    bell.dispose()
    await source.end()
  }
}

/** How long until another job may be given out, if none is settled before; forgets the others. */
function waitForRoom(out: Set<HeldJob>, concurrency: number): number {
  const nowMs = performance.now()
  // Whoever lets a lease run out has given the job up, and must not stop the rest.
  for (const job of out) if (job.isOver || job.leaseEndsMs <= nowMs) out.delete(job)
  if (out.size < concurrency) return 0
  return Math.max(1, Math.min(...[...out].map(({ leaseEndsMs }) => leaseEndsMs)) - nowMs)
}

/** Consumers that were started together do not look all at the same moment. */
function jitter(ms: number): number {
  return (ms * (512 + randomInt(1024))) / 1024
}

/**
 * Wakes who waits: when it is rung, and for good when one of its signals is aborted. A promise
 * for the end that all waits have part in would keep something of each of them.
 */
class Bell {
  readonly #signals: readonly AbortSignal[]
  #wake: (() => void) | undefined
  #onEnd: (() => void) | undefined
  #wasRung = false
  #isOver = false

  constructor(signals: readonly (AbortSignal | undefined)[]) {
    this.#signals = signals.filter((signal) => signal !== undefined)
    for (const signal of this.#signals) signal.addEventListener('abort', this.#end)
    if (this.#signals.some(({ aborted }) => aborted)) this.#end()
  }

  readonly ring = (): void => {
    this.#wasRung = true
    this.#wake?.()
  }

  /** Whether one of the signals was aborted. */
  isOver(): boolean {
    return this.#isOver
  }

  /** Waits until it is rung, or was since the last wait, but no longer than this. */
  async wait(ms: number): Promise<void> {
    if (!this.#wasRung && !this.#isOver) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(ms, MAX_TIMER_MS))
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    this.#wake = undefined
    this.#wasRung = false
  }

  /** What a promise gives; undefined when it is over and the promise does not settle by then. */
  async unlessOver<T>(promise: Promise<T>): Promise<T | undefined> {
    let timer: NodeJS.Timeout | undefined
    try {
      return await new Promise<T | undefined>((resolve, reject) => {
        promise.then(resolve, reject)
        this.#onEnd = () => (timer = setTimeout(resolve, END_GRACE_MS, undefined))
        if (this.#isOver) this.#onEnd()
      })
    } finally {
      this.#onEnd = undefined
      clearTimeout(timer)
    }
  }

  dispose(): void {
    for (const signal of this.#signals) signal.removeEventListener('abort', this.#end)
  }

  readonly #end = (): void => {
    if (this.#isOver) return
    this.#isOver = true
    this.#onEnd?.()
    this.#wake?.()
  }
}
