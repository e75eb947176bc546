/** The program each worker process of the demo runs. */
import { open, openSync } from '../../../index.js'
import { Journal } from './journal.js'
import { work } from './lanes.js'
import type { Assignment, Order, Report } from './messages.js'
import { collectSamples } from './samples.js'
import { Shift } from './shift.js'

const REPORT_EVERY_MS = 200

// Ctrl-C reaches every process of the terminal; the demo itself decides what becomes of it.
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined)
// Without the demo there is nobody to work for.
process.on('disconnect', () => process.exit(1))

const assignment = JSON.parse(process.argv[2] ?? '') as Assignment
const store = await open(assignment.directory)
const syncStore = openSync(assignment.directory)
const samples = await collectSamples()
const journal = new Journal(assignment.journal)
const stopping = waitFor('stop')
const starting = waitFor('start')
await report({ kind: 'ready' })
const start = await starting

const shift = new Shift(assignment, start.startMs, stopping, { store, syncStore, samples, journal })
const reporting = setInterval(() => void reportTally(), REPORT_EVERY_MS)
await attempt(() => work(shift))
await attempt(() => store.close())
await attempt(() => syncStore.close())
clearInterval(reporting)
journal.close()
await reportTally()
process.exit(0)

async function attempt(task: () => Promise<void> | void): Promise<void> {
  try {
    await task()
  } catch (error) {
    await report({ kind: 'problem', message: String(error) })
  }
}

async function reportTally(): Promise<void> {
  await report({ kind: 'tally', tally: shift.tally, file: shift.file })
}

function report(message: Report): Promise<void> {
  return new Promise((resolve) => process.send?.(message, () => resolve()))
}

function waitFor<K extends Order['kind']>(kind: K): Promise<Extract<Order, { kind: K }>> {
  return new Promise((resolve) => {
    process.on('message', (order: Order) => {
      if (order.kind === kind) resolve(order as Extract<Order, { kind: K }>)
    })
  })
}
