/** A process that calls, for `calling-process.ts`. */
import { setTimeout } from 'node:timers/promises'
import { now } from '../clock.js'
import { SUBJECTS } from '../subjects.js'
import type { Order, Reply } from './calling-process.js'
import { firstKeys, loadOf } from './load.js'
import type { Contestant, Cost } from './subject.js'

const WARM_UP_MS = 300

const contestants = new Map<number, Contestant>()

async function obey(order: Order): Promise<Cost | undefined> {
  if (order.kind === 'close') {
    for (const contestant of contestants.values()) await contestant.close()
    return undefined
  }
  if (order.kind === 'open') {
    const { entry, directory, valueBytes, keys } = order
    const load = loadOf(valueBytes, firstKeys(keys))
    const arena = { directory, tools: directory, load, isFilled: true }
    const contestant = await SUBJECTS[entry]?.contend(arena)
    if (contestant === undefined) return undefined
    // Several share the cores, so it would take them long to get their code compiled.
    await contestant.measure('get', 1, WARM_UP_MS)
    contestants.set(entry, contestant)
    return undefined
  }
  const { entry, operation, inFlight, startMs, durationMs } = order
  await setTimeout(Math.max(0, startMs - now()))
  return await contestants.get(entry)?.measure(operation, inFlight, durationMs)
}

process.on('message', (order: Order) => {
  const answer = (reply: Reply): void => void process.send?.(reply)
  obey(order).then(
    (value) => answer({ value }),
    (error: unknown) => answer({ error: String(error) }),
  )
})
