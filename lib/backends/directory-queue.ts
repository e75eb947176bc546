import { toSource } from '../body.js'
import type { DeadLetter, JobSource, PushRequest, QueueBackend } from '../coordination/queue.js'
import type { Visibility } from '../coordination/visibility.js'
import type { Operation } from '../drivers/effects.js'
import { toStoreError } from '../errors.js'
import { toObjectKey } from '../key.js'
import type { Body, CallOptions } from '../object-store.js'
import { readOnlyError } from '../protocol/private-names.js'
import { countJobs, type QueueCounts } from '../protocol/queue-count.js'
import { deadNames, discard, openDead, readReason, requeue } from '../protocol/queue-dead.js'
import { push } from '../protocol/queue-push.js'
import { locateQueue, type DeadName, type QueuePath } from '../protocol/queue.js'
import { runFor, type QueueHost, type QueueRunOptions, type QueueVerb } from './queue-host.js'
import { DirectorySource } from './queue-source.js'
import { durabilityOf } from './requests.js'

/** The queues of a directory, and whoever consumes them through this store. */
export class DirectoryQueues {
  readonly #host: QueueHost
  readonly #sources = new Set<DirectorySource>()

  constructor(host: QueueHost) {
    this.#host = host
  }

  /** The queue with a name. */
  queue(name: string): QueueBackend {
    const place = locateQueue(this.#host.context, toObjectKey(name))
    return new DirectoryQueue(this.#host, place, this.#sources)
  }

  /** Ends all consuming, and gives back what is not settled. */
  async stop(): Promise<void> {
    await Promise.all([...this.#sources].map((source) => source.close()))
  }
}

/** Runs the operations of one queue. */
class DirectoryQueue implements QueueBackend {
  readonly #host: QueueHost
  readonly #queue: QueuePath
  readonly #sources: Set<DirectorySource>

  constructor(host: QueueHost, queue: QueuePath, sources: Set<DirectorySource>) {
    this.#host = host
    this.#queue = queue
    this.#sources = sources
  }

  get visibility(): Visibility {
    return this.#host.context
  }

  async push(body: Body, request: PushRequest): Promise<string | undefined> {
    const { context } = this.#host
    this.#host.requireOpen('push')
    const { delayMs, dedupeHash, signal } = request
    const durability = durabilityOf(context, request)
    const source = toSource(body)
    const how = { delayMs, keyHash: dedupeHash, durability }
    const places = source.bytes === undefined ? 0 : 1
    try {
      const pushing = push(context, this.#queue, source, how)
      const id = await this.#run('push', pushing, { signal, places })
      if (id === undefined) source.cancel(new Error('there is a job with the same dedupeKey'))
      return id
    } catch (error) {
      source.cancel(error)
      throw error
    }
  }

  jobs(leaseMs: number, maxAttempts: number): JobSource {
    this.#host.requireOpen('consume')
    const { context } = this.#host
    if (context.readOnly !== undefined) throw toStoreError(readOnlyError(context), 'consume')
    const onEnd = (ended: DirectorySource): void => void this.#sources.delete(ended)
    const source = new DirectorySource(this.#host, this.#queue, leaseMs, maxAttempts, onEnd)
    this.#sources.add(source)
    return source
  }

  counts({ signal }: CallOptions): Promise<QueueCounts> {
    return this.#run('counts', countJobs(this.#host.context, this.#queue), { signal })
  }

  async *deadLetters({ signal }: CallOptions): AsyncGenerator<DeadLetter> {
    const { context } = this.#host
    const naming = deadNames(context, this.#queue)
    for (const dead of await this.#run('deadLetters', naming, { signal })) {
      const reading = readReason(context, this.#queue, dead)
      yield this.#letter(dead, (await this.#run('deadLetters', reading, { signal })) ?? '')
    }
  }

  #letter(dead: DeadName, reason: string): DeadLetter {
    const { context, hold } = this.#host
    const queue = this.#queue
    const { durability } = context
    return {
      id: dead.id,
      attempts: dead.attempts,
      reason,
      read: async () => {
        const handle = await this.#run('read', openDead(context, queue, dead))
        return handle === undefined ? undefined : hold(handle)
      },
      requeue: () => this.#run('requeue', requeue(context, queue, dead, durability)),
      discard: () => this.#run('discard', discard(context, queue, dead, durability)),
    }
  }

  async #run<T>(verb: QueueVerb, operation: Operation<T>, how?: QueueRunOptions): Promise<T> {
    this.#host.requireOpen(verb)
    return await runFor(this.#host, this.#queue, verb, operation, how)
  }
}
