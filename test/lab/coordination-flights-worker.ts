/**
 * Asks for values that are made once, together with other hosts:
 *
 *     coordination-flights-worker ROOT HOST HOSTS MEETING_DIRECTORY KEYS READY_PATH
 *
 * At last for one that whoever begins to make it never finishes, until its lease is lost. Host a
 * is the first to begin, and says so by READY_PATH, for its cable to be pulled.
 */
import { existsSync, writeFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { open, StoreError } from '../../index.js'
import { report } from './channel.js'
import { meet, now } from './coordination-host.js'
import { CUT_KEY, type FlightEvent, type FlightReport } from './coordination-plan.js'

const LEASE_MS = 1500
const WORK_MS = 30
const WAIT_MS = 60_000

const [root = '', host = '', hosts = '', meetingPath = '', keys = '', readyPath = ''] =
  process.argv.slice(2)
const store = await open(root)
const events: FlightEvent[] = []

function note(kind: FlightEvent['kind'], key: string, what?: string): void {
  events.push({ host, kind, key, atMs: now(), ...(what !== undefined && { what }) })
}

async function ask(key: string, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  try {
    const bytes = await store.getOrCreate(
      key,
      async ({ signal }) => {
        note('begun', key)
        await work(signal)
        return `${key} by ${host}`
      },
      { leaseMs: LEASE_MS },
    )
    note('got', key, bytes.toString())
  } catch (error) {
    note('failed', key, error instanceof StoreError ? error.code : String(error))
  }
}

/** Does not end before the lease is lost. */
async function neverEnd(signal: AbortSignal): Promise<void> {
  writeFileSync(readyPath, '')
  await setTimeout(WAIT_MS, undefined, { signal }).catch(() => undefined)
  note('aborted', CUT_KEY)
  throw signal.reason
}

await meet(meetingPath, host, Number(hosts))
for (let i = 0; i < Number(keys); i += 1) await ask(`key ${i}`, () => setTimeout(WORK_MS))
if (host === 'a') await ask(CUT_KEY, neverEnd)
else while (!existsSync(readyPath)) await setTimeout(10)
await ask(CUT_KEY, () => setTimeout(WORK_MS))
await store.close()
report({ kind: 'flight', events } satisfies FlightReport)
