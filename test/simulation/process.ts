import type { Effect, Operation } from '../../lib/drivers/effects.js'
import type { Context } from '../../lib/protocol/context.js'
import type { Entry } from './history.js'
import type { Steps } from './mount.js'
import { GAP } from './nfs.js'
import type { SystemCalls } from './system-calls.js'
import type { Verb } from './verbs.js'

/** One flow of control of a process: a program, or what a driver runs in the background. */
export class Thread {
  /** The verb under way; undefined in the background and between verbs. */
  entry: Entry | undefined
  operation: Operation<unknown> | undefined
  /** What the operation asks for next. */
  effect: Effect | undefined
  /** That, begun. */
  steps: Steps<unknown> | undefined
  /** What a call that is half done has found. */
  half = 0
  /** Stands for all that the operation has been told so far, so that states can be compared. */
  knowledge = 0
  /** How many verbs of the program are done or under way. */
  position = 0

  constructor(
    readonly index: number,
    readonly program: readonly Verb[] | undefined,
  ) {}

  get isDone(): boolean {
    return this.operation === undefined && this.position >= (this.program?.length ?? 0)
  }

  describe(): string {
    return `${this.position}.${this.knowledge}.${this.steps === undefined ? '' : this.half}`
  }
}

/** A process of the simulation: what it has open, what it knows, and what it is doing. */
export class Process {
  readonly threads: Thread[]
  isDead = false
  /** Stopped; all its steps are still to come. */
  isSuspended = false
  /** Whether it was once stopped for longer than a sweep waits. */
  isAged = false
  randomIds = 0

  constructor(
    readonly index: number,
    readonly host: number,
    readonly calls: SystemCalls,
    public context: Context | undefined,
    programs: readonly (readonly Verb[])[],
  ) {
    this.threads = programs.map((program, i) => new Thread(i, program))
  }

  /** Whether it sweeps. */
  get sweeps(): boolean {
    const isSweep = ({ kind }: Verb): boolean => kind === 'sweep'
    return this.threads.some(({ program }) => program?.some(isSweep) === true)
  }

  spawn(operation: Operation<unknown>): Thread {
    const thread = new Thread(this.threads.length, undefined)
    thread.operation = operation
    this.threads.push(thread)
    return thread
  }

  /** Whether a rename of its has taken one name away, and not yet given the other. */
  get isInGap(): boolean {
    return this.threads.some(({ steps, half }) => steps !== undefined && half === GAP)
  }

  /**
   * Dies between two steps. The kernel ends the calls it is in, closes what was open, and cleans
   * up nothing else.
   */
  kill(): void {
    this.isDead = true
    for (const { steps, half } of this.threads) {
      if (steps === undefined) continue
      if (half === GAP) for (let step = steps.next(); step.done !== true; step = steps.next());
      else steps.return(undefined)
    }
    this.calls.closeAll()
  }

  describe(): string {
    if (this.isDead) return this.isAged ? 'dead!' : 'dead'
    const { instance, reads, readOnly, expiring, cache } = this.context ?? {}
    const { scratchBytes } = this.context ?? {}
    const own = instance === undefined ? '' : `${instance.id}${instance.counter}${instance.made}`
    const aged = this.isAged ? '!' : ''
    const found = `${reads ?? ''},${readOnly ?? ''},${expiring ?? ''},${scratchBytes ?? ''}`
    const kept = cache?.values().map((each) => `${each.privatePath}${each.file.ino}`) ?? []
    const known = `${aged}${own},${found},${this.randomIds},${kept.join()}`
    const running = this.threads.filter(({ isDone }) => !isDone)
    return `${known}:${running.map((each) => `${each.index}/${each.describe()}`).join()}`
  }
}
