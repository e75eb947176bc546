import { constants } from 'node:os'
import { pipeline } from 'node:stream/promises'
import type { Job } from '../../../index.js'
import { ChildCommand } from '../child-command.js'
import { describe, EXIT, hasCode, isStoreError } from '../failure.js'
import type { Session, Signal } from '../session.js'
import { LeaseKeeper } from './lease-keeper.js'

/** How jobs are worked on. */
export interface WorkHow {
  readonly leaseMs: number
  readonly maxAttempts: number
  readonly retryDelayMs: number
}

/** Runs a command for each job, and settles the job by how that ends. */
export class Workers {
  readonly #session: Session
  readonly #words: readonly string[]
  readonly #how: WorkHow
  readonly #stop = new AbortController()
  readonly #running = new Set<Promise<void>>()
  readonly #children = new Set<ChildCommand>()
  /** Jobs whose command failed when it was last run. */
  readonly #failed = new Set<string>()
  #interruptedBy: Signal | undefined
  #failure: { readonly error: unknown } | undefined

  constructor(session: Session, words: readonly string[], how: WorkHow) {
    this.#session = session
    this.#words = words
    this.#how = how
  }

  /** Aborted when no command runs and none is to be: whatever is not settled can be given back. */
  get signal(): AbortSignal {
    return this.#stop.signal
  }

  /** Begins to work on a job. */
  begin(job: Job): void {
    const working = this.#work(job)
      .catch((error: unknown) => this.abandon(error))
      .finally(() => {
        this.#running.delete(working)
        if (this.#isEnding()) this.#end()
      })
    this.#running.add(working)
  }

  /** Works on no more jobs; a second signal waits for nothing. */
  interrupt(signal: Signal): void {
    const isRepeated = this.#interruptedBy !== undefined
    this.#interruptedBy ??= signal
    this.#end()
    if (isRepeated) for (const child of this.#children) child.kill()
  }

  /** Works on no more jobs, for what has failed is more than one of them. */
  abandon(error: unknown): void {
    this.#failure ??= { error }
    this.#end()
  }

  /** Ends it because everything is done. */
  finish(): void {
    this.#stop.abort()
  }

  /** Waits until no command runs. */
  async idle(): Promise<void> {
    await Promise.all(this.#running)
  }

  /** Says how it went. */
  async conclude(): Promise<void> {
    await this.idle()
    if (this.#interruptedBy !== undefined) {
      this.#session.note(`interrupted by ${this.#interruptedBy}`)
      this.#session.status = 128 + constants.signals[this.#interruptedBy]
    } else if (this.#failure !== undefined) {
      throw this.#failure.error
    } else if (this.#failed.size > 0) {
      this.#session.status = EXIT.failed
    }
  }

  #isEnding(): boolean {
    return this.#interruptedBy !== undefined || this.#failure !== undefined
  }

  #end(): void {
    for (const child of this.#children) child.end()
    if (this.#running.size === 0) this.#stop.abort()
  }

  async #work(job: Job): Promise<void> {
    // It is not settled, and so given back.
    if (this.#isEnding()) return
    const env = { LINKSTORE_JOB_ID: job.id, LINKSTORE_JOB_ATTEMPT: String(job.attempts) }
    const child = await ChildCommand.start(this.#words, { env, input: 'pipe' })
    this.#children.add(child)
    if (this.#isEnding()) child.end()
    const keeper = new LeaseKeeper(job, this.#how.leaseMs, () => {
      this.#session.note(`the lease of the job ${job.id} is lost; its command is ended`)
      child.end()
    })
    try {
      const feeding = feed(job, child)
      const status = await child.ended
      this.#children.delete(child)
      child.stdin.destroy()
      const unread = await feeding
      if (keeper.isLost || this.#isEnding()) return
      if (unread !== undefined) await this.#fail(job, `its body cannot be read: ${unread}`)
      else if (status !== 0) await this.#fail(job, `the command ended with ${status}`)
      else await this.#done(job)
    } finally {
      keeper[Symbol.dispose]()
    }
  }

  async #done(job: Job): Promise<void> {
    this.#failed.delete(job.id)
    await this.#settle(job, () => job.ack())
  }

  async #fail(job: Job, reason: string): Promise<void> {
    const { maxAttempts, retryDelayMs: delayMs } = this.#how
    const count = `attempt ${job.attempts} of ${maxAttempts}`
    this.#failed.add(job.id)
    this.#session.note(`the job ${job.id} failed: ${reason} (${count})`)
    await this.#settle(job, () =>
      job.attempts < maxAttempts ? job.retry({ delayMs }) : job.fail(`${reason} (${count})`),
    )
  }

  async #settle(job: Job, action: () => Promise<void>): Promise<void> {
    try {
      await action()
    } catch (error) {
      if (!hasCode(error, 'LEASE_LOST')) throw error
      this.#session.note(
        `the job ${job.id} was lost before it could be settled; it is given out again`,
      )
    }
  }
}

/**
 * Gives a job's body to its command, which need not read it; says why if the store cannot give
 * it, and ends the command, which has seen a part.
 */
async function feed(job: Job, child: ChildCommand): Promise<string | undefined> {
  try {
    await pipeline(job.stream(), child.stdin)
    return undefined
  } catch (error) {
    if (!isStoreError(error)) return undefined
    child.end()
    return describe(error)
  }
}
