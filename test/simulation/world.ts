import type { Context } from '../../lib/protocol/context.js'
import type { Effect } from '../../lib/drivers/effects.js'
import type { FileSystem } from './file-system.js'
import { History } from './history.js'
import { NfsMount } from './nfs.js'
import type { Mount } from './mount.js'
import { Process } from './process.js'
import { START_MS, type Faults, type Scenario } from './scenario.js'
import { SystemCalls } from './system-calls.js'
import { randomId, type Template } from './template.js'

/** What happens next: a step of a thread, plain or with something that goes wrong, or an event. */
export interface Choice {
  readonly act:
    | 'step'
    | 'lose'
    | 'abort'
    | 'fail'
    | 'kill'
    | 'suspend'
    | 'age'
    | 'wake'
    | 'tick'
    | 'server tick'
  readonly process: number
  readonly thread: number
  /** How a call fails. */
  readonly code?: 'EIO' | 'ENOSPC'
  /** Whether no other process can notice the step, so that its place in the order is no matter. */
  readonly isPrivate: boolean
}

/** One line of a trace. */
export interface Happening {
  readonly choice: Choice
  /** What was asked for; undefined for an event, and for the start of a verb. */
  readonly effect: Effect | undefined
  /** Whether the call goes on in a later step. */
  readonly isHalf: boolean
  readonly answer: unknown
  readonly error: unknown
  /** A verb that began or ended with it. */
  readonly note: string | undefined
}

/** Numbers for texts, the same for the same text: short names for what a thread knows. */
export class Interner {
  readonly #numbers = new Map<string, number>()

  number(text: string): number {
    let number = this.#numbers.get(text)
    if (number === undefined) {
      number = this.#numbers.size + 1
      this.#numbers.set(text, number)
    }
    return number
  }
}

/** What tells a place's clients that a directory has changed. */
const TOLD = { local: undefined, nfs4: 'changes', nfs3: 'changedAt' } as const

/** Buffers of 64 KiB that reads use; shared by all worlds, for there are many. */
const SCRATCH: Buffer[] = []

/** One run of a scenario, at one moment. `steps.ts` moves it on. */
export class World {
  readonly scenario: Scenario
  readonly fileSystem: FileSystem
  readonly mounts: readonly Mount[]
  readonly processes: readonly Process[]
  readonly history = new History()
  readonly happenings: Happening[] = []
  readonly faultsLeft: { -readonly [name in keyof Faults]: number }
  nowMs = START_MS
  ticksDone = 0
  hadFault = false
  /** Whether the step just done looked at the clock. */
  readClock = false
  /** Whether the step just done is one that another choice stands for as well. */
  isRedundant = false
  /** Whether a private name could not be removed. */
  mayLeaveNames = false
  /** What failed where nobody looks, though nothing had gone wrong. */
  cleanUpError: unknown

  constructor(
    readonly template: Template,
    readonly interner: Interner,
  ) {
    const { scenario } = template
    this.scenario = scenario
    this.fileSystem = template.fileSystem.copy()
    this.mounts = this.#copyMounts()
    this.faultsLeft = { ...scenario.faults }
    this.processes = scenario.cast.map(({ host, programs }, index) => {
      const calls = new SystemCalls(this.mounts[host] as Mount)
      const process = new Process(index, host, calls, undefined, programs)
      const opened = template.contexts[index]
      if (opened !== undefined) process.context = this.contextOf(process, opened)
      return process
    })
  }

  /** What a process knows of its store, with the world's clock and chance. */
  contextOf(process: Process, opened: Context): Context {
    const { instance, cache } = opened
    return {
      ...opened,
      ...this.environmentOf(process),
      instance: instance === undefined ? undefined : { ...instance },
      cache: cache?.copy(),
      scratch: SCRATCH,
    }
  }

  environmentOf(process: Process): Pick<Context, 'host' | 'now' | 'randomId'> {
    const now = (): number => {
      this.readClock = true
      return this.nowMs + (this.scenario.aheadMs[process.index] ?? 0)
    }
    const nextId = (): string => {
      process.randomIds += 1
      return randomId(this.scenario, process.index, process.randomIds)
    }
    return { host: 'host', now, randomId: nextId }
  }

  get hasTicks(): boolean {
    return this.ticksDone < this.scenario.ticksMs.length
  }

  /** The mount of a process, if it is one that can lose replies. */
  nfsOf(process: Process): NfsMount | undefined {
    const mount = this.mounts[process.host]
    return mount instanceof NfsMount ? mount : undefined
  }

  /** Everything that what can still happen depends on. */
  describe(): string {
    const { kills, lostReplies, aborts, errors, stops } = this.faultsLeft
    return [
      this.fileSystem.describe(TOLD[this.scenario.place], this.scenario.powerCut !== undefined),
      this.scenario.place === 'local' ? '' : this.mounts.map((mount) => mount.describe()).join('|'),
      this.processes.map((process) => process.describe()).join('|'),
      `${this.nowMs} ${kills}${lostReplies}${aborts}${errors}${stops}${this.hadFault ? 'f' : ''}`,
      this.history.describe(),
    ].join('\n')
  }

  #copyMounts(): readonly Mount[] {
    const { mounts, scenario } = this.template
    const [first] = mounts
    if (scenario.place === 'local' && first !== undefined) {
      const shared = first.copy(this.fileSystem)
      return mounts.map(() => shared)
    }
    return mounts.map((mount) => mount.copy(this.fileSystem))
  }
}
