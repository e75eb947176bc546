/** Work that goes on while something breaks, and that knows what must come of it. */
import { setTimeout } from 'node:timers/promises'
import { StoreError, type Store } from '../../index.js'

/** What came of the work. */
export interface LaneReport {
  /** How many calls of each verb have succeeded. */
  readonly done: Readonly<Record<string, number>>
  /** What must never be, in words. */
  readonly wrong: readonly string[]
  /** The codes of the errors that calls failed with, each with its verb. */
  readonly failed: readonly string[]
  /** The longest that a call took. */
  readonly slowestMs: number
  /** How often `delete` said that there was nothing where there was something. */
  readonly denials: number
}

const OWNERS = 4
const READERS = 2
const LARGE_BYTES = 300_000
const RETRY_MS = 100

/** Lanes of calls on one store, each of which makes one call after the other. */
export class Lanes {
  readonly #store: Store
  readonly #done: Record<string, number> = {}
  readonly #wrong: string[] = []
  readonly #failed = new Set<string>()
  readonly #rounds: number[] = []
  #running: Promise<unknown> | undefined
  #slowestMs = 0
  #denials = 0
  #isOver = false
  /** The last value of the shared key that was begun, and the last that was acknowledged. */
  #begun = 0
  #acknowledged = 0

  constructor(store: Store) {
    this.#store = store
  }

  /** Begins; `end` ends it. */
  async start(): Promise<void> {
    await this.#share()
    const lanes = [
      ...Array.from({ length: OWNERS }, (_, i) => this.#own(`owned ${i}`)),
      ...Array.from({ length: READERS }, () => () => this.#read()),
      () => this.#share(),
      () => this.#large(),
    ]
    this.#running = Promise.all(lanes.map((round, lane) => this.#repeat(lane, round)))
  }

  /** Resolves when each lane has gone round so often again. */
  async progress(rounds: number): Promise<void> {
    const goals = this.#rounds.map((count) => count + rounds)
    while (this.#rounds.some((count, lane) => count < goals[lane]!)) await setTimeout(RETRY_MS)
  }

  /** Ends, when what is under way has ended. */
  async end(): Promise<LaneReport> {
    this.#isOver = true
    await this.#running
    return {
      done: this.#done,
      wrong: this.#wrong.slice(0, 10),
      failed: [...this.#failed],
      slowestMs: Math.round(this.#slowestMs),
      denials: this.#denials,
    }
  }

  async #repeat(lane: number, round: () => Promise<void>): Promise<void> {
    this.#rounds[lane] = 0
    while (!this.#isOver) {
      try {
        await round()
        this.#rounds[lane] += 1
      } catch (error) {
        if (!(error instanceof StoreError)) throw error
        this.#failed.add(`${error.operation} ${error.code}`)
        await setTimeout(RETRY_MS)
      }
    }
  }

  /** One key that nobody else touches. A round that fails leaves it in whatever state. */
  #own(key: string): () => Promise<void> {
    let count = 0
    return async () => {
      const store = this.#store
      const value = `${key} ${(count += 1)}`
      await this.#call('set', () => store.set(key, value))
      this.#expect('get', text(await this.#call('get', () => store.get(key))), value)
      this.#expect('add', await this.#call('add', () => store.add(key, 'other')), false)
      this.#expect('take', text(await this.#call('take', () => store.take(key))), value)
      this.#expect('get', text(await this.#call('get', () => store.get(key))), undefined)
      this.#expect('add', await this.#call('add', () => store.add(key, value)), true)
      this.#expect('has', await this.#call('has', () => store.has(key)), true)
      const removed = await this.#call('delete', () => store.delete(key))
      if (!removed) this.#denials += 1
      this.#expect('has', await this.#call('has', () => store.has(key)), false)
    }
  }

  async #share(): Promise<void> {
    const number = (this.#begun += 1)
    await this.#call('set', () => this.#store.set('shared', `${number}`))
    this.#acknowledged = number
  }

  async #read(): Promise<void> {
    const least = this.#acknowledged
    const value = text(await this.#call('get', () => this.#store.get('shared')))
    const isRight = value !== undefined && Number(value) >= least && Number(value) <= this.#begun
    if (!isRight) this.#wrong.push(`get: ${value}, not from ${least} to ${this.#begun}`)
  }

  async #large(): Promise<void> {
    const value = Buffer.alloc(LARGE_BYTES, `${this.#begun} `)
    await this.#call('set', () => this.#store.set('large', value))
    const found = await this.#call('get', () => this.#store.get('large'))
    if (found?.equals(value) !== true) this.#wrong.push('get: not the large value that was set')
  }

  async #call<T>(verb: string, call: () => Promise<T>): Promise<T> {
    const startMs = performance.now()
    const result = await call()
    this.#slowestMs = Math.max(this.#slowestMs, performance.now() - startMs)
    this.#done[verb] = (this.#done[verb] ?? 0) + 1
    return result
  }

  #expect(verb: string, found: unknown, expected: unknown): void {
    if (found !== expected) this.#wrong.push(`${verb}: ${String(found)}, not ${String(expected)}`)
  }
}

function text(value: Buffer | undefined): string | undefined {
  return value?.toString()
}
