/**
 * A process that counts, for `read-modify-write.ts`:
 *
 *     counting-worker SCRATCH_DIRECTORY
 */
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { now } from '../clock.js'
import { Unavailable } from '../unavailable.js'
import type { Counter } from './counter.js'
import { COUNTERS, openCounter } from './counters.js'
import type { Answer, Order, Turn } from './counting-process.js'

const [scratch = ''] = process.argv.slice(2)
const counters = new Map<number, Counter>()

async function obey(order: Order): Promise<unknown> {
  if (order.kind === 'open') return await openSubject(order.subject)
  if (order.kind === 'close') {
    for (const counter of counters.values()) await counter.close()
    return undefined
  }
  const counter = counters.get(order.subject)
  if (counter === undefined) throw new Error(`subject ${order.subject} is not open`)
  if (order.kind === 'read') return await counter.read()
  return await count(counter, order.startMs, order.endMs)
}

async function openSubject(subject: number): Promise<string | undefined> {
  const entry = COUNTERS[subject]
  if (entry === undefined) throw new Error(`there is no subject ${subject}`)
  try {
    counters.set(subject, await openCounter(entry, join(scratch, String(subject)), scratch))
    return undefined
  } catch (error) {
    if (error instanceof Unavailable) return error.message
    throw error
  }
}

async function count(counter: Counter, startMs: number, endMs: number): Promise<Turn> {
  await setTimeout(Math.max(0, startMs - now()))
  const begunMs = now()
  const tally = await counter.addUntil(endMs)
  return { ...tally, elapsedMs: now() - begunMs }
}

process.on('message', (order: Order) => {
  const answer = (message: Answer): void => void process.send?.(message)
  obey(order).then(
    (value) => answer({ value }),
    (error: unknown) => answer({ error: String(error) }),
  )
})
