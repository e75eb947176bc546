/** What a test knows of a store in a guest: what it was told, and how that is to be judged. */
import type { Durability } from '../../index.js'
import { judge, type Change, type Contents } from './power-cut-judge.js'
import type { Report, State } from './power-cut-plan.js'

export const DURABILITIES = ['full', 'file', 'none'] as const

/** One store from one boot of its guest to the next. */
export class StoreRecord {
  readonly changes = new Map<number, Change>()
  /** What was there when the guest was booted, and so before the changes. */
  found: State | undefined
  isClosed = false

  /** Takes in what the guest reports. */
  take(told: Report): void {
    if (told.kind === 'state') this.found = told.state
    if (told.kind === 'began') this.changes.set(told.index, { ...told, isAcknowledged: false })
    if (told.kind === 'acknowledged') this.changes.get(told.index)!.isAcknowledged = true
    if (told.kind === 'closed') this.isClosed = true
  }

  /** The keys that may be there. */
  keys(): string[] {
    const changed = [...this.changes.values()].map(({ key }) => key)
    return [...new Set([...this.before().keys(), ...changed])]
  }

  before(): Contents {
    return new Map(this.found?.contents)
  }

  /** The record of a moment at which only these changes had been acknowledged. */
  asOf(acknowledged: ReadonlySet<string>): StoreRecord {
    const record = new StoreRecord()
    record.found = this.found
    for (const [index, change] of this.changes) {
      record.changes.set(index, { ...change, isAcknowledged: acknowledged.has(String(index)) })
    }
    return record
  }
}

/** One row of the table: what cuts have done to the stores of one durability. */
export class Tally {
  cuts = 0
  acknowledged = 0
  lost = 0
  corrupt = 0
  /** How many of the cuts show that the store is no `full` one. */
  notFull = 0
  readonly faults: string[] = []

  constructor(
    readonly fileSystem: string,
    readonly durability: Durability,
  ) {}

  /** Judges one cut, by what was known before it and what was found after it. */
  add(record: StoreRecord, after: State): void {
    const contents = new Map(after.contents)
    const changes = [...record.changes.values()]
    const verdict = judge(this.durability, record.before(), changes, contents)
    this.cuts += 1
    this.acknowledged += verdict.acknowledged
    this.lost += verdict.lost.length
    this.corrupt += verdict.corrupt
    this.notFull += judge('full', record.before(), changes, contents).faults.length > 0 ? 1 : 0
    this.faults.push(...verdict.faults, ...after.contradictions)
  }
}
