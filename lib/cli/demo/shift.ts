import type { Store, SyncStore } from '../../../index.js'
import type { Journal } from './journal.js'
import { look, lookSync, seal, type Look } from './look.js'
import { emptyTally, type Assignment } from './messages.js'
import { sha256Of, type Sample } from './samples.js'

/** What a worker works with. */
export interface Tools {
  readonly store: Store
  /** The same directory through the synchronous face, which is the faster for small values. */
  readonly syncStore: SyncStore
  readonly samples: readonly Sample[]
  readonly journal: Journal
}

/** One worker at work: the verbs of the store, each counted, checked and noted. */
export class Shift {
  readonly assignment: Assignment
  readonly startMs: number
  readonly tally = emptyTally()
  /** Own keys, with the SHA-256 that was acknowledged last. */
  readonly acknowledged = new Map<string, string>()
  /** The file stored last. */
  file = ''
  /** Whether it is time to stop. */
  over = false
  /** Settles when it is. */
  readonly end: Promise<void>
  readonly #tools: Tools

  constructor(assignment: Assignment, startMs: number, end: Promise<unknown>, tools: Tools) {
    this.assignment = assignment
    this.startMs = startMs
    this.end = end.then(() => void (this.over = true))
    this.#tools = tools
  }

  /** Overwrites a key that everybody overwrites, and reads it. */
  hitSync(key: string): void {
    const { syncStore } = this.#tools
    const sample = this.#sample()
    this.file = sample.name
    syncStore.set(key, sample.bytes, { metadata: seal(key, sample), durability: 'none' })
    this.tally.writes += 1
    this.#count(lookSync(syncStore, key))
  }

  /** Reads a key that always exists. */
  async read(key: string): Promise<Look> {
    return this.#count(await look(this.#tools.store, key))
  }

  /** Writes a key that is this worker's alone, and stays. */
  async keep(key: string): Promise<void> {
    this.acknowledged.set(key, await this.layOut(key))
  }

  /** Writes a key that nobody else writes, and notes what was acknowledged. */
  async layOut(key: string): Promise<string> {
    const { store, journal } = this.#tools
    const sample = this.#sample()
    journal.note('set', key, 'begun', sample.sha256)
    this.file = sample.name
    await store.set(key, sample.bytes, { metadata: seal(key, sample) })
    this.tally.writes += 1
    journal.note('set', key, 'done', sample.sha256)
    return sample.sha256
  }

  /** Races for a name. */
  async add(key: string): Promise<void> {
    const { store, journal } = this.#tools
    const sample = this.#sample()
    journal.note('add', key, 'begun', sample.sha256)
    const metadata = seal(key, sample)
    const won = await store.add(key, sample.bytes, { metadata, durability: 'none' })
    journal.note('add', key, won ? 'done' : 'refused', sample.sha256)
    this.tally.adds += 1
  }

  /** Reaches for a token. */
  async take(key: string): Promise<void> {
    const { store, journal } = this.#tools
    journal.note('take', key, 'begun')
    const value = await store.take(key, { durability: 'none' })
    if (value === undefined) journal.note('take', key, 'refused')
    else journal.note('take', key, 'done', sha256Of(value))
    this.tally.takes += 1
  }

  /** Lists the store: what exists all the time must be in it, and nothing twice. */
  async list(hotKeys: readonly string[]): Promise<void> {
    const expected = [...hotKeys, ...this.acknowledged.keys()]
    const seen = new Set<string>()
    for await (const key of this.#tools.store.keys()) {
      if (seen.has(key)) throw new Error(`a listing gave ${key} twice`)
      seen.add(key)
    }
    this.tally.listings += 1
    this.tally.looks += expected.length
    for (const key of expected) if (!seen.has(key)) this.tally.falseMisses += 1
  }

  #count(seen: Look): Look {
    this.tally.reads += 1
    this.tally.looks += 1
    if (seen.kind === 'absent') this.tally.falseMisses += 1
    if (seen.kind === 'torn') this.tally.torn += 1
    return seen
  }

  #sample(): Sample {
    return oneOf(this.#tools.samples)
  }
}

/** One of several, at random. */
export function oneOf<T>(choices: readonly T[]): T {
  return choices[Math.floor(Math.random() * choices.length)] as T
}
