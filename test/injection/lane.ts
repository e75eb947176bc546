import { readFileSync, unlinkSync } from 'node:fs'
import { readTrace, type TracedCall } from '../support/trace.js'
import type { Call, CallList } from './calls.js'
import type { Aftermath, Job, Outcome, State } from './jobs.js'
import { attach } from './strace.js'
import type { Verb } from './verbs.js'
import { WorkerProcess } from './worker-process.js'

/** How a verb is run. */
export interface Setting {
  readonly face: 'sync' | 'async'
  readonly fresh: boolean
}

/** What is done to one call: it fails without being made, or the process is killed before it. */
export interface Injection {
  readonly call: Call
  readonly what: `error=${string}` | 'signal=KILL'
}

/** What came of a verb. */
export interface Trial {
  /** Undefined where it was killed. */
  readonly outcome: Outcome | undefined
  readonly aftermath: Aftermath
  readonly trace: readonly TracedCall[]
  /** How often strace says that it has injected something. */
  readonly injections: number
}

/** Runs verbs one after the other in a worker, on a store in a directory of its own. */
export class Lane {
  readonly #scratch: string
  #worker = new WorkerProcess()
  #spare = new WorkerProcess()

  /** @param scratch - an empty directory */
  constructor(scratch: string) {
    this.#scratch = scratch
  }

  get scratch(): string {
    return this.#scratch
  }

  /** What a store holds before a verb. */
  async look(verb: Verb, setting: Setting): Promise<State> {
    const job = this.#job(verb, setting)
    await this.#worker.do({ ...job, what: 'prepare' })
    const state = await this.#worker.do<State>({ ...job, what: 'look' })
    return state!
  }

  /** Does a verb while strace looks on. */
  async run(
    verb: Verb,
    setting: Setting,
    { paths }: Pick<CallList, 'paths'>,
    injection?: Injection,
  ): Promise<Trial> {
    const job = this.#job(verb, setting)
    await this.#worker.do({ ...job, what: 'prepare' })
    const logPath = `${this.#scratch}/trace`
    const { pid } = this.#worker
    const tracer = await attach(pid, optionsOf(paths, injection), logPath)
    const outcome = await this.#worker.do<Outcome>({ ...job, what: 'act' })
    await tracer.detach()
    const log = readFileSync(logPath, 'utf8')
    const trace = readTrace(logPath)
    unlinkSync(logPath)
    if (outcome === undefined || injection?.what === 'signal=KILL') await this.#replaceWorker()
    const aftermath = await this.#check(job)
    if (changesProcess(injection)) await this.#replaceWorker()
    return { outcome, aftermath, trace, injections: log.split('(INJECTED)').length - 1 }
  }

  /** Does a verb, and kills the process when it is done. */
  async runAndKill(verb: Verb, setting: Setting): Promise<Aftermath> {
    const job = this.#job(verb, setting)
    await this.#worker.do({ ...job, what: 'prepare' })
    await this.#worker.do({ ...job, what: 'act' })
    await this.#replaceWorker()
    return await this.#check(job)
  }

  async end(): Promise<void> {
    await this.#worker.end()
    await this.#spare.end()
  }

  #job({ title }: Verb, setting: Setting): Omit<Job, 'what'> {
    return { ...setting, title, root: `${this.#scratch}/store` }
  }

  async #check(job: Omit<Job, 'what'>): Promise<Aftermath> {
    return (await this.#worker.do<Aftermath>({ ...job, what: 'check' }))!
  }

  async #replaceWorker(): Promise<void> {
    await this.#worker.end()
    this.#worker = this.#spare
    this.#spare = new WorkerProcess()
  }
}

function optionsOf(paths: readonly string[], injection: Injection | undefined): string[] {
  const options = ['-e', 'trace=%file,%desc', ...paths.flatMap((path) => ['-P', path])]
  if (injection === undefined) return options
  const { call, what } = injection
  return [...options, '-e', `inject=${call.systemCall}:${what}:when=${call.count}`]
}

/** Node makes other calls for ever after where it takes `statx` for forbidden. */
function changesProcess(injection: Injection | undefined): boolean {
  return injection?.call.systemCall === 'statx' && injection.what === 'error=EPERM'
}
