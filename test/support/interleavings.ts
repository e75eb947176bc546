/** Goes through the orders in which several actors can make their calls of one store. */
import { setImmediate } from 'node:timers/promises'
import type {
  Body,
  CallOptions,
  ChangeOptions,
  ListOptions,
  ObjectInfo,
  ObjectStore,
  RemoveOptions,
  StoredObject,
  WriteOptions,
} from '../../index.js'

/** A call that waits for its turn. */
interface Turn {
  /** What it is about; undefined: all there is. */
  readonly key: string | undefined
  readonly isChange: boolean
  readonly go: () => void
}

/** Someone who does one thing after the other in a store. */
class Actor {
  turn: Turn | undefined
  isDead = false
  failure: unknown

  constructor(readonly name: string) {}
}

/** A store whose calls wait until they are let through. */
class SteppedStore implements ObjectStore {
  readonly supports
  readonly #inner: ObjectStore
  readonly #actor: Actor

  constructor(inner: ObjectStore, actor: Actor) {
    this.supports = inner.supports
    this.#inner = inner
    this.#actor = actor
  }

  async read(key: string, options?: CallOptions): Promise<StoredObject | undefined> {
    await this.#turn(key, false)
    return await this.#inner.read(key, options)
  }

  async stat(key: string, options?: CallOptions): Promise<ObjectInfo | undefined> {
    await this.#turn(key, false)
    return await this.#inner.stat(key, options)
  }

  async write(key: string, body: Body, options?: WriteOptions): Promise<ObjectInfo> {
    await this.#turn(key, true)
    return await this.#inner.write(key, body, options)
  }

  async remove(key: string, options?: RemoveOptions): Promise<boolean> {
    await this.#turn(key, true)
    return await this.#inner.remove(key, options)
  }

  async take(key: string, options?: ChangeOptions): Promise<StoredObject | undefined> {
    await this.#turn(key, true)
    return await this.#inner.take(key, options)
  }

  async *list(options?: ListOptions): AsyncGenerator<ObjectInfo> {
    await this.#turn(undefined, false)
    yield* this.#inner.list(options)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  #turn(key: string | undefined, isChange: boolean): Promise<void> {
    return new Promise((go) => (this.#actor.turn = { key, isChange, go }))
  }
}

/** What can happen next. */
interface Choice {
  readonly actor: string
  readonly isDeath: boolean
  readonly key: string | undefined
  readonly isChange: boolean
}

/** A place where more than one thing could happen. */
interface Fork {
  readonly choices: readonly Choice[]
  /** What need not be tried here, since it was before, in an order that makes no difference. */
  readonly asleep: readonly Choice[]
  at: number
}

/** What is gone through. */
export interface Scenario {
  /** Makes the store, with what is in it. */
  readonly prepare: () => Promise<ObjectStore>
  /** What each actor does, with a store of its own. */
  readonly actors: Readonly<Record<string, (store: ObjectStore) => Promise<unknown>>>
  /** Which of them may die, before any of its calls; at most one does. */
  readonly mortal?: readonly string[]
  /** Called after each change with the store itself; throws if something is wrong. */
  readonly check: (objects: ObjectStore) => Promise<void>
  /** Called when nobody has anything left to do. */
  readonly finish: (objects: ObjectStore, hasDied: boolean) => Promise<void>
  /** Picks among so many choices; default: all orders are gone through. */
  readonly pick?: (count: number) => number
}

const MAX_STEPS = 400

/**
 * Goes through all orders, but for those that differ only in the order of calls that cannot notice
 * each other: changes notice all changes, and reads the changes of what they read.
 *
 * @returns how many orders there are
 */
export async function exploreAll(scenario: Scenario): Promise<number> {
  const forks: Fork[] = []
  for (let count = 1; ; count += 1) {
    await runOnce(scenario, forks)
    for (;;) {
      const last = forks.at(-1)
      if (last === undefined) return count
      last.at += 1
      if (last.at < last.choices.length) break
      forks.pop()
    }
  }
}

/** Goes through one order, by chance. */
export async function exploreOne(scenario: Scenario): Promise<void> {
  await runOnce(scenario, [])
}

async function runOnce(scenario: Scenario, forks: Fork[]): Promise<void> {
  const objects = await scenario.prepare()
  const actors = begin(scenario, objects)
  const trace: string[] = []
  try {
    let asleep: readonly Choice[] = []
    let hasDied = false
    await setImmediate()
    for (let step = 0; ; step += 1) {
      const enabled = choicesOf(scenario, actors, hasDied)
      if (enabled.length === 0) break
      const fork = forkAt(scenario, forks, step, enabled, asleep)
      const choice = fork.choices[fork.at]
      // Everything that could happen was tried in another order.
      if (choice === undefined) return
      const tried = [...fork.asleep, ...fork.choices.slice(0, fork.at)]
      asleep = tried.filter((other) => isIndependent(other, choice))
      hasDied ||= choice.isDeath
      trace.push(perform(actors, choice))
      if (step > MAX_STEPS) throw new Error('it does not come to an end')
      await setImmediate()
      if (choice.isChange) await scenario.check(objects)
    }
    for (const { failure } of actors.values()) if (failure !== undefined) throw failure
    await scenario.finish(objects, hasDied)
  } catch (error) {
    throw new Error(`${String(error)}\n${trace.join('\n')}`, { cause: error })
  }
}

function begin(scenario: Scenario, objects: ObjectStore): Map<string, Actor> {
  const actors = new Map<string, Actor>()
  for (const [name, act] of Object.entries(scenario.actors)) {
    const actor = new Actor(name)
    actors.set(name, actor)
    act(new SteppedStore(objects, actor)).catch((error: unknown) => (actor.failure = error))
  }
  return actors
}

function choicesOf(
  { mortal = [] }: Scenario,
  actors: ReadonlyMap<string, Actor>,
  hasDied: boolean,
): Choice[] {
  return [...actors.values()].flatMap(({ name, turn, isDead }) => {
    if (turn === undefined || isDead) return []
    const { key, isChange } = turn
    const step = { actor: name, isDeath: false, key, isChange }
    if (hasDied || !mortal.includes(name)) return [step]
    return [step, { ...step, isDeath: true }]
  })
}

function forkAt(
  { pick }: Scenario,
  forks: Fork[],
  step: number,
  enabled: readonly Choice[],
  asleep: readonly Choice[],
): Fork {
  if (pick !== undefined) return { choices: enabled, asleep: [], at: pick(enabled.length) }
  const known = forks[step]
  if (known !== undefined) return known
  const isAsleep = (choice: Choice): boolean =>
    asleep.some(({ actor, isDeath }) => actor === choice.actor && isDeath === choice.isDeath)
  const fork = { choices: enabled.filter((choice) => !isAsleep(choice)), asleep, at: 0 }
  forks.push(fork)
  return fork
}

function isIndependent(one: Choice, other: Choice): boolean {
  if (one.actor === other.actor || one.isDeath || other.isDeath) return false
  if (one.isChange && other.isChange) return false
  if (!one.isChange && !other.isChange) return true
  return one.key !== undefined && other.key !== undefined && one.key !== other.key
}

function perform(actors: ReadonlyMap<string, Actor>, choice: Choice): string {
  const actor = actors.get(choice.actor)
  const turn = actor?.turn
  if (actor === undefined || turn === undefined) throw new Error('the orders are not the same')
  if (choice.isDeath) {
    actor.isDead = true
    return `${actor.name} dies`
  }
  actor.turn = undefined
  turn.go()
  return `${actor.name} ${turn.isChange ? 'changes' : 'reads'} ${turn.key ?? 'the list'}`
}
