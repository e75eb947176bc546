import t, { type Test } from 'tap'
import { readdirSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { openSync, type SyncStore } from '../../index.js'
import { scratchDirectory } from '../support/surroundings.js'
import { startWorker, type Worker } from '../support/workers.js'
import { readJournal, type Entry } from './journal.js'
import * as judgement from './judgement.js'
import { ALL_KEYS, SLOTS, STEADY_KEYS } from './mixed-keys.js'
import { stampedValue, stampOf } from './stamp.js'

const OPERATIONS = 5000
const MAX_KILLS = 60
const SEED = Number(process.env['LINKSTORE_TEST_SEED'] ?? Date.now() % 2 ** 31)
/** Who wrote what was there at the start. */
const NOBODY = 99

/** Eight processes, each replaced when it is killed, until all have done their operations. */
class Crowd {
  readonly #t: Test
  readonly #scratch: string
  readonly #atWork = new Map<number, Worker>()
  readonly errors: string[] = []
  kills = 0

  constructor(t: Test, scratch: string) {
    this.#t = t
    this.#scratch = scratch
  }

  async work(): Promise<void> {
    const slots = Array.from({ length: SLOTS }, (_, slot) => this.#workIn(slot))
    let done = false
    const killing = (async () => {
      while (!done && this.kills < MAX_KILLS) await this.#killOne()
    })()
    await Promise.all(slots)
    done = true
    await killing
  }

  entries(): Entry[] {
    const slots = Array.from({ length: SLOTS }, (_, slot) => slot)
    return slots.flatMap((slot) => readJournal(this.#journal(slot), slot))
  }

  #journal(slot: number): string {
    return `${this.#scratch}/journal-${slot}`
  }

  async #workIn(slot: number): Promise<void> {
    const face = slot % 2 === 0 ? 'sync' : 'async'
    for (;;) {
      const values = [`${this.#scratch}/store`, this.#journal(slot), slot, OPERATIONS, SEED, face]
      const worker = startWorker(this.#t, 'processes/worker-mixed.js', values)
      await worker.ready
      this.#atWork.set(slot, worker)
      const { code, signal, stderr } = await worker.ended
      this.#atWork.delete(slot)
      if (signal === 'SIGKILL') continue
      if (code !== 0) this.errors.push(stderr)
      return
    }
  }

  async #killOne(): Promise<void> {
    await setTimeout(50 + Math.random() * 400)
    const workers = [...this.#atWork.values()]
    const victim = workers[Math.floor(Math.random() * workers.length)]
    if (victim?.process.kill('SIGKILL') === true) this.kills += 1
  }
}

function fill(store: SyncStore): judgement.Final {
  const stamps = new Map<string, string>()
  for (const [index, key] of STEADY_KEYS.entries()) {
    store.set(key, stampedValue(NOBODY, index))
    stamps.set(key, `${NOBODY}.${index}`)
  }
  return stamps
}

function stampsIn(store: SyncStore): judgement.Final {
  const stampIn = (key: string): string | null => {
    const value = store.get(key)
    return value === undefined ? null : stampOf(value)
  }
  return new Map(ALL_KEYS.map((key) => [key, stampIn(key)]))
}

const title = `${SLOTS} processes, killed at random, keep every promise of ${ALL_KEYS.length} keys`
await t.test(title, async (t) => {
  t.comment(`seed ${SEED}; set LINKSTORE_TEST_SEED for the same operations`)
  const scratch = await scratchDirectory(t)
  using store = openSync(`${scratch}/store`, { durability: 'none' })
  const first = fill(store)
  const crowd = new Crowd(t, scratch)
  await crowd.work()
  t.strictSame(crowd.errors, [], 'no operation failed')
  const entries = crowd.entries()
  const final = stampsIn(store)
  const doubtful = entries.filter(({ endedUs }) => endedUs === undefined)
  t.comment(`${entries.length} operations, ${crowd.kills} kills, ${doubtful.length} in doubt`)
  t.equal(entries.length, SLOTS * OPERATIONS)
  t.ok(crowd.kills >= 10, 'enough processes were killed')
  t.strictSame(judgement.judgeReads(entries), [], 'nothing torn, no false miss')
  t.strictSame(judgement.judgeSteady(entries, first, final), [], 'nothing stale')
  t.strictSame(judgement.judgeLogs(entries), [], 'nothing goes backwards')
  for (const slot of Array(SLOTS).keys()) {
    t.strictSame(
      judgement.judgeOwn(slot, entries, final),
      [],
      `what process ${slot} wrote is there`,
    )
  }
  t.strictSame(judgement.judgeTokens(entries, final), [], 'each token is had once')
  t.strictSame(judgement.judgeRaces(entries, final), [], 'each race has one winner')

  const present = [...final.values()].filter((stamp) => stamp !== null)
  t.match(store.verify(), { objects: present.length, findings: [] }, 'all objects are sound')
  const instances = readdirSync(`${scratch}/store/.tmp`, { withFileTypes: true })
  const isInstance = /^[A-Za-z0-9.-]+-[0-9a-f]{32}$/
  t.ok(instances.every((entry) => entry.isDirectory() && isInstance.test(entry.name)))
  t.ok(instances.length <= crowd.kills + 1, 'only killed processes left private directories')
})
