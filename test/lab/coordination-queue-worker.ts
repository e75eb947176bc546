/**
 * Pushes jobs for `processes/worker-queue.ts`, and judges what became of them:
 *
 *     coordination-queue-worker push ROOT PUSHED_PATH COUNT
 *     coordination-queue-worker judge ROOT PUSHED_PATH JOURNAL ...
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { open } from '../../index.js'
import { judgeQueue, readQueueJournal } from '../processes/queue-judgement.js'
import { report } from './channel.js'
import type { QueueReport } from './coordination-plan.js'

/** Jobs that are pushed at once; their number is a multiple of it. */
const AT_ONCE = 10

const [step = '', root = '', pushedPath = '', ...values] = process.argv.slice(2)
const store = await open(root, { durability: 'none' })
const queue = store.queue('work')

async function push(count: number): Promise<void> {
  const pushed: [id: string, body: string][] = []
  while (pushed.length < count) {
    const bodies = Array.from({ length: AT_ONCE }, (_, i) => `job ${pushed.length + i}`)
    const ids = await Promise.all(bodies.map((body) => queue.push(body)))
    pushed.push(...bodies.map((body, i): [string, string] => [ids[i]!, body]))
  }
  writeFileSync(pushedPath, JSON.stringify(pushed))
}

async function judge(journals: readonly string[]): Promise<void> {
  const pushed = new Map(JSON.parse(readFileSync(pushedPath, 'utf8')) as [string, string][])
  const verdict = judgeQueue(pushed, journals.map(readQueueJournal))
  const counts = await queue.counts()
  report({ kind: 'queue', pushed: pushed.size, ...verdict, counts } satisfies QueueReport)
}

if (step === 'push') await push(Number(values[0]))
else await judge(values)
await store.close()
