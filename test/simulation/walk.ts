/**
 * Random walks: for scenarios too large to try every order. A walk is known by its seed. What
 * can happen besides: a process is stopped for so long that its private names are swept, and
 * goes on afterwards.
 */
import { allChoices, runnable } from './choices.js'
import { judgeEnd } from './ending.js'
import type { Exception } from './judgement.js'
import type { Cast, Scenario } from './scenario.js'
import { take } from './steps.js'
import { prepare, type Template } from './template.js'
import { tellTrace } from './trace.js'
import { Interner, World, type Choice } from './world.js'

/** How a walk ended. */
export interface Walk {
  readonly seed: number
  readonly steps: number
  readonly violation: string | undefined
  readonly exceptions: readonly Exception[]
  readonly world: World
}

/** Numbers from 0 to 1 that look random and are the same for the same seed. */
export class Chance {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  below(count: number): number {
    return Math.floor(this.next() * count)
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T
  }
}

const INTERNER = new Interner()
/** How likely a thread goes on rather than another, and how likely something special happens. */
const STAYS = 0.6
const SPECIAL = 0.03

/** Walks through a scenario once. */
export function walk(scenario: Scenario, seed: number): Walk {
  return walkFrom(prepare(scenario), seed)
}

function walkFrom(template: Template, seed: number): Walk {
  const chance = new Chance(seed)
  const world = new World(template, INTERNER)
  let last: Choice | undefined
  let steps = 0
  for (; ; steps += 1) {
    const choice = next(world, chance, last)
    if (choice === undefined) break
    take(world, choice)
    last = choice
  }
  const { violation, exceptions } = judgeEnd(world)
  return { seed, steps, violation, exceptions, world }
}

function next(world: World, chance: Chance, last: Choice | undefined): Choice | undefined {
  const choices = allChoices(world)
  const plain = choices.filter(({ act }) => act === 'step')
  const special = [...choices.filter(({ act }) => act !== 'step'), ...interruptions(world)]
  const isSpecial = plain.length === 0 || chance.next() < SPECIAL
  if (isSpecial && special.length > 0) return chance.pick(special)
  if (plain.length === 0) return undefined
  const same = plain.find(({ process, thread }) => {
    return process === last?.process && thread === last.thread
  })
  return same !== undefined && chance.next() < STAYS ? same : chance.pick(plain)
}

/** Processes that can be stopped, swept and woken. Each is only once. */
function interruptions(world: World): Choice[] {
  if (!world.scenario.suspends) return []
  return world.processes.flatMap((process): Choice[] => {
    const event = { process: process.index, thread: -1, isPrivate: false }
    if (process.isDead || process.isInGap) return []
    if (process.isSuspended) {
      const wake: Choice = { ...event, act: 'wake' }
      return process.isAged ? [wake] : [wake, { ...event, act: 'age' }]
    }
    const isBusy = runnable(world).some(([running]) => running === process)
    return isBusy && !process.isAged ? [{ ...event, act: 'suspend' }] : []
  })
}

/** The smallest part of a scenario found that fails too, and the shortest walk to that. */
export function shrink(scenario: Scenario, failing: Walk): Walk {
  let smallest = scenario
  let found = failing
  for (let isSmaller = true; isSmaller;) {
    isSmaller = false
    for (const candidate of smallerOnes(smallest)) {
      const failed = firstFailure(candidate, failing.seed)
      if (failed === undefined) continue
      smallest = candidate
      found = failed
      isSmaller = true
      break
    }
  }
  const template = prepare(smallest)
  for (let seed = 1; seed <= 300; seed += 1) {
    const other = walkFrom(template, failing.seed + seed)
    if (other.violation !== undefined && other.steps < found.steps) found = other
  }
  return found
}

/** A failing walk in words. */
export function tellWalk({ seed, violation, world }: Walk): string {
  return `seed ${seed}: ${violation ?? ''}\n${tellTrace(world)}`
}

function firstFailure(scenario: Scenario, seed: number): Walk | undefined {
  const template = prepare(scenario)
  for (let i = 0; i < 100; i += 1) {
    const attempt = walkFrom(template, seed + i)
    if (attempt.violation !== undefined) return attempt
  }
  return undefined
}

/** The scenario without one of its verbs, faults or ticks. */
function* smallerOnes(scenario: Scenario): Generator<Scenario> {
  for (const [i, { programs }] of scenario.cast.entries()) {
    for (const [j, program] of programs.entries()) {
      for (const k of program.keys()) {
        yield {
          ...scenario,
          cast: scenario.cast.map((each, at) => (at === i ? without(each, j, k) : each)),
        }
      }
    }
  }
  for (const name of ['kills', 'lostReplies', 'aborts', 'errors'] as const) {
    const left = scenario.faults[name]
    if (left > 0) yield { ...scenario, faults: { ...scenario.faults, [name]: left - 1 } }
  }
  if (scenario.suspends) yield { ...scenario, suspends: false }
  if (scenario.ticksMs.length > 0) yield { ...scenario, ticksMs: scenario.ticksMs.slice(1) }
}

function without({ host, programs }: Cast, program: number, verb: number): Cast {
  return {
    host,
    programs: programs.map((each, i) => (i === program ? each.toSpliced(verb, 1) : each)),
  }
}
