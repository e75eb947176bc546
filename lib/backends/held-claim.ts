import type { HeldJob } from '../coordination/queue.js'
import { publishNotice } from '../diagnostics.js'
import type { Operation } from '../drivers/effects.js'
import { StoreError } from '../errors.js'
import type { StoredObject } from '../object-store.js'
import type { Claim } from '../protocol/queue-claim.js'
import {
  acknowledge,
  bury,
  extendClaim,
  giveBack,
  isLeaseLost,
  retryJob,
} from '../protocol/queue-settle.js'
import { leniently, runFor, type QueueHost, type QueueVerb } from './queue-host.js'

type State = 'held' | 'settled' | 'lost'

/** A claimed job; what is asked of it is done one after the other. */
export class HeldClaim implements HeldJob {
  readonly id: string
  readonly attempts: number
  readonly body: StoredObject
  leaseEndsMs: number
  readonly #host: QueueHost
  readonly #claim: Claim
  readonly #onOver: (held: HeldClaim) => void
  #state: State = 'held'
  #turn: Promise<unknown> = Promise.resolve()

  constructor(
    host: QueueHost,
    claim: Claim,
    body: StoredObject,
    claimedMs: number,
    onOver: (held: HeldClaim) => void,
  ) {
    this.id = claim.name.id
    this.attempts = claim.name.attempts + 1
    this.body = body
    this.leaseEndsMs = claimedMs + claim.name.leaseMs
    this.#host = host
    this.#claim = claim
    this.#onOver = onOver
  }

  get isOver(): boolean {
    return this.#state !== 'held'
  }

  async ack(): Promise<void> {
    const { context } = this.#host
    await this.#settle('ack', () => acknowledge(context, this.#claim, context.durability))
  }

  async retry(delayMs: number): Promise<void> {
    const { context } = this.#host
    await this.#settle('retry', () => retryJob(context, this.#claim, delayMs, context.durability))
  }

  async bury(reason: string): Promise<void> {
    const { context } = this.#host
    await this.#settle('fail', () => bury(context, this.#claim, reason, context.durability))
  }

  async extend(): Promise<void> {
    await this.#inTurn('extend', async () => {
      const beganMs = performance.now()
      await this.#run('extend', extendClaim(this.#host.context, this.#claim))
      this.leaseEndsMs = beganMs + this.#claim.name.leaseMs
    })
  }

  /** Gives it back as it was, unless it is settled. */
  async giveBack(): Promise<void> {
    try {
      await this.#inTurn('consume', async () => {
        await this.body.close()
        await this.#run('giveBack', leniently(giveBack(this.#host.context, this.#claim)))
        this.#end('lost')
      })
    } catch (error) {
      if (this.isOver) return
      this.#end('lost')
      publishNotice('a job could not be given back; its lease will run out', error)
    }
  }

  async #settle(name: QueueVerb, operation: () => Operation<void>): Promise<void> {
    await this.#inTurn(name, async () => {
      // A file that is open when it is unlinked leaves a name behind on NFS, until it is closed.
      await this.body.close()
      await this.#run(name, operation())
      this.#end('settled')
    })
  }

  #inTurn(name: string, action: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(async () => {
      if (this.isOver) throw this.#overError(name)
      await action()
    })
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  async #run(verb: QueueVerb, operation: Operation<void>): Promise<void> {
    const errorName = verb === 'giveBack' ? 'consume' : verb
    try {
      await runFor(this.#host, this.#claim.queue, verb, operation, { errorName })
    } catch (error) {
      if (isLeaseLost(error)) this.#end('lost')
      throw error
    }
  }

  #end(state: State): void {
    this.#state = state
    void this.body.close()
    this.#onOver(this)
  }

  #overError(operation: string): StoreError {
    const { id } = this
    const details = { operation, key: this.#claim.queue.key.text }
    if (this.#state === 'settled') {
      const message = `the job ${id} is settled already; settle each job once`
      return new StoreError('CLOSED', message, details)
    }
    const message = `the job ${id} is not this consumer's any more; somebody else does it again`
    return new StoreError('LEASE_LOST', message, details)
  }
}
