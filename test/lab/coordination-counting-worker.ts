/**
 * Counts in one number with other hosts, by one subject of the benchmark after the other:
 *
 *     coordination-counting-worker MOUNT_POINT HOST HOSTS MEETING LENGTH_MS TOOLS SUBJECT ...
 */
import { setTimeout } from 'node:timers/promises'
import type { Counter, Tally } from '../../bench/counting/counter.js'
import { openCounter } from '../../bench/counting/counters.js'
import { report } from './channel.js'
import { COUNTED_BY_CELL, entryOf, pathOf } from './coordination-counted.js'
import { meet, now } from './coordination-host.js'
import { LEAST_UPDATES, type CountedReport } from './coordination-plan.js'

/** How much longer the cell is counted in, if a busy machine needs that to do enough. */
const WAIT_MS = 50_000
const READ_ATTEMPTS = 30
const READ_PAUSE_MS = 100

const [mountPoint = '', host = '', hosts = '', meeting = '', lengthMs = '', tools = ''] =
  process.argv.slice(2)
const subjects = process.argv.slice(8)

const meetAt = (name: string): Promise<void> => meet(`${meeting}-${name}`, host, Number(hosts))

/** A plain file that another host has replaced is stale (ESTALE) for a while. */
async function read(counter: Counter): Promise<number | undefined> {
  for (let attempt = 1; attempt <= READ_ATTEMPTS; attempt += 1) {
    try {
      return await counter.read()
    } catch (error) {
      process.stderr.write(`${host}: ${String(error)}\n`)
      await setTimeout(READ_PAUSE_MS)
    }
  }
  return undefined
}

/** Counts for so long, and in the cell until enough was done. */
async function count(counter: Counter, subject: string, endMs: number): Promise<Tally> {
  let { added, failures } = await counter.addUntil(endMs)
  while (subject === COUNTED_BY_CELL && added < LEAST_UPDATES && now() < endMs + WAIT_MS) {
    const more = await counter.addUntil(now())
    added += more.added
    failures = [...failures, ...more.failures]
  }
  return { added, failures }
}

/** A program that counts may die of what it meets: that is no failure of the cell. */
function asFailure(error: unknown): Tally {
  return { added: 0, failures: [String(error)] }
}

for (const [i, subject] of subjects.entries()) {
  const counter = await openCounter(entryOf(subject), pathOf(mountPoint, subject), tools)
  await meetAt(`before-${i}`)
  const startMs = now()
  const tally = await count(counter, subject, startMs + Number(lengthMs)).catch(asFailure)
  const elapsedMs = now() - startMs
  await meetAt(`after-${i}`)
  const value = await read(counter)
  await counter.close()
  report({ kind: 'counted', subject, host, ...tally, elapsedMs, value } satisfies CountedReport)
}
