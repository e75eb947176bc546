/**
 * Leases, in every order of what their contenders ask of a register. It is linearizable, as cells
 * are (cells.test.ts). Between an ask and its effect, and that and its answer, time may pass;
 * answers may be lost, and processes may die.
 */
import type { Contender } from '../../lib/coordination/holding.js'
import { letGo, renew, tryToHold, type Ask, type Talk } from '../../lib/coordination/holding.js'
import { NEVER_WRITTEN, type Generation } from '../../lib/protocol/cell.js'

/** What is explored. */
export interface LeaseScenario {
  readonly contenders: number
  /** How often each tries to get the lease. */
  readonly tries: number
  readonly ttlMs: number
  /** How often the clock may move on, by {@link TICK_MS}. */
  readonly ticks: number
  /** How far the clocks of the contenders are ahead of the first one's. */
  readonly aheadMs: readonly number[]
  readonly lostAnswers: number
  readonly kills: number
  /** From when on a holder counts: mutants count from when it was told. */
  readonly countsFrom: 'ask' | 'answer'
  readonly makeContender: (holder: string, ttlMs: number, now: () => number) => Contender
}

/** What the exploration found. */
export interface LeaseReport {
  readonly states: number
  /** How often somebody got the lease. */
  readonly got: number
  /** How often one got it whose time seemed to be over. */
  readonly taken: number
  readonly violation: string | undefined
}

/** How far the clock moves at once. */
export const TICK_MS = 5

type Choice = `${'step' | 'lose' | 'kill'} ${number}` | 'tick'
type Wish = Ask | { readonly kind: 'rest' }

class LostAnswer extends Error {}

class Process {
  readonly index: number
  readonly clock: () => number
  wish: Wish | undefined
  /** What was answered, once the ask has had its effect. */
  answer: { readonly generation: Generation | undefined } | undefined
  isDead = false
  /** Until when this process takes the lease for its own, by its clock. */
  untilMs = -Infinity
  token: number | undefined
  /** All it was told, in a text that is the same for the same. */
  known = ''
  readonly #timeOf: () => number
  readonly #run: Generator<Wish, void, Generation | undefined>

  constructor(index: number, scenario: LeaseScenario, world: World) {
    this.index = index
    this.#timeOf = () => world.nowMs + (scenario.aheadMs[index] ?? 0)
    this.clock = () => {
      const nowMs = this.#timeOf()
      this.known += `@${nowMs}`
      return nowMs
    }
    this.#run = this.#program(scenario, world)
    this.#resume(() => this.#run.next(undefined))
  }

  get believes(): boolean {
    return !this.isDead && this.token !== undefined && this.#timeOf() < this.untilMs
  }

  /** Goes on with what it was told. */
  tell(generation: Generation | undefined): void {
    this.known += `${generation?.version ?? '-'};`
    this.#resume(() => this.#run.next(generation))
  }

  /** Goes on without having been told. */
  fail(): void {
    this.known += '!;'
    this.#resume(() => this.#run.throw(new LostAnswer()))
  }

  #resume(step: () => IteratorResult<Wish, void>): void {
    this.answer = undefined
    const { done, value } = step()
    this.wish = done === true ? undefined : value
  }

  *#program(
    { tries, ttlMs, countsFrom, makeContender }: LeaseScenario,
    world: World,
  ): Generator<Wish, void, Generation | undefined> {
    const contender = makeContender(`p${this.index}`, ttlMs, this.clock)
    for (let attempt = 0; attempt < tries; attempt += 1) {
      const held = yield* this.#counting(countsFrom, ttlMs, tryToHold(contender, this.clock))
      if (typeof held !== 'object') {
        yield { kind: 'rest' }
        continue
      }
      this.token = held.token
      world.got += 1
      yield { kind: 'rest' }
      const isHeld = yield* this.#counting(countsFrom, ttlMs, renew(held))
      if (isHeld === true) yield { kind: 'rest' }
      else if (isHeld === false) this.token = undefined
      this.untilMs = -Infinity
      yield* quietly(letGo(held))
      this.token = undefined
      return
    }
  }

  /** A conversation that may make the lease last; undefined when an answer was lost. */
  *#counting<T>(
    from: LeaseScenario['countsFrom'],
    ttlMs: number,
    talk: Talk<T>,
  ): Generator<Wish, T | undefined, Generation | undefined> {
    const askedMs = this.clock()
    const result = yield* quietly(talk)
    const isMade = result === true || typeof result === 'object'
    if (isMade) this.untilMs = (from === 'ask' ? askedMs : this.clock()) + ttlMs
    return result
  }
}

function* quietly<T>(talk: Talk<T>): Generator<Ask, T | undefined, Generation | undefined> {
  try {
    return yield* talk
  } catch (error) {
    if (error instanceof LostAnswer) return undefined
    throw error
  }
}

class World {
  nowMs = 0
  register: Generation = NEVER_WRITTEN
  readonly processes: readonly Process[]
  readonly #scenario: LeaseScenario
  #ticks = 0
  #lost = 0
  #kills = 0
  got = 0
  taken = 0
  violation: string | undefined

  constructor(scenario: LeaseScenario) {
    this.#scenario = scenario
    this.processes = Array.from(
      { length: scenario.contenders },
      (_, i) => new Process(i, scenario, this),
    )
  }

  choices(): Choice[] {
    const { ticks, lostAnswers, kills } = this.#scenario
    const found: Choice[] = []
    for (const { index, wish, answer, isDead } of this.processes) {
      if (isDead || wish === undefined) continue
      found.push(`step ${index}`)
      if (answer !== undefined && this.#lost < lostAnswers) found.push(`lose ${index}`)
      if (this.#kills < kills) found.push(`kill ${index}`)
    }
    if (found.length > 0 && this.#ticks < ticks) found.push('tick')
    return found
  }

  take(choice: Choice): void {
    const [act, index] = choice.split(' ')
    const process = this.processes[Number(index)]
    if (process === undefined) {
      this.#ticks += 1
      this.nowMs += TICK_MS
    } else if (act === 'kill') {
      this.#kills += 1
      process.isDead = true
    } else if (act === 'lose') {
      this.#lost += 1
      process.fail()
    } else this.#step(process)
    const believers = this.processes.filter(({ believes }) => believes)
    if (believers.length > 1) {
      const who = believers.map(({ index, token }) => `p${index} with ${token}`).join(' and ')
      this.violation ??= `at ${this.nowMs} the lease is held by ${who}`
    }
  }

  describe(): string {
    const { number, version } = this.register
    const processes = this.processes.map(({ known, answer, isDead }) => {
      return isDead ? 'dead' : `${known}${answer === undefined ? '' : '+'}`
    })
    return `${this.nowMs} ${number}${version} ${this.#lost}${this.#kills} ${processes.join('|')}`
  }

  #step(process: Process): void {
    const { wish, answer } = process
    if (wish?.kind === 'rest') process.tell(undefined)
    else if (answer !== undefined) process.tell(answer.generation)
    else if (wish !== undefined) process.answer = { generation: this.#effect(process, wish) }
  }

  #effect({ index }: Process, ask: Ask): Generation | undefined {
    if (ask.kind === 'read') return this.register
    if (ask.seen.number !== this.register.number) return undefined
    const { number, version: follows } = this.register
    const value = ask.value === undefined ? undefined : Buffer.from(ask.value)
    const wasOthers = this.register.value?.includes(`"p${index}"`) === false
    if (wasOthers && value?.includes(`"p${index}"`) === true) this.taken += 1
    this.register = { number: number + 1, version: `${index}.${number + 1}`, follows, value }
    return this.register
  }
}

/** Takes a scenario through every order of its steps. */
export function exploreLeases(scenario: LeaseScenario): LeaseReport {
  const seen = new Set<string>()
  const trail: Choice[] = []
  const sum = { got: 0, taken: 0 }
  const again = (): World => {
    const world = new World(scenario)
    for (const choice of trail) world.take(choice)
    return world
  }
  const visit = (world: World): string | undefined => {
    if (world.violation !== undefined) return [world.violation, ...trail].join('\n  ')
    const state = world.describe()
    if (seen.has(state)) return undefined
    seen.add(state)
    const choices = world.choices()
    if (choices.length === 0) {
      sum.got += world.got
      sum.taken += world.taken
    }
    for (const [i, choice] of choices.entries()) {
      const next = i === 0 ? world : again()
      next.take(choice)
      trail.push(choice)
      const violation = visit(next)
      if (violation !== undefined) return violation
      trail.pop()
    }
    return undefined
  }
  const violation = visit(again())
  return { states: seen.size, ...sum, violation }
}
