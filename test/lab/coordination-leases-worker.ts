/**
 * Takes turns with other hosts at a lease, and writes down when it holds it:
 *
 *     coordination-leases-worker ROOT HOST HOSTS MEETING_DIRECTORY LENGTH_MS [READY_PATH]
 *
 * With READY_PATH, the host is one whose cable is to be pulled: after some turns it holds the
 * lease until it learns that it has lost it, and then takes part again. All go on until each has
 * had some turns, a host that was cut off after that: none can have them only when others are
 * through.
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { open, StoreError } from '../../index.js'
import { report } from './channel.js'
import { meet, now } from './coordination-host.js'
import type { LeaseEvent, LeaseReport } from './coordination-plan.js'

const TTL_MS = 2000
const MOST_HELD_MS = 40
const LEAST_TURNS = 3
const WAIT_MS = 60_000

const [root = '', host = '', hosts = '', meetingPath = '', lengthMs = '', readyPath] =
  process.argv.slice(2)
const store = await open(root)
const events: LeaseEvent[] = []

function note(kind: LeaseEvent['kind'], token: number, code?: string): void {
  events.push({ host, kind, token, atMs: now(), ...(code !== undefined && { code }) })
}

/** Holds the lease for a while; says whether it was held to the end. */
async function holdOnce(work: (signal: AbortSignal) => Promise<void>): Promise<boolean> {
  let isLost = false
  let token = 0
  const onLost = ({ code }: StoreError): void => {
    isLost = true
    note('lost', token, code)
  }
  const lease = await store.lease('turn', { ttlMs: TTL_MS, onLost })
  token = lease.token
  note('begun', token)
  await work(lease.signal)
  if (!isLost) note('ended', token)
  try {
    await lease.release()
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    note('release rejected', token, error.code)
    return false
  }
  return true
}

async function takeTurn(): Promise<void> {
  await holdOnce(() => setTimeout(Math.random() * MOST_HELD_MS))
}

/** A lease's own timers do not keep a process alive. */
async function untilLost(signal: AbortSignal): Promise<void> {
  await setTimeout(WAIT_MS, undefined, { signal }).catch(() => undefined)
}

await meet(meetingPath, host, Number(hosts))
const beganMs = now()
const servedPath = `${meetingPath}-served`
mkdirSync(servedPath, { recursive: true })
if (readyPath !== undefined) {
  while (now() < beganMs + Number(lengthMs) / 4) await takeTurn()
  await holdOnce(async (signal) => {
    writeFileSync(readyPath, '')
    await untilLost(signal)
  })
}
const hasTime = (): boolean => now() < beganMs + Number(lengthMs)
const isServed = (): boolean => readdirSync(servedPath).length === Number(hosts)
for (let turns = 1; (hasTime() || !isServed()) && now() < beganMs + WAIT_MS; turns += 1) {
  await takeTurn()
  if (turns === LEAST_TURNS) writeFileSync(`${servedPath}/${host}`, '')
}
await store.close()
report({ kind: 'lease', events } satisfies LeaseReport)
