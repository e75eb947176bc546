/**
 * Counts in a cell that other hosts count in, too, and reads it meanwhile:
 *
 *     coordination-cells-worker ROOT HOST HOSTS MEETING_DIRECTORY LENGTH_MS
 */
import { open, StoreError, type CellState } from '../../index.js'
import { report } from './channel.js'
import { meet, now } from './coordination-host.js'
import { LEAST_UPDATES, type CellCall, type CellReport } from './coordination-plan.js'

/** How long it takes for that at most, in milliseconds. */
const WAIT_MS = 50_000

const [root = '', host = '', hosts = '', meetingPath = '', lengthMs = ''] = process.argv.slice(2)

const store = await open(root)
// Two, as each remembers what it has read.
const counter = store.cell('counter')
const watched = store.cell('counter')
const calls: CellCall[] = []
let unknown = 0
let isOver = false
const failed: string[] = []

async function record(kind: CellCall['kind'], call: () => Promise<CellState>): Promise<void> {
  const called = now()
  try {
    const { generation, value } = await call()
    const returned = now()
    calls.push({ host, kind, generation, value: Number(value ?? 0), called, returned })
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    if (/^it is not known whether the change was made/.test(error.message)) unknown += 1
    else failed.push(`${kind}: ${error.code}: ${error.message}`)
  }
}

/** Until the time is over and, on a busy machine, enough of it was done. */
async function goOn(): Promise<void> {
  const updates = (): number => calls.filter(({ kind }) => kind === 'update').length
  while (now() < endMs || (updates() < LEAST_UPDATES && now() < endMs + WAIT_MS)) {
    await record('update', add)
  }
  isOver = true
}

async function readOn(): Promise<void> {
  while (!isOver) await record('read', () => watched.read())
}

const add = (): Promise<CellState> => counter.update((current) => String(Number(current ?? 0) + 1))

await meet(meetingPath, host, Number(hosts))
const endMs = now() + Number(lengthMs)
await Promise.all([goOn(), readOn()])
// All have ended: now the last value must be there.
await meet(`${meetingPath}-after`, host, Number(hosts))
await record('read', () => watched.read())
await store.close()
report({ kind: 'cell', calls, unknown, failed } satisfies CellReport)
