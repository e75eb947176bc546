import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { open } from '../../index.js'
import { until } from '../support/coordination.js'
import { scratchDirectory } from '../support/surroundings.js'
import { startWorker, type Worker } from '../support/workers.js'
import { judgeCount, readLines, type Count, type TurnsFile } from './coordination-judgement.js'

const COUNTERS = 4
const COUNT_MS = 5000
const KILL_EVERY_MS = 300
const TURN_TAKERS = 7
const TURNS = 5
/** Long, for a turn that is held up for that long is a second holder's. */
const TTL_MS = 4000
const STOPPED_TTL_MS = 1000
const CREATORS = 6
const LEASE_MS = 1000

function startAs(t: Test, mode: string, ...values: (string | number)[]): Worker {
  return startWorker(t, 'processes/worker-coordination.js', [mode, ...values])
}

/** Processes that count, each replaced when it is killed. */
class Counters {
  readonly journals = new Map<string, string>()
  readonly errors: string[] = []
  kills = 0
  readonly #t: Test
  readonly #scratch: string
  readonly #endMs = performance.now() + COUNT_MS
  readonly #atWork = new Set<Worker>()

  constructor(t: Test, scratch: string) {
    this.#t = t
    this.#scratch = scratch
  }

  async run(): Promise<void> {
    const killing = this.#killNowAndThen()
    await Promise.all(Array.from({ length: COUNTERS }, () => this.#countOn()))
    await killing
  }

  async #countOn(): Promise<void> {
    while (performance.now() < this.#endMs) {
      const name = `process ${this.journals.size}`
      const journal = `${this.#scratch}/${name}`
      this.journals.set(name, journal)
      const leftMs = this.#endMs - performance.now()
      const worker = startAs(this.#t, 'count', `${this.#scratch}/store`, journal, name, leftMs)
      await worker.ready
      this.#atWork.add(worker)
      const { code, signal, stderr } = await worker.ended
      this.#atWork.delete(worker)
      if (code !== 0 && signal !== 'SIGKILL') this.errors.push(stderr)
    }
  }

  async #killNowAndThen(): Promise<void> {
    while (performance.now() < this.#endMs) {
      await setTimeout(KILL_EVERY_MS)
      const workers = [...this.#atWork]
      const victim = workers[Math.floor(Math.random() * workers.length)]
      if (victim?.process.kill('SIGKILL') === true) this.kills += 1
    }
  }
}

await t.test('no increment is lost or done twice while processes are killed', async (t) => {
  const scratch = await scratchDirectory(t)
  await using store = await open(`${scratch}/store`, { durability: 'none' })
  const counters = new Counters(t, scratch)
  await counters.run()
  t.same(counters.errors, [])
  const { value, generation } = await store.cell('counter').read()
  const counted = JSON.parse(value?.toString() ?? '{}') as Count
  const journals = new Map([...counters.journals].map(([name, path]) => [name, readLines(path)]))
  const { problems, acknowledged, unheard } = judgeCount(journals, counted, generation)
  t.same(problems, [])
  t.ok(unheard <= counters.kills)
  t.ok(counters.kills >= 3, `enough were killed: ${counters.kills}`)
  t.ok(acknowledged >= 50, `enough were made: ${acknowledged}`)
  t.comment(`${acknowledged} increments, ${unheard} unheard, ${counters.kills} kills`)
})

await t.test('processes take turns by a lock, and one that is stopped learns it', async (t) => {
  const scratch = await scratchDirectory(t)
  const [root, file] = [`${scratch}/store`, `${scratch}/file`]
  writeFileSync(file, JSON.stringify({ token: 0, turns: 0 }))
  const read = (): TurnsFile => JSON.parse(readFileSync(file, 'utf8')) as TurnsFile
  const stoppedJournal = `${scratch}/stopped`
  const how = [STOPPED_TTL_MS, file, TURNS] as const
  const stopped = startAs(t, 'stopped', root, stoppedJournal, 'stopped', ...how)
  await stopped.ready
  const [holds] = readLines(stoppedJournal)
  const others = Array.from({ length: TURN_TAKERS }, (_, index) => {
    const values = [`${scratch}/${index}`, `turns ${index}`, TTL_MS, file, TURNS]
    return startAs(t, 'turns', root, ...values)
  })
  await Promise.all(others.map(({ ready }) => ready))
  t.equal(read().turns, 0, 'nobody has a turn while it is held')
  stopped.process.kill('SIGSTOP')
  const isOver = (): boolean => existsSync(`${scratch}/0`) && nextTurn() !== undefined
  const journals = others.map((_, index) => `${scratch}/${index}`)
  const nextTurn = (): number | undefined =>
    journals
      .flatMap(readLines)
      .map(([, token]) => token)
      .sort((one, other) => one - other)[0]
  await until(isOver, 'another has its turn')
  stopped.process.kill('SIGCONT')
  for (const { ended } of [stopped, ...others]) t.match(await ended, { code: 0, stderr: '' })
  const [, lost] = readLines(stoppedJournal)
  const details = { told: 1, isHeld: 0, refused: 'LEASE_LOST' }
  t.same(lost, ['lost', holds?.[1], details], 'it was told once')
  t.ok(nextTurn()! > holds![1], 'and the next has a larger token')
  t.equal(read().turns, (TURN_TAKERS + 1) * TURNS, 'no turn was lost')
  const tokens = [stoppedJournal, ...journals]
    .flatMap(readLines)
    .flatMap(([step, token]) => (step === 'done' ? [token] : []))
  t.equal(new Set(tokens).size, tokens.length, 'no token was had twice')
  t.notOk(existsSync(`${file}.busy`))
})

await t.test('when the process that creates a value is killed one takes over', async (t) => {
  const scratch = await scratchDirectory(t)
  const journal = `${scratch}/journal`
  const workers = new Map<string, Worker>()
  for (let index = 0; index < CREATORS; index += 1) {
    const name = `creator ${index}`
    workers.set(name, startAs(t, 'create', `${scratch}/store`, journal, name, LEASE_MS))
  }
  await until(() => readLines(journal).length === 1, 'one creates it')
  await setTimeout(2 * LEASE_MS)
  t.equal(readLines(journal).length, 1, 'as long as it lives nobody else does')
  const [first] = readLines(journal)
  const creator = String(first?.[2]?.['name'])
  workers.get(creator)?.process.kill('SIGKILL')
  const beganMs = performance.now()
  workers.delete(creator)
  const outcomes = await Promise.all([...workers.values()].map(({ ended }) => ended))
  const tookMs = performance.now() - beganMs
  const lines = readLines(journal)
  t.equal(lines.length, 2, 'one takes over')
  for (const { code, stdout, stderr } of outcomes) {
    t.match({ code, stderr }, { code: 0, stderr: '' })
    t.equal(stdout, `by ${String(lines[1]?.[2]?.['name'])}\n`)
  }
  t.ok(tookMs < LEASE_MS * 15, `soon after its lease: ${tookMs} ms`)
})
