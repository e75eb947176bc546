/**
 * Random walks through a queue: processes on several hosts push, claim, settle and take from each
 * other what they hold, in any order of their steps. A claim may be taken for abandoned at any
 * moment, as if its lease were over just then, so nothing depends on how long a step takes. NFS
 * loses replies, and processes are killed. A walk is known by its seed.
 */
import type { Effect, Operation } from '../../lib/drivers/effects.js'
import { StoreError } from '../../lib/errors.js'
import { hashKey, toObjectKey } from '../../lib/key.js'
import type { Context } from '../../lib/protocol/context.js'
import { claimedNames, claimNext, claimOf, openClaim } from '../../lib/protocol/queue-claim.js'
import { push } from '../../lib/protocol/queue-push.js'
import { ReadyJobs } from '../../lib/protocol/queue-ready.js'
import * as settle from '../../lib/protocol/queue-settle.js'
import { locateQueue, namesIn, parseClaimed, parseDead } from '../../lib/protocol/queue.js'
import { parseReady, type JobName, type QueuePath } from '../../lib/protocol/queue.js'
import { bytesSource } from '../../lib/source.js'
import { LocalMount, type Steps } from './mount.js'
import { NfsMount } from './nfs.js'
import { scenario, START_MS, type Mutate, type Place } from './scenario.js'
import { SystemCalls } from './system-calls.js'
import { prepare, randomId, runAlone, OBSERVER } from './template.js'
import { Chance } from './walk.js'

/** What may happen in a walk. */
export interface QueueWalkPlan {
  readonly place: Place
  readonly processes: number
  /** How many things each process does. */
  readonly turns: number
  /** How likely a call that changes something loses its reply. */
  readonly loses: number
  /** How many processes are killed. */
  readonly kills: number
  readonly mutate?: Mutate
}

/** What came of a walk. */
export interface QueueWalk {
  readonly problems: readonly string[]
  readonly pushed: number
  readonly acknowledged: number
  readonly lostReplies: number
}

const DONE_ONCE = new Set(['link', 'unlink', 'rename', 'mkdir', 'rmdir'])
const KEY_HASHES = ['one', 'other'].map(hashKey)
const STAYS = 0.5

interface Thread {
  readonly process: number
  readonly operation: Operation<unknown>
  effect: Effect | undefined
  steps: Steps<unknown> | undefined
}

type Answer = { readonly result: unknown } | { readonly error: unknown }

/** Walks once. */
export function walkQueue(plan: QueueWalkPlan, seed: number): QueueWalk {
  return new Walk(plan, seed).run()
}

class Walk {
  readonly #plan: QueueWalkPlan
  readonly #chance: Chance
  readonly #template
  readonly #calls: readonly SystemCalls[]
  readonly #queue: QueuePath
  #threads: Thread[] = []
  #nowMs = START_MS
  #ids = 0
  #lostReplies = 0
  readonly #pushed = new Set<string>()
  readonly #acks = new Map<string, number>()
  /** Acknowledgements under way; of those of a killed process nobody can know whether they were. */
  readonly #asking = new Map<string, number>()
  readonly #problems: string[] = []

  constructor(plan: QueueWalkPlan, seed: number) {
    this.#plan = plan
    this.#chance = new Chance(seed)
    const programs = Array.from({ length: plan.processes }, () => [])
    const { place } = plan
    this.#template = prepare(scenario(programs, { place, initial: new Map() }))
    this.#calls = this.#template.mounts.map((mount) => new SystemCalls(mount))
    this.#queue = locateQueue(this.#template.contexts[0]!, toObjectKey('jobs'))
  }

  run(): QueueWalk {
    for (const [process, context] of this.#template.contexts.entries()) {
      const own = this.#contextOf(process, context!)
      this.#start(process, this.#program(own, process))
    }
    let kills = this.#plan.kills
    let last: Thread | undefined
    for (let steps = 0; this.#threads.length > 0; steps += 1) {
      if (steps > 200_000) throw new Error('the walk comes to no end')
      const stays = last !== undefined && this.#threads.includes(last)
      last = stays && this.#chance.next() < STAYS ? last : this.#chance.pick(this.#threads)
      if (kills > 0 && this.#chance.next() < 0.002) {
        kills -= 1
        this.#kill(last!.process)
      } else this.#step(last!)
      this.#nowMs += this.#chance.next() < 0.2 ? 1 : 0
    }
    this.#judge()
    const acknowledged = [...this.#acks.values()].filter((count) => count > 0).length
    return {
      problems: this.#problems,
      pushed: this.#pushed.size,
      acknowledged,
      lostReplies: this.#lostReplies,
    }
  }

  #contextOf(process: number, context: Context): Context {
    const nextId = (): string => {
      this.#ids += 1
      return randomId(this.#template.scenario, process, this.#ids)
    }
    return { ...context, now: () => this.#nowMs, randomId: nextId }
  }

  *#program(context: Context, process: number): Operation<void> {
    const ready = new ReadyJobs()
    for (let turn = 0; turn < this.#plan.turns; turn += 1) {
      const what = this.#chance.next()
      if (what < 0.3) yield* this.#push(context, `${process} ${turn}`)
      else if (what < 0.5) yield* this.#takeOver(context)
      else yield* this.#consume(context, ready)
    }
  }

  *#push(context: Context, body: string): Operation<void> {
    const keyHash = this.#chance.next() < 0.4 ? this.#chance.pick(KEY_HASHES) : undefined
    const how = { delayMs: 0, keyHash, durability: 'none' } as const
    const source = bytesSource(Buffer.from(body), false)
    try {
      const id = yield* push(context, this.#queue, source, how)
      if (id !== undefined) this.#pushed.add(id)
    } catch (error) {
      // Of a push whose reply was lost, and whose job is done by now, nobody knows.
      const isUnknown = this.#plan.loses > 0 && isCode(error, 'UNAVAILABLE')
      if (!isUnknown) throw error
    }
  }

  /** Takes somebody's claim for abandoned, whether it is or not. */
  *#takeOver(context: Context): Operation<void> {
    const names = yield* claimedNames(context, this.#queue)
    if (names.length === 0) return
    const claim = claimOf(this.#queue, this.#chance.pick(names))
    const buries = this.#chance.next() < 0.1
    yield* lostIsFine(
      buries ? settle.bury(context, claim, 'why', 'none') : settle.expireClaim(context, claim),
    )
  }

  *#consume(context: Context, ready: ReadyJobs): Operation<void> {
    const claim = yield* claimNext(context, this.#queue, ready, 1000)
    if (claim === undefined) return
    const handle = yield* openClaim(context, claim)
    if (handle === undefined) return
    const { id } = claim.name
    if (handle.info.version !== id) this.#problems.push(`${id} has the body of another job`)
    const what = this.#chance.next()
    if (what < 0.2) yield* lostIsFine(settle.extendClaim(context, claim))
    if (what < 0.6) yield* this.#acknowledge(context, claim)
    else if (what < 0.75) yield* lostIsFine(settle.retryJob(context, claim, 0, 'none'))
    else if (what < 0.9) yield* lostIsFine(settle.giveBack(context, claim))
    else if (what < 0.95) yield* lostIsFine(settle.bury(context, claim, 'why', 'none'))
  }

  *#acknowledge(
    context: Context,
    claim: Parameters<typeof settle.acknowledge>[1],
  ): Operation<void> {
    const { id } = claim.name
    this.#asking.set(id, (this.#asking.get(id) ?? 0) + 1)
    try {
      yield* settle.acknowledge(context, claim, 'none')
      this.#acks.set(id, (this.#acks.get(id) ?? 0) + 1)
    } catch (error) {
      if (!settle.isLeaseLost(error)) throw error
    }
    this.#asking.set(id, (this.#asking.get(id) ?? 0) - 1)
  }

  #kill(process: number): void {
    for (const thread of this.#threads) if (thread.process === process) finish(thread)
    this.#threads = this.#threads.filter((thread) => thread.process !== process)
    this.#calls[process]!.closeAll()
  }

  #start(process: number, operation: Operation<unknown>): void {
    const mutated = this.#plan.mutate?.(operation) ?? operation
    const thread: Thread = { process, operation: mutated, effect: undefined, steps: undefined }
    this.#threads.push(thread)
    this.#resume(thread, { result: undefined })
  }

  #step(thread: Thread): void {
    const effect = thread.effect!
    this.#template.fileSystem.actor = thread.process
    const mount = this.#template.mounts[thread.process]
    const mayLose = mount instanceof NfsMount && DONE_ONCE.has(effect.call)
    const loses = mayLose && this.#chance.next() < this.#plan.loses
    if (loses) mount.losesReply = true
    let answer: Answer | undefined
    try {
      thread.steps ??= this.#calls[thread.process]!.perform(effect)
      const step = thread.steps.next()
      if (step.done === true) answer = { result: step.value }
    } catch (error) {
      answer = { error }
    }
    if (loses) {
      if (!mount.losesReply) this.#lostReplies += 1
      mount.losesReply = false
    }
    if (answer === undefined) return
    thread.steps = undefined
    this.#resume(thread, answer)
  }

  /** Goes on until the next call. */
  #resume(thread: Thread, first: Answer): void {
    let answer = first
    try {
      for (;;) {
        const { operation } = thread
        const step =
          'error' in answer ? operation.throw(answer.error) : operation.next(answer.result)
        if (step.done === true) break
        const { call, values } = step.value
        answer = { result: undefined }
        if (call === 'background') this.#start(thread.process, values[0] as Operation<unknown>)
        else if (call !== 'checkpoint' && call !== 'pause') {
          thread.effect = step.value
          return
        }
      }
    } catch (error) {
      this.#problems.push(`process ${thread.process} failed: ${String(error)}`)
    }
    this.#threads = this.#threads.filter((each) => each !== thread)
  }

  /** What lies in the queue at the end, as the server has it. */
  #judge(): void {
    const { fileSystem, contexts } = this.#template
    fileSystem.actor = OBSERVER
    const calls = new SystemCalls(new LocalMount(fileSystem))
    const context = { ...contexts[0]!, fresh: false }
    const places = new Map<string, JobName[]>()
    const parts = [
      { directory: this.#queue.ready, parse: parseReady },
      { directory: this.#queue.claimed, parse: parseClaimed },
      { directory: this.#queue.dead, parse: parseDead },
    ]
    const live: JobName[] = []
    for (const { directory, parse } of parts) {
      for (const name of runAlone(calls, namesIn(context, directory))) {
        const job: JobName | undefined = parse(name)
        if (job === undefined) continue
        places.set(job.id, [...(places.get(job.id) ?? []), job])
        if (directory !== this.#queue.dead) live.push(job)
      }
    }
    for (const id of this.#pushed) {
      const [acks, found] = [this.#acks.get(id) ?? 0, places.get(id)?.length ?? 0]
      if (acks > 1) this.#problems.push(`${id} was acknowledged ${acks} times`)
      if (acks + found > 1) this.#problems.push(`${id} was done ${acks} times, is there ${found}`)
      const isDoubtful = (this.#asking.get(id) ?? 0) > 0
      if (acks + found === 0 && !isDoubtful) this.#problems.push(`${id} was lost`)
    }
    for (const keyHash of KEY_HASHES) {
      const count = live.filter((job) => job.keyHash === keyHash).length
      if (count > 1) this.#problems.push(`${count} jobs of a kind`)
    }
  }
}

/** What a call of a killed process has begun, the kernel or the server does to its end. */
function finish({ steps }: Thread): void {
  try {
    while (steps?.next().done === false);
  } catch {
    // Nobody is there any more to be told.
  }
}

function* lostIsFine(operation: Operation<void>): Operation<void> {
  try {
    yield* operation
  } catch (error) {
    if (!settle.isLeaseLost(error)) throw error
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof StoreError && error.code === code
}
