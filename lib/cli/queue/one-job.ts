import { setTimeout as sleep } from 'node:timers/promises'
import type { Job, Queue } from '../../../index.js'

const LOOK_MS = 100
const MAX_TIMER_MS = 2 ** 31 - 1

/** How one job is claimed. */
export interface OneJobHow {
  /** How long an empty queue may take to get one. */
  readonly waitMs: number
  readonly leaseMs: number
  readonly signal: AbortSignal
}

/**
 * Claims one job and lets `work` settle it; gives it back if that does not. Says whether there
 * was one.
 */
export async function withOneJob(
  queue: Queue,
  { waitMs, leaseMs, signal }: OneJobHow,
  work: (job: Job) => Promise<void>,
): Promise<boolean> {
  const endMs = performance.now() + waitMs
  // Each time it waits longer: the one that nobody else has may be on its way here.
  for (let lookMs = LOOK_MS; ; lookMs *= 2) {
    if (performance.now() >= endMs && (await isEmpty(queue, signal))) return false
    const leave = new AbortController()
    const found = new AbortController()
    const watching = leaveWhenEmpty(queue, Math.max(lookMs, endMs - performance.now()), {
      leave,
      signal: AbortSignal.any([signal, found.signal]),
    })
    for await (const job of queue.consume({
      leaseMs,
      signal: AbortSignal.any([signal, leave.signal]),
    })) {
      found.abort()
      await work(job)
      return true
    }
    signal.throwIfAborted()
    const failure = await watching
    if (failure !== undefined) throw failure
  }
}

/** Ends the consuming after some time, as soon as nothing is due; says what went wrong. */
async function leaveWhenEmpty(
  queue: Queue,
  afterMs: number,
  { leave, signal }: { readonly leave: AbortController; readonly signal: AbortSignal },
): Promise<unknown> {
  try {
    await sleep(Math.min(afterMs, MAX_TIMER_MS), undefined, { signal })
    while (!(await isEmpty(queue, signal))) await sleep(LOOK_MS, undefined, { signal })
    leave.abort()
    return undefined
  } catch (error) {
    if (signal.aborted) return undefined
    leave.abort()
    return error
  }
}

async function isEmpty(queue: Queue, signal: AbortSignal): Promise<boolean> {
  return (await queue.counts({ signal })).ready === 0
}
