/**
 * Leases in every order of the steps of their contenders: never do two of them take a lease for
 * their own at a time, by the clock of each.
 */
import t from 'tap'
import { Contender } from '../../lib/coordination/holding.js'
import type { Generation } from '../../lib/protocol/cell.js'
import { exploreLeases, TICK_MS, type LeaseScenario } from './lease-exploration.js'
import { IS_DEEP } from './survey.js'

const SCENARIO: LeaseScenario = {
  contenders: 2,
  tries: 3,
  ttlMs: 2 * TICK_MS,
  ticks: IS_DEEP ? 4 : 3,
  aheadMs: [0, 1000],
  lostAnswers: 0,
  kills: 0,
  countsFrom: 'ask',
  makeContender: (holder, ttlMs) => new Contender(holder, ttlMs),
}

const CASES: Readonly<Record<string, Partial<LeaseScenario>>> = {
  'two contenders': {},
  'two, one of which dies': { kills: 1 },
  'two, an answer of which is lost': { lostAnswers: 1, ticks: IS_DEEP ? 3 : 2 },
  ...(IS_DEEP && {
    'three contenders': { contenders: 3, tries: 2, ticks: 2, aheadMs: [0, 1000, -1000] },
  }),
}

for (const [name, changes] of Object.entries(CASES)) {
  await t.test(`a lease has one holder at a time: ${name}`, async (t) => {
    const { states, got, taken, violation } = exploreLeases({ ...SCENARIO, ...changes })
    t.equal(violation, undefined)
    t.ok(got > 0 && taken > 0, 'it was got, and taken from those whose time was over')
    t.comment(`${states.toLocaleString('en')} states`)
  })
}

/** A contender that counts from before it looked. */
class HastyContender extends Contender {
  readonly #now: () => number
  #beforeMs: number

  constructor(holder: string, ttlMs: number, now: () => number) {
    super(holder, ttlMs)
    this.#now = now
    this.#beforeMs = now()
  }

  override unchangedMs(seen: Generation, nowMs: number): number {
    super.unchangedMs(seen, nowMs)
    const sinceMs = this.#beforeMs
    this.#beforeMs = this.#now()
    return nowMs - sinceMs
  }
}

/** A contender that does not see that the lease was renewed. */
class BlindContender extends Contender {
  override unchangedMs(seen: Generation, nowMs: number): number {
    return super.unchangedMs({ ...seen, number: 1 }, nowMs)
  }
}

/** A contender that does not wait for the whole of the time. */
class ImpatientContender extends Contender {
  override unchangedMs(seen: Generation, nowMs: number): number {
    return super.unchangedMs(seen, nowMs) + TICK_MS
  }
}

const MUTANTS: Readonly<Record<string, Partial<LeaseScenario>>> = {
  'a holder counts from when it was told': { countsFrom: 'answer' },
  'a contender counts from before it looked': {
    makeContender: (holder, ttlMs, now) => new HastyContender(holder, ttlMs, now),
  },
  'a contender does not see that the lease was renewed': {
    makeContender: (holder, ttlMs) => new BlindContender(holder, ttlMs),
  },
  'a contender does not wait long enough': {
    makeContender: (holder, ttlMs) => new ImpatientContender(holder, ttlMs),
  },
}

for (const [name, changes] of Object.entries(MUTANTS)) {
  await t.test(`it is caught when ${name}`, async (t) => {
    const { violation, states } = exploreLeases({ ...SCENARIO, ...changes })
    t.match(violation, /the lease is held by/)
    t.comment(`${violation?.split('\n')[0]}; found after ${states} states`)
  })
}
