import { ClaimWatch } from '../coordination/claim-watch.js'
import type { HeldJob, JobSource } from '../coordination/queue.js'
import { publishNotice } from '../diagnostics.js'
import type { Operation } from '../drivers/effects.js'
import { isDamage } from '../protocol/list.js'
import { claimedNames, claimNext, claimOf, openClaim, type Claim } from '../protocol/queue-claim.js'
import { ReadyJobs } from '../protocol/queue-ready.js'
import { bury, expireClaim, giveBack } from '../protocol/queue-settle.js'
import type { QueuePath } from '../protocol/queue.js'
import type { Handle } from '../protocol/read.js'
import { HeldClaim } from './held-claim.js'
import { leniently, runFor, type QueueHost, type QueueVerb } from './queue-host.js'

/** What one consumer claims, and what it sees of the claims of others. */
export class DirectorySource implements JobSource {
  readonly #host: QueueHost
  readonly #queue: QueuePath
  readonly #leaseMs: number
  readonly #maxAttempts: number
  readonly #onEnd: (source: DirectorySource) => void
  readonly #ready = new ReadyJobs()
  readonly #watch: ClaimWatch
  readonly #held = new Set<HeldClaim>()
  readonly #closing = new AbortController()
  #isEnded = false

  constructor(
    host: QueueHost,
    queue: QueuePath,
    leaseMs: number,
    maxAttempts: number,
    onEnd: (source: DirectorySource) => void,
  ) {
    this.#host = host
    this.#queue = queue
    this.#leaseMs = leaseMs
    this.#maxAttempts = maxAttempts
    this.#onEnd = onEnd
    this.#watch = new ClaimWatch(leaseMs)
  }

  get closed(): AbortSignal {
    return this.#closing.signal
  }

  async next(): Promise<HeldJob | number> {
    const { context } = this.#host
    for (;;) {
      if (this.#watch.isDue(performance.now())) await this.#expireAbandoned()
      const claimedMs = performance.now()
      const claiming = claimNext(context, this.#queue, this.#ready, this.#leaseMs)
      const claim = await this.#run('claim', claiming)
      if (claim === undefined) {
        const dueInMs = this.#ready.nextDueMs - context.now()
        return Math.max(1, Math.min(dueInMs, this.#watch.dueInMs(performance.now())))
      }
      const held = await this.#open(claim, claimedMs)
      if (held !== undefined) return held
      if (this.#isEnded) return Infinity
    }
  }

  /** Ends consuming because the store is closed. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.end()
  }

  async end(): Promise<void> {
    this.#isEnded = true
    this.#onEnd(this)
    await Promise.all([...this.#held].map((held) => held.giveBack()))
  }

  /** Opens what was claimed; undefined when it is not there to be given out. */
  async #open(claim: Claim, claimedMs: number): Promise<HeldJob | undefined> {
    const { context, hold } = this.#host
    const { durability } = context
    let handle: Handle | undefined
    try {
      // What was claimed when the end came is given back without being read.
      handle = this.#isEnded ? undefined : await this.#run('read', openClaim(context, claim))
    } catch (error) {
      if (isDamage(error)) {
        publishNotice(`a job of the queue ${this.#queue.key.text} cannot be read`, error)
        await this.#run('fail', leniently(bury(context, claim, error.message, durability)))
        return undefined
      }
      await this.#quietly(giveBack(context, claim))
      throw error
    }
    if (handle === undefined || this.#isEnded) {
      if (handle !== undefined) await hold(handle).close()
      await this.#quietly(giveBack(context, claim))
      return undefined
    }
    const forget = (over: HeldClaim): void => void this.#held.delete(over)
    const held = new HeldClaim(this.#host, claim, hold(handle), claimedMs, forget)
    this.#held.add(held)
    return held
  }

  async #expireAbandoned(): Promise<void> {
    const { context } = this.#host
    const beganMs = performance.now()
    const names = await this.#run('watch', claimedNames(context, this.#queue))
    for (const name of this.#watch.see(names, beganMs, performance.now())) {
      const claim = claimOf(this.#queue, name)
      const made = name.attempts + 1
      const reason = `given up after ${made} attempts, the last of which let its lease run out`
      const isLast = made >= this.#maxAttempts
      const ending = isLast
        ? bury(context, claim, reason, context.durability)
        : expireClaim(context, claim)
      await this.#run('watch', leniently(ending))
    }
  }

  async #quietly(operation: Operation<void>): Promise<void> {
    try {
      await this.#run('giveBack', leniently(operation))
    } catch (error) {
      publishNotice('a job could not be given back; its lease will run out', error)
    }
  }

  #run<T>(verb: QueueVerb, operation: Operation<T>): Promise<T> {
    return runFor(this.#host, this.#queue, verb, operation, { errorName: 'claim' })
  }
}
