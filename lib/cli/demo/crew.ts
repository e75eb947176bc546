import { fork, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { emptyTally, operationsOf } from './messages.js'
import type { Assignment, Order, Report, Tally } from './messages.js'

const WORKER = fileURLToPath(new URL('./demo-worker.js', import.meta.url))
const PATIENCE_MS = 30_000

/** One worker process, dead or alive. */
export interface Member {
  readonly slot: number
  readonly child: ChildProcess
  readonly pid: number | undefined
  readonly journal: string
  state: 'working' | 'killed' | 'done'
  tally: Tally
  /** The file it stored last. */
  file: string
  /** Operations per second, lately. */
  rate: number
  talliedAtMs: number
  /** Settles when the process is gone and all it reported has arrived. */
  closed: Promise<void>
}

/** The worker processes of one demo. */
export class Crew {
  /** Everyone who ever worked, in order of starting. */
  readonly members: Member[] = []
  /** What went wrong, in words; empty in a good run. */
  readonly problems: string[] = []
  readonly #scratch: string
  readonly #processes: number
  #startMs = 0

  constructor(scratch: string, processes: number) {
    this.#scratch = scratch
    this.#processes = processes
  }

  /** Starts all workers and, when the last is ready, has them begin together. */
  async start(): Promise<void> {
    const slots = Array.from({ length: this.#processes }, (_, slot) => slot)
    const members = await Promise.all(slots.map((slot) => this.#hire(slot)))
    this.#startMs = Date.now()
    for (const member of members) this.#begin(member)
  }

  /** Kills the worker of a slot in the middle of its work, and puts another in its place. */
  async replace(slot: number): Promise<void> {
    const victim = this.members.find((member) => member.slot === slot)
    if (victim?.state !== 'working') return
    victim.state = 'killed'
    victim.rate = 0
    victim.child.kill('SIGKILL')
    await victim.closed
    this.#begin(await this.#hire(slot))
  }

  /** Lets all finish what they are at, and waits for that. */
  async stop(): Promise<void> {
    const working = this.members.filter(({ state }) => state === 'working')
    for (const { child } of working) order(child, { kind: 'stop' })
    const allClosed = Promise.all(working.map(({ closed }) => closed))
    await Promise.race([allClosed, sleep(PATIENCE_MS, undefined, { ref: false })])
    for (const { state, slot } of working) {
      if (state === 'working') this.problems.push(`process ${slot + 1} did not stop`)
    }
  }

  /** Kills whoever is still there. */
  async dismiss(): Promise<void> {
    for (const member of this.members) {
      if (member.state === 'working') member.state = 'killed'
      member.child.kill('SIGKILL')
    }
    await Promise.all(this.members.map(({ closed }) => closed))
  }

  async #hire(slot: number): Promise<Member> {
    const name = `${slot + 1}.${this.members.length}`
    const journal = join(this.#scratch, `journal-${name}`)
    const assignment: Assignment = {
      directory: join(this.#scratch, 'store'),
      journal,
      name,
      slot,
      processes: this.#processes,
    }
    // Options of this process, such as a debugger's port, are not for the workers.
    const child = fork(WORKER, [JSON.stringify(assignment)], { execArgv: [] })
    const member: Member = {
      slot,
      child,
      pid: child.pid,
      journal,
      state: 'working',
      tally: emptyTally(),
      file: '',
      rate: 0,
      talliedAtMs: Date.now(),
      closed: Promise.resolve(),
    }
    member.closed = this.#watch(member)
    this.members.push(member)
    // A worker that dies before it is ready must not be waited for.
    await Promise.race([this.#hearUntilReady(member), member.closed])
    return member
  }

  #hearUntilReady(member: Member): Promise<void> {
    return new Promise((resolve) => {
      member.child.on('message', (report: Report) => {
        if (report.kind === 'ready') resolve()
        else if (report.kind === 'tally') noteTally(member, report)
        else this.problems.push(`process ${member.slot + 1}: ${report.message}`)
      })
    })
  }

  #watch(member: Member): Promise<void> {
    return new Promise((resolve) => {
      const end = (how: string | undefined): void => {
        if (member.state === 'working') {
          member.state = 'done'
          if (how !== undefined) this.problems.push(`process ${member.slot + 1} ${how}`)
        }
        member.rate = 0
        resolve()
      }
      member.child.on('error', ({ message }) => end(`could not be started: ${message}`))
      member.child.on('close', (code, signal) => {
        end(code === 0 ? undefined : `ended by itself (${signal ?? `status ${String(code)}`})`)
      })
    })
  }

  #begin({ child }: Member): void {
    order(child, { kind: 'start', startMs: this.#startMs })
  }
}

function order(child: ChildProcess, message: Order): void {
  // One that is dying cannot be told anything; its exit is noticed.
  if (child.connected) child.send(message, () => undefined)
}

/** The rate is smoothed, or it would be too restless to read. */
function noteTally(member: Member, { tally, file }: { tally: Tally; file: string }): void {
  const nowMs = Date.now()
  const passedMs = Math.max(1, nowMs - member.talliedAtMs)
  const done = operationsOf(tally) - operationsOf(member.tally)
  const rate = (done * 1000) / passedMs
  if (member.state === 'working') {
    member.rate = member.rate === 0 ? rate : member.rate * 0.7 + rate * 0.3
  }
  member.tally = tally
  member.talliedAtMs = nowMs
  member.file = file
}
