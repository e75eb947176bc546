import { allChoices, choicesOf } from './choices.js'
import { judgeEnd } from './ending.js'
import { judgePowerCut, type Exception } from './judgement.js'
import { observe } from './observation.js'
import { powerCuts } from './power-cut.js'
import type { Scenario } from './scenario.js'
import { take } from './steps.js'
import { prepare, type Template } from './template.js'
import { tellTrace } from './trace.js'
import { Interner, World, type Choice } from './world.js'

/** What the exploration of a scenario found. */
export interface Report {
  /** Different states that were reached. */
  readonly states: number
  /** Orders of steps that lead through them; those of private steps are not counted. */
  readonly interleavings: number
  /** States that power cuts left. */
  readonly powerCuts: number
  /** What is wrong, and how it came to that; undefined when nothing is. */
  readonly violation: string | undefined
  /** How many ends needed an exception to be explained, by its name. */
  readonly exceptions: ReadonlyMap<Exception, number>
  /** An example of each. */
  readonly examples: ReadonlyMap<Exception, string>
}

/** Ends a search that has found what it looked for. */
class Found {
  constructor(readonly violation: string) {}
}

/**
 * Takes a scenario through every order of its steps, depth first. An operation cannot be copied
 * half-way, so each branch is run again from the start; what was reached before (the same files
 * and caches, the same knowledge in every process, the same history) is not gone through again.
 */
export function explore(scenario: Scenario): Report {
  const exploration = new Exploration(prepare(scenario))
  return exploration.run()
}

class Exploration {
  readonly #template: Template
  readonly #interner = new Interner()
  /** How many interleavings lead on from a state. */
  readonly #seen = new Map<string, number>()
  readonly #trail: Choice[] = []
  readonly #judged = new Set<string>()
  readonly #exceptions = new Map<Exception, number>()
  readonly #examples = new Map<Exception, string>()
  #powerCuts = 0

  constructor(template: Template) {
    this.#template = template
  }

  run(): Report {
    let interleavings = 0
    let violation: string | undefined
    try {
      interleavings = this.#visit(this.#start())
    } catch (found) {
      if (!(found instanceof Found)) throw found
      violation = found.violation
    }
    return {
      states: this.#seen.size,
      interleavings,
      powerCuts: this.#powerCuts,
      violation,
      exceptions: this.#exceptions,
      examples: this.#examples,
    }
  }

  #start(): World {
    return new World(this.#template, this.#interner)
  }

  /** The world at the end of the trail. */
  #again(): World {
    const world = this.#start()
    for (const choice of this.#trail) take(world, choice)
    return world
  }

  /** How many interleavings lead on from a world. It is used up. */
  #visit(world: World): number {
    const state = world.describe()
    const known = this.#seen.get(state)
    if (known !== undefined) return known
    if (world.scenario.powerCut !== undefined) this.#cutPower(world)
    const choices = choicesOf(world)
    if (choices.length === 0) this.#judge(world)
    const total = choices.length === 0 ? 1 : this.#branch(world, choices)
    this.#seen.set(state, total)
    return total
  }

  #branch(world: World, choices: Choice[]): number {
    let total = 0
    // If a private step looks at the clock, it matters after all when it comes.
    const others =
      choices[0]?.isPrivate === true && world.hasTicks ? othersThan(world, choices[0]) : []
    for (let i = 0; i < choices.length; i += 1) {
      const choice = choices[i] as Choice
      const next = i === 0 ? world : this.#again()
      take(next, choice)
      if (i === 0 && next.readClock) choices.push(...others)
      if (next.isRedundant) continue
      this.#trail.push(choice)
      total += this.#visit(next)
      this.#trail.pop()
    }
    return total
  }

  /** Judges a run that is over, unless one that ended the same was judged before. */
  #judge(world: World): void {
    const { violation, exceptions } = judgeEnd(world, this.#judged)
    if (violation !== undefined) throw this.#found(world, violation)
    for (const exception of exceptions) {
      this.#exceptions.set(exception, (this.#exceptions.get(exception) ?? 0) + 1)
      if (!this.#examples.has(exception)) this.#examples.set(exception, tellTrace(world))
    }
  }

  /** Judges what a power cut at this moment may leave. */
  #cutPower(world: World): void {
    const { history, fileSystem, scenario } = world
    for (const booted of powerCuts(fileSystem)) {
      this.#powerCuts += 1
      const final = observe(world, booted)
      const known = `cut ${history.describe()} ${[...final].join()}`
      if (this.#judged.has(known)) continue
      this.#judged.add(known)
      const frame = { initial: scenario.initial, cells: scenario.cells, final }
      const violation = judgePowerCut(history, frame, scenario.durability)
      if (violation !== undefined) throw this.#found(world, `after a power cut here: ${violation}`)
    }
  }

  #found(world: World, violation: string): Found {
    return new Found(`${violation}\n${tellTrace(world)}`)
  }
}

function othersThan(world: World, { process, thread }: Choice): Choice[] {
  return allChoices(world).filter((other) => other.process !== process || other.thread !== thread)
}
