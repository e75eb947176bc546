/**
 * Handing jobs over between processes: one adds them, several workers take them, and every job
 * is done by exactly one of them. Run it, and it starts its own workers.
 *
 * take is at most once: a worker that dies with a job in its hands takes the job with it. Where
 * that matters, let the producer add again what has no result after a while.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { open, type Store } from 'linkstore'

const WORKERS = 3
const JOBS = 60

await using store = await open('./jobs')
if (process.argv[2] === undefined) await produce(store)
else await work(store, process.argv[2])

async function produce(store: Store): Promise<void> {
  // So that the example can be run again.
  await store.clear()
  for (let number = 1; number <= JOBS; number += 1) {
    // A second producer that adds the same job is told false, and it is there once.
    await store.add(`job:${number}`, JSON.stringify({ number }))
  }
  const workers = Array.from({ length: WORKERS }, (_, index) =>
    fork(fileURLToPath(import.meta.url), [`worker-${index}`]),
  )
  const exits = await Promise.all(workers.map((worker) => once(worker, 'exit')))
  if (exits.some(([code]) => code !== 0)) throw new Error('a worker failed')

  let done = 0
  let sum = 0
  for await (const [, result] of store.entries({ prefix: 'result:' })) {
    done += 1
    sum += Number(result)
  }
  console.log(`${done} jobs done, sum ${sum}`) // => 60 jobs done, sum 73810
}

async function work(store: Store, name: string): Promise<void> {
  for await (const key of store.keys({ prefix: 'job:' })) {
    const job = await store.take(key)
    // Another worker was faster: the listing is weakly consistent, take is not.
    if (job === undefined) continue
    const { number } = JSON.parse(job.toString()) as { number: number }
    const isFirst = await store.add(`result:${number}`, String(number * number), {
      metadata: { worker: name },
    })
    if (!isFirst) throw new Error(`${key} was done twice`)
  }
}
