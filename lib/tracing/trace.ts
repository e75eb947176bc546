/**
 * Tracing: each operation of a store is published on a channel of its own. Where nobody listens
 * to it, one question is all it costs, and nothing is made.
 */
import { tracingChannel, type Channel } from 'node:diagnostics_channel'
import type { Counts } from '../drivers/observed.js'
import { StoreError } from '../errors.js'
import { hashKey } from '../key.js'
import type { SweepReport } from '../protocol/sweep-sum.js'
import type { OperationMessage, OperationName, Outcome } from './operations.js'

type Filling = { -readonly [Member in keyof OperationMessage]: OperationMessage[Member] } & Counts

/** As Node has it since 20.13, which its declarations for 20 do not know. */
interface Tracing {
  readonly hasSubscribers: boolean
  readonly start: Channel<unknown, OperationMessage>
  readonly end: Channel<unknown, OperationMessage>
  readonly asyncStart: Channel<unknown, OperationMessage>
  readonly asyncEnd: Channel<unknown, OperationMessage>
  readonly error: Channel<unknown, OperationMessage>
}

/** What it means that there is no result. */
const WITHOUT_RESULT: Readonly<Partial<Record<OperationName, Outcome>>> = {
  read: 'absent',
  stat: 'absent',
  remove: 'absent',
  take: 'absent',
  copy: 'absent',
  rename: 'absent',
  'queue:claim': 'absent',
  'queue:read': 'absent',
  'queue:requeue': 'absent',
  'queue:discard': 'absent',
  'queue:push': 'refused',
  'cell:set': 'refused',
  'lease:set': 'refused',
  'flight:set': 'refused',
}

/** Made when they are first asked for: all of them would take as long as a store to open. */
const channels: Partial<Record<OperationName, Tracing>> = {}

/**
 * Begins to watch an operation, if anybody listens; else undefined, and nothing is made.
 *
 * @param key - what {@link OperationMessage.keyHash} is the hash of
 */
export function traceOf(
  name: OperationName,
  root: string,
  isSync: boolean,
  key?: string,
): Trace | undefined {
  const tracing = (channels[name] ??= tracingChannel(`linkstore:${name}`) as unknown as Tracing)
  return tracing.hasSubscribers ? new Trace(tracing, name, root, isSync, key) : undefined
}

/** One operation that somebody watches. */
export class Trace {
  readonly #tracing: Tracing
  readonly #key: string | undefined
  readonly #message: Filling
  #startMs = 0

  constructor(
    tracing: Tracing,
    operation: OperationName,
    root: string,
    isSync: boolean,
    key: string | undefined,
  ) {
    this.#tracing = tracing
    this.#key = key
    this.#message = {
      operation,
      root,
      keyHash: undefined,
      isSync,
      outcome: undefined,
      durationMs: undefined,
      bytesRead: 0,
      bytesWritten: 0,
      calls: 0,
      hops: 0,
      retries: { provedAbsent: 0, foundAfterAll: 0, stale: 0, outrun: 0 },
      swept: undefined,
      error: undefined,
    }
  }

  /** What is counted while it runs. */
  get counts(): Counts {
    return this.#message
  }

  /** Says what a sweep has removed, if it was not a dry run. */
  noteSwept(
    report: SweepReport,
    { dryRun = false }: { readonly dryRun?: boolean | undefined },
  ): void {
    if (!dryRun) this.#message.swept = report
  }

  /** Runs it; stores that subscribers have bound to its start are there meanwhile. */
  run<T>(work: () => Promise<T>): Promise<T> {
    return this.#tracing.start.runStores(this.#begin(), async () => {
      const running = work()
      this.#tracing.end.publish(this.#message)
      try {
        return this.#succeed(await running)
      } catch (error) {
        this.#fail(error)
        throw error
      } finally {
        this.#endLater()
      }
    })
  }

  /** The same for the synchronous face. */
  runSync<T>(work: () => T): T {
    return this.#tracing.start.runStores(this.#begin(), () => {
      try {
        return this.#succeed(work())
      } catch (error) {
        this.#fail(error)
        throw error
      } finally {
        this.#tracing.end.publish(this.#message)
      }
    })
  }

  /** Begins what goes on for as long as its caller wants, such as a listing. */
  begin(): void {
    const { start, end } = this.#tracing
    start.runStores(this.#begin(), () => undefined)
    if (!this.#message.isSync) end.publish(this.#message)
  }

  /** The values that a generator gives, which is watched meanwhile. */
  *during<T>(values: Iterable<T>): Generator<T> {
    this.begin()
    try {
      yield* values
    } catch (error) {
      this.finish(error)
      throw error
    } finally {
      this.finish()
    }
  }

  /**
   * Ends that; a second time does nothing.
   *
   * @param error - why it failed; undefined if it did not
   */
  finish(error?: unknown): void {
    if (this.#message.outcome !== undefined) return
    if (error === undefined) this.#end('done')
    else this.#fail(error)
    if (this.#message.isSync) this.#tracing.end.publish(this.#message)
    else this.#endLater()
  }

  #begin(): OperationMessage {
    if (this.#key !== undefined) this.#message.keyHash = hashKey(this.#key)
    this.#startMs = performance.now()
    return this.#message
  }

  #succeed<T>(result: T): T {
    const { operation } = this.#message
    const isNothing = result === undefined || result === false
    this.#end((isNothing ? WITHOUT_RESULT[operation] : undefined) ?? 'done')
    return result
  }

  #fail(error: unknown): void {
    if (error instanceof StoreError && error.code === 'PRECONDITION_FAILED') {
      this.#end('refused')
      return
    }
    this.#message.error = withoutKey(error)
    this.#end('failed')
    this.#tracing.error.publish(this.#message)
  }

  #end(outcome: Outcome): void {
    this.#message.outcome = outcome
    this.#message.durationMs = performance.now() - this.#startMs
  }

  #endLater(): void {
    this.#tracing.asyncStart.publish(this.#message)
    this.#tracing.asyncEnd.publish(this.#message)
  }
}

function withoutKey(error: unknown): unknown {
  if (!(error instanceof StoreError) || error.key === undefined) return error
  const { code, message, operation, path, cause, stack } = error
  const bare = new StoreError(code, message, { operation, path, cause })
  if (stack !== undefined) bare.stack = stack
  return bare
}
