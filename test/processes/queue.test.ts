import { setTimeout } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { open, type Queue } from '../../index.js'
import { scratchDirectory } from '../support/surroundings.js'
import { startWorker, type Worker } from '../support/workers.js'
import { judgeQueue, readQueueJournal, type QueueLine } from './queue-judgement.js'

const JOBS = 10_000
const PROCESSES = 4
const CONCURRENCY = 4
const LEASE_MS = 1000
const KILL_EVERY_MS = 1000
/** Many times what it takes. */
const DEADLINE_MS = 300_000

/** Pushes jobs; gives their ids and bodies. */
async function pushAll(queue: Queue): Promise<Map<string, string>> {
  const pushed = new Map<string, string>()
  for (let first = 0; first < JOBS; first += 100) {
    const bodies = Array.from({ length: 100 }, (_, index) => `job ${first + index}`)
    const ids = await Promise.all(bodies.map((body) => queue.push(body)))
    for (const [index, id] of ids.entries()) pushed.set(id!, bodies[index]!)
  }
  return pushed
}

/** Processes that work off the queue, each replaced when it is killed. */
class Workforce {
  readonly #t: Test
  readonly #scratch: string
  readonly #atWork = new Set<Worker>()
  readonly errors: string[] = []
  readonly journals: string[] = []
  kills = 0
  #isLate = false

  constructor(t: Test, scratch: string) {
    this.#t = t
    this.#scratch = scratch
  }

  async work(): Promise<void> {
    const working = Promise.all(Array.from({ length: PROCESSES }, () => this.#workOn()))
    const done = new AbortController()
    const killing = this.#killNowAndThen(done.signal)
    await working
    done.abort()
    await killing
  }

  async #workOn(): Promise<void> {
    for (;;) {
      const journal = `${this.#scratch}/journal-${this.journals.length}`
      this.journals.push(journal)
      const values = [`${this.#scratch}/store`, journal, LEASE_MS, CONCURRENCY]
      const worker = startWorker(this.#t, 'processes/worker-queue.js', values, {
        timeoutMs: DEADLINE_MS,
      })
      await worker.ready
      this.#atWork.add(worker)
      const { code, signal, stderr } = await worker.ended
      this.#atWork.delete(worker)
      if (this.#isLate) return
      if (signal === 'SIGKILL') continue
      if (code !== 0) this.errors.push(stderr)
      return
    }
  }

  async #killNowAndThen(signal: AbortSignal): Promise<void> {
    const deadlineMs = performance.now() + DEADLINE_MS
    for (;;) {
      await setTimeout(KILL_EVERY_MS, undefined, { signal }).catch(() => undefined)
      if (signal.aborted) return
      if (performance.now() > deadlineMs) {
        this.#isLate = true
        this.errors.push('the jobs are not done, and will not be')
        for (const worker of this.#atWork) worker.process.kill('SIGKILL')
        return
      }
      const workers = [...this.#atWork]
      const victim = workers[Math.floor(Math.random() * workers.length)]
      if (victim?.process.kill('SIGKILL') === true) this.kills += 1
    }
  }
}

const title = `${JOBS} jobs through ${PROCESSES} processes, one of them killed every second`
await t.test(title, async (t) => {
  const scratch = await scratchDirectory(t)
  await using store = await open(`${scratch}/store`, { durability: 'none' })
  const queue = store.queue('work')
  const pushedMs = performance.now()
  const pushed = await pushAll(queue)
  const beganMs = performance.now()
  const workforce = new Workforce(t, scratch)
  await workforce.work()
  const tookMs = performance.now() - beganMs
  t.same(workforce.errors, [], 'no worker failed')
  t.same(await queue.counts(), { ready: 0, delayed: 0, claimed: 0, dead: 0 }, 'all are done')
  const journals: QueueLine[][] = workforce.journals.map(readQueueJournal)
  const verdict = judgeQueue(pushed, journals)
  const { acknowledged, unheard, repeated, refused, problems } = verdict
  t.same(problems.slice(0, 20), [], 'none is lost, none is acknowledged twice')
  t.equal(acknowledged + unheard, JOBS)
  t.ok(unheard <= workforce.kills * CONCURRENCY, 'each of these had a worker that was killed')
  t.ok(workforce.kills >= 5, 'enough were killed')
  const perSecond = (ms: number): string => ((JOBS / ms) * 1000).toFixed(0)
  t.comment(`pushed ${perSecond(beganMs - pushedMs)}, done ${perSecond(tookMs)} per second`)
  t.comment(`${workforce.kills} kills, ${repeated} attempts repeated, ${refused} too late`)
  t.comment(`${unheard} acknowledged by workers that did not live to hear it`)
})
