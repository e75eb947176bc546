import { randomBytes, randomInt } from 'node:crypto'
import { StoreError } from '../errors.js'
import type { CallOptions } from '../object-store.js'
import { asEnd, sleep } from './ending.js'
import { Contender, isWanted, letGo, renew, tryToHold, type Held, type Talk } from './holding.js'
import type { Register } from './register.js'
import { Stopwatch } from './stopwatch.js'

/** How long a lease is held without being renewed, unless it is told. */
export const LEASE_MS = 10_000
/** How often a lease is renewed in its time. */
const RENEWALS = 3
/** How long a renewal that failed waits, at most, before it is tried again. */
const MAX_RETRY_MS = 1000

/** How long contenders wait on average between two looks. */
const POLL_MS = 25
/** How long a process leaves a lease that others want, so that they find it free. */
const YIELD_MS = 4 * POLL_MS

/** Options of `lease` and `lock`. */
export interface LeaseOptions extends CallOptions {
  /**
   * How long others wait for a holder that shows no sign of life; default 10 s. It is renewed in
   * the background. At least 100 ms on local file systems, 1 s on others, and there 120 s with
   * `fresh: false`.
   */
  readonly ttlMs?: number | undefined
  /** Called once, with the reason, when it is not certain any more that the lease is held. */
  readonly onLost?: ((reason: StoreError) => void) | undefined
}

/** Has a conversation with a register. */
export async function converse<T>(
  register: Register,
  talk: Talk<T>,
  options: CallOptions,
): Promise<T> {
  let step = talk.next()
  try {
    while (step.done !== true) {
      const ask = step.value
      const answer =
        ask.kind === 'read'
          ? await register.read(options)
          : await register.compareAndSet(ask.seen, ask.value, options)
      step = talk.next(answer)
    }
    return step.value
  } catch (error) {
    throw asEnd(error, options.signal)
  }
}

/** A name for a holder that nobody else has. */
export function newHolder(): string {
  return randomBytes(16).toString('hex')
}

/** Waits until a lease is got. */
export async function hold(
  register: Register,
  ttlMs: number,
  signal: AbortSignal | undefined,
  afterMs: number,
): Promise<[held: Held, watch: Stopwatch]> {
  const contender = new Contender(newHolder(), ttlMs)
  if (afterMs > 0) await sleep(afterMs, signal)
  for (;;) {
    const watch = new Stopwatch()
    const got = await converse(register, tryToHold(contender, now), { signal })
    if (typeof got === 'number') await sleep(Math.min(got, pollMs()), signal)
    // What took longer than its time others may have by now.
    else if (watch.elapsedMs() < ttlMs) return [got, watch]
  }
}

/** How long to wait before the next look. */
export function pollMs(): number {
  return POLL_MS / 2 + randomInt(POLL_MS)
}

/** This process's own clock. */
export const now = (): number => performance.now()

/**
 * A lease that was got: until it is released or lost, nobody else has it. Its holder learns that
 * it may be lost by `signal`, `onLost` and the rejection of `release`, before anybody else gets it.
 * What must not be done by two must carry the token, and be refused by whoever has seen a larger.
 */
export class Lease implements AsyncDisposable {
  /** Larger than that of any holder before. */
  readonly token: number
  readonly #register: Register
  readonly #held: Held
  readonly #onEnd: (isWanted: boolean) => void
  readonly #lost = new AbortController()
  readonly #revoked = new AbortController()
  /** Aborted, with the reason, when it is lost, or given back because its store is closed. */
  readonly signal = AbortSignal.any([this.#lost.signal, this.#revoked.signal])
  /** Runs since before the register was last set. */
  #watch: Stopwatch
  #timer: NodeJS.Timeout | undefined
  #deadline: NodeJS.Timeout | undefined
  #renewing: Promise<void> | undefined
  #failure: unknown
  #releasing: Promise<void> | undefined

  /** @internal Made by `store.lease`. */
  constructor(
    register: Register,
    held: Held,
    watch: Stopwatch,
    onLost: ((reason: StoreError) => void) | undefined,
    onEnd: (isWanted: boolean) => void,
  ) {
    this.token = held.token
    this.#register = register
    this.#held = held
    this.#watch = watch
    this.#onEnd = onEnd
    // What it throws is reported as what any listener of an event throws, and changes nothing here.
    const tell = (): void => onLost?.(this.#lost.signal.reason as StoreError)
    this.#lost.signal.addEventListener('abort', tell, { once: true })
    this.#schedule()
  }

  /** Whether it is held: neither released nor lost. */
  get isHeld(): boolean {
    if (this.#releasing !== undefined || this.#lost.signal.aborted) return false
    return this.#leftMs() > 0
  }

  /**
   * Gives it back, so that others need not wait. Releasing twice is fine.
   *
   * @throws StoreError `LEASE_LOST` when it was lost before: others may have had it meanwhile
   */
  release(): Promise<void> {
    this.#releasing ??= this.#release()
    return this.#releasing
  }

  /** The same as {@link release}: for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.release()
  }

  /** @internal Gives it back though its holder may be at work, and tells it so. */
  revoke(reason: StoreError): Promise<void> {
    if (this.#releasing === undefined) this.#revoked.abort(reason)
    return this.release()
  }

  async #release(): Promise<void> {
    clearTimeout(this.#timer)
    await this.#renewing
    clearTimeout(this.#timer)
    if (this.#leftMs() <= 0) this.#lose(this.#failure)
    try {
      if (this.#lost.signal.aborted) throw this.#lost.signal.reason
      const { signal } = this.#lost
      this.#watchDeadline()
      const wasHeld = await converse(this.#register, letGo(this.#held), { signal })
      if (!wasHeld) throw lostLease(this.#register.name, undefined)
    } catch (error) {
      throw this.#lost.signal.aborted ? this.#lost.signal.reason : error
    } finally {
      this.#clear()
      this.#onEnd(isWanted(this.#held))
    }
  }

  #leftMs(): number {
    return this.#held.ttlMs - this.#watch.elapsedMs()
  }

  #schedule(afterMs = this.#held.ttlMs / RENEWALS): void {
    this.#timer = setTimeout(this.#onTime, afterMs)
    this.#timer.unref()
    this.#watchDeadline()
  }

  #watchDeadline(): void {
    clearTimeout(this.#deadline)
    this.#deadline = setTimeout(this.#onDeadline, Math.max(0, this.#leftMs()))
    this.#deadline.unref()
  }

  #clear(): void {
    clearTimeout(this.#timer)
    clearTimeout(this.#deadline)
  }

  readonly #onTime = (): void => {
    this.#renewing = this.#renew().finally(() => (this.#renewing = undefined))
  }

  readonly #onDeadline = (): void => {
    if (this.#leftMs() <= 0) this.#lose(this.#failure)
    else this.#watchDeadline()
  }

  async #renew(): Promise<void> {
    if (this.#leftMs() <= 0) return this.#lose(this.#failure)
    const watch = new Stopwatch()
    try {
      const { signal } = this.#lost
      const isStillHeld = await converse(this.#register, renew(this.#held), { signal })
      if (!isStillHeld) return this.#lose(undefined)
      this.#watch = watch
      this.#failure = undefined
      if (this.#releasing === undefined) this.#schedule()
    } catch (error) {
      this.#failure = error
      const retryMs = Math.min(MAX_RETRY_MS, this.#held.ttlMs / RENEWALS / RENEWALS)
      if (this.#releasing === undefined && !this.#lost.signal.aborted) this.#schedule(retryMs)
    }
  }

  #lose(cause: unknown): void {
    if (this.#lost.signal.aborted) return
    this.#clear()
    this.#lost.abort(lostLease(this.#register.name, cause))
    if (this.#releasing === undefined) this.#onEnd(false)
  }
}

/** How long a process leaves a lease alone that it has just released. */
export function yieldMs(wasWanted: boolean): number {
  return wasWanted ? YIELD_MS : 0
}

function lostLease(key: string, cause: unknown): StoreError {
  const why = cause === undefined ? 'it was not renewed in time' : 'it could not be renewed'
  const message = `the lease is lost: ${why}; others may have it by now`
  return new StoreError('LEASE_LOST', message, { operation: 'lease', key, cause })
}
