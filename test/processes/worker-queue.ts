/**
 * Works off a queue until it is empty, and writes down what it does: each line is with the kernel
 * before the worker goes on, so a SIGKILL takes none away.
 *
 *     worker-queue ROOT JOURNAL LEASE_MS CONCURRENCY [START]
 *
 * It takes no job before there is a file START.
 */
import { existsSync, openSync, writeSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { open, StoreError, type Job } from '../../index.js'
import type { QueueLine, QueueStep } from './queue-judgement.js'

/** The work of a job takes up to this, on average half of it. */
const WORK_MS = 6
/** After this long without a job it looks whether there are any left. */
const IDLE_MS = 250
const START_POLL_MS = 10

const [root = '', journalPath = '', leaseMs, concurrency, startPath] = process.argv.slice(2)
const journal = openSync(journalPath, 'a')
let lastJobMs = performance.now()

function note(step: QueueStep, job: Job, body?: string): void {
  const line: QueueLine = [step, job.id, body ?? '']
  writeSync(journal, `${JSON.stringify(line)}\n`)
}

async function work(job: Job): Promise<void> {
  const body = await job.text()
  note('began', job, body)
  await setTimeout(Math.random() * WORK_MS)
  note('asked', job)
  try {
    await job.ack()
    note('acknowledged', job)
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'LEASE_LOST') throw error
    note('lost', job)
  }
  lastJobMs = performance.now()
}

await using store = await open(root, { durability: 'none' })
const queue = store.queue('work', { maxAttempts: 1000 })
process.stdout.write('ready\n')
while (startPath !== undefined && !existsSync(startPath)) await setTimeout(START_POLL_MS)
const stop = new AbortController()
lastJobMs = performance.now()
const watching = setInterval(() => {
  if (performance.now() - lastJobMs < IDLE_MS) return
  void queue.size().then((size) => {
    if (size === 0) stop.abort()
  })
}, IDLE_MS)
const how = {
  leaseMs: Number(leaseMs),
  concurrency: Number(concurrency),
  pollMs: 50,
  signal: stop.signal,
}
const working = new Set<Promise<void>>()
for await (const job of queue.consume(how)) {
  // What goes wrong here ends the process, and fails the test.
  const done = work(job).finally(() => working.delete(done))
  working.add(done)
}
clearInterval(watching)
await Promise.all(working)
