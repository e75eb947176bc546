/**
 * Counts what cells, leases and queues cost on NFS, warm and uncontended:
 *
 *     coordination-rpc-worker MOUNT_POINT OTHER_HOSTS_MOUNT_POINT [TOOLS]
 *
 * and what others cost that change a value; those under flock where it is told where their
 * program is.
 */
import { setTimeout } from 'node:timers/promises'
import { openCounter } from '../../bench/counting/counters.js'
import { open } from '../../index.js'
import { report } from './channel.js'
import { COUNTED, COUNTED_BY_FLOCK, entryOf, pathOf } from './coordination-counted.js'
import type { CostReport } from './coordination-plan.js'
import { describeCounts, RpcCounter } from './rpc-counter.js'

/** What a store still does when a call has returned takes less. */
const CLEAN_UP_MS = 100

const [mountPoint = '', otherMountPoint = '', tools = ''] = process.argv.slice(2)
const counter = new RpcCounter(mountPoint)
const store = await open(`${mountPoint}/store`)
const other = await open(`${otherMountPoint}/store`)

type Step = () => Promise<unknown>
const nothing: Step = () => Promise.resolve()

async function count(name: string, call: Step, prepare: Step = nothing): Promise<void> {
  const callAndCleanUp: Step = async () => {
    await call()
    await setTimeout(CLEAN_UP_MS)
  }
  // Once without counting: then it is warm.
  await prepare()
  await callAndCleanUp()
  const counts = describeCounts(await counter.measure(callAndCleanUp, prepare))
  report({ kind: 'cost', name, counts } satisfies CostReport)
}

const cell = store.cell('cell')
const others = other.cell('cell')
let values = 0
const change: Step = () => others.update(() => `${(values += 1)}`)

await change()
await count('cell, read', () => cell.read())
await count('cell, read, just changed by another host', () => cell.read(), change)
await count('cell, update', () => cell.update(() => `${(values += 1)}`))
await count('lease and release', async () => (await store.lease('lease')).release())

const queue = store.queue('queue')
await count('queue, push', () => queue.push('body'))
const jobs = queue.consume()
await count('queue, claim and ack', async () => {
  const { value: job } = await jobs.next()
  if (job === undefined) throw new Error('there is no job')
  await job.text()
  await job.ack()
})
await jobs.return()
for (const name of [...COUNTED, ...(tools === '' ? [] : COUNTED_BY_FLOCK)]) {
  const counter = await openCounter(entryOf(name), pathOf(mountPoint, name), tools)
  await count(name, () => counter.addUntil(0))
  await counter.close()
}
await store.close()
await other.close()
