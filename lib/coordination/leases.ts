import { StoreError } from '../errors.js'
import { publishNotice } from '../diagnostics.js'
import type { CallOptions } from '../object-store.js'
import { checkOptionNames } from '../options.js'
import { Ending, endOf } from './ending.js'
import { hold, Lease, LEASE_MS, yieldMs, type LeaseOptions } from './lease.js'
import type { Register, RegisterStore } from './register.js'
import { Turns } from './turns.js'
import { checkLease } from './visibility.js'

/** Options of `lock`. */
export type LockOptions = Omit<LeaseOptions, 'onLost'>

/** The leases of one opened store. */
export class Leases {
  readonly #registers: RegisterStore
  readonly #turns = new Turns()
  readonly #held = new Set<Lease>()
  /** Those who wait for one. */
  readonly #waiting = new Set<Promise<Lease>>()
  /** Until when this process leaves a lease to others. */
  readonly #yieldUntilMs = new Map<string, number>()
  readonly #closing = new AbortController()

  constructor(registers: RegisterStore) {
    this.#registers = registers
  }

  /** Waits for a lease and gets it. */
  async lease(name: string, options: LeaseOptions): Promise<Lease> {
    checkOptionNames(options, ['signal', 'ttlMs', 'onLost'])
    const { onLost } = options
    if (onLost !== undefined && typeof onLost !== 'function') {
      throw new TypeError('onLost must be a function')
    }
    const register = this.#registers.register('.leases', name)
    const ttlMs = checkLease(register.visibility, 'ttlMs', options.ttlMs ?? LEASE_MS)
    const waiting = this.#wait(register, ttlMs, this.#signalOf(options), onLost)
    this.#waiting.add(waiting)
    try {
      return await waiting
    } finally {
      this.#waiting.delete(waiting)
    }
  }

  /** Runs a function while a lease is held. */
  async lock<T>(
    name: string,
    work: (lease: Lease) => T | Promise<T>,
    options: LockOptions,
  ): Promise<T> {
    if (typeof work !== 'function') throw new TypeError('lock takes a function')
    checkOptionNames(options, ['signal', 'ttlMs'])
    const lease = await this.lease(name, options)
    let result: T
    try {
      result = await work(lease)
    } catch (error) {
      await lease.release().catch((cause: unknown) => publishNotice('a lease was lost', cause))
      throw error
    }
    await lease.release()
    // Others may have had it since the store was closed.
    lease.signal.throwIfAborted()
    return result
  }

  /** Gives up waiting, and gives back what is held. */
  async close(): Promise<void> {
    const reason = new StoreError('CLOSED', 'the store was closed')
    this.#closing.abort(reason)
    // One that was just being got must not be left behind.
    await Promise.allSettled(this.#waiting)
    const releases = [...this.#held].map((lease) => lease.revoke(reason))
    for (const result of await Promise.allSettled(releases)) {
      if (result.status === 'rejected') publishNotice('a lease was lost', result.reason)
    }
  }

  async #wait(
    register: Register,
    ttlMs: number,
    signal: AbortSignal,
    onLost: LeaseOptions['onLost'],
  ): Promise<Lease> {
    const endTurn = await this.#takeTurn(register.name, signal)
    try {
      const lease = await this.#get(register, ttlMs, signal, onLost, endTurn)
      if (!this.#closing.signal.aborted) return lease
      await lease.release()
      throw endOf(this.#closing.signal)
    } catch (error) {
      endTurn()
      throw error
    }
  }

  async #get(
    register: Register,
    ttlMs: number,
    signal: AbortSignal,
    onLost: LeaseOptions['onLost'],
    endTurn: () => void,
  ): Promise<Lease> {
    const { name } = register
    const [held, watch] = await hold(register, ttlMs, signal, this.#takeYieldMs(name))
    const onEnd = (isWanted: boolean): void => {
      this.#held.delete(lease)
      const ms = yieldMs(isWanted)
      if (ms > 0) this.#yield(name, ms)
      endTurn()
    }
    const lease = new Lease(register, held, watch, onLost, onEnd)
    this.#held.add(lease)
    return lease
  }

  #yield(name: string, ms: number): void {
    const nowMs = performance.now()
    for (const [other, untilMs] of this.#yieldUntilMs) {
      if (untilMs < nowMs) this.#yieldUntilMs.delete(other)
    }
    this.#yieldUntilMs.set(name, nowMs + ms)
  }

  #takeYieldMs(name: string): number {
    const untilMs = this.#yieldUntilMs.get(name) ?? 0
    this.#yieldUntilMs.delete(name)
    return untilMs - performance.now()
  }

  #signalOf({ signal }: CallOptions): AbortSignal {
    const closing = this.#closing.signal
    return signal === undefined ? closing : AbortSignal.any([signal, closing])
  }

  /** Waits its turn; an abort leaves the line, which goes on without it. */
  async #takeTurn(name: string, signal: AbortSignal): Promise<() => void> {
    const turn = this.#turns.take(name)
    const ending = new Ending(signal)
    try {
      return await Promise.race([turn, ending.reached])
    } catch (error) {
      void turn.then((endTurn) => endTurn())
      throw error
    } finally {
      ending.dispose()
    }
  }
}
