import { setTimeout as delay } from 'node:timers/promises'
import { publishNotice } from '../diagnostics.js'
import { StoreError } from '../errors.js'
import type { Body, CallOptions, ObjectStore, StoredObject, WriteOptions } from '../object-store.js'
import {
  checkAttributes,
  checkDurability,
  checkNumber,
  checkOptionNames,
  MAX_TTL_MS,
} from '../options.js'
import { asEnd, Ending, sleep } from './ending.js'
import { Contender, tryToHold } from './holding.js'
import { converse, Lease, LEASE_MS, newHolder, now, pollMs } from './lease.js'
import type { Register, RegisterStore } from './register.js'
import { Stopwatch } from './stopwatch.js'
import { checkLease } from './visibility.js'

/** Options of `getOrCreate`. */
export interface CreateOptions extends Omit<WriteOptions, 'ifAbsent'> {
  /**
   * For how long after its `ttlMs` a value is still given out, while one process makes a new
   * one; default 0. It needs `ttlMs`.
   */
  readonly staleWhileRevalidateMs?: number | undefined
  /** For how long to wait while another process makes the value; default: for ever. */
  readonly waitMs?: number | undefined
  /** After so long without a sign of life another takes over; default 10 s. See `lease`. */
  readonly leaseMs?: number | undefined
}

/**
 * Makes a value. The signal aborts when the lease is lost, and another process may begin; and when
 * the store is closed, which waits for it.
 */
export type Create = (how: { readonly signal: AbortSignal }) => Body | Promise<Body>

/** Has each value made by one process, though many on many hosts ask for it. */
export class SingleFlight {
  readonly #objects: ObjectStore
  readonly #registers: RegisterStore
  /** What is being made by this process, or waited for. */
  readonly #flights = new Map<string, Promise<Buffer>>()
  readonly #closing = new AbortController()

  constructor(objects: ObjectStore, registers: RegisterStore) {
    this.#objects = objects
    this.#registers = registers
  }

  async getOrCreate(key: string, create: Create, options: CreateOptions): Promise<Buffer> {
    if (typeof create !== 'function') throw new TypeError('getOrCreate takes a function')
    const plan = planOf(this.#registers.register('.flights', key), create, options)
    const { signal } = options
    const waiting = new Stopwatch()
    for (;;) {
      const found = await this.#find(key, plan, { signal })
      if (found?.isStale === true) this.#refresh(key, plan)
      if (found !== undefined) return found.bytes
      const waitMs = plan.waitMs - waiting.elapsedMs()
      const known = this.#flights.get(key)
      if (known === undefined) {
        return await unlessAborted(this.#begin(key, { ...plan, waitMs }), signal)
      }
      // Whatever it ends with is told to the one that began it; the others look for themselves.
      const joined = known.then(copyOf, () => undefined)
      const made = await within(waitMs, unlessAborted(joined, signal), key)
      if (made !== undefined) return made
    }
  }

  /** Waits for what is being made; what is waited for is given up. */
  async close(): Promise<void> {
    this.#closing.abort(new StoreError('CLOSED', 'the store was closed'))
    await Promise.allSettled(this.#flights.values())
  }

  #refresh(key: string, plan: Plan): void {
    if (this.#flights.has(key)) return
    this.#begin(key, { ...plan, waitMs: 0 }).catch((error: unknown) => {
      if (!isBusy(error)) publishNotice('a stale value could not be made anew', error)
    })
  }

  /** In one process one asks, for all. */
  #begin(key: string, plan: Plan): Promise<Buffer> {
    const flight = this.#fly(key, plan).finally(() => this.#flights.delete(key))
    this.#flights.set(key, flight)
    return flight
  }

  async #fly(key: string, plan: Plan): Promise<Buffer> {
    const { signal } = this.#closing
    const contender = new Contender(newHolder(), plan.leaseMs)
    const waiting = new Stopwatch()
    for (;;) {
      const watch = new Stopwatch()
      const got = await converse(plan.register, tryToHold(contender, now), { signal })
      if (typeof got !== 'number') {
        const lease = new Lease(plan.register, got, watch, undefined, () => undefined)
        return await this.#make(key, plan, lease)
      }
      const leftMs = plan.waitMs - waiting.elapsedMs()
      if (leftMs <= 0) throw busy(key)
      await sleep(Math.min(got, leftMs, pollMs()), signal)
      const found = await this.#find(key, plan, { signal })
      if (found?.isStale === false) return found.bytes
    }
  }

  async #make(key: string, plan: Plan, lease: Lease): Promise<Buffer> {
    try {
      // Somebody may have made it between the last look and the lease.
      const found = await this.#find(key, plan, {})
      if (found?.isStale === false) return found.bytes
      const signal = AbortSignal.any([lease.signal, this.#closing.signal])
      const body = await plan.create({ signal })
      await this.#objects.write(key, body, plan.write)
      const made = await this.#find(key, plan, {})
      if (made !== undefined) return made.bytes
      const message = 'the value was gone again when it was made; is its ttlMs too short?'
      throw new StoreError('UNAVAILABLE', message, { operation: 'getOrCreate', key })
    } finally {
      // Whoever took over makes the value again, which does no harm.
      await lease.release().catch((error: unknown) => publishNotice('a lease was lost', error))
    }
  }

  async #find(key: string, { staleMs }: Plan, options: CallOptions): Promise<Found | undefined> {
    const object = await this.#objects.read(key, options).catch((error: unknown) => {
      throw asEnd(error, options.signal)
    })
    if (object === undefined) return undefined
    try {
      return { bytes: await object.bytes(), isStale: isStale(object, staleMs) }
    } finally {
      await object.close()
    }
  }
}

interface Found {
  readonly bytes: Buffer
  readonly isStale: boolean
}

interface Plan {
  readonly register: Register
  readonly create: Create
  readonly write: WriteOptions
  readonly staleMs: number
  readonly waitMs: number
  readonly leaseMs: number
}

const CREATE_OPTIONS = [
  'signal',
  'durability',
  'ttlMs',
  'metadata',
  'contentType',
  'staleWhileRevalidateMs',
  'waitMs',
  'leaseMs',
]

function planOf(register: Register, create: Create, options: CreateOptions): Plan {
  checkOptionNames(options, CREATE_OPTIONS)
  const { durability } = options
  const { ttlMs, metadata, contentType } = checkAttributes(options)
  checkDurability(durability, 'full')
  const { staleWhileRevalidateMs: staleMs = 0, waitMs = Infinity, leaseMs = LEASE_MS } = options
  checkNumber('staleWhileRevalidateMs', staleMs, 0, MAX_TTL_MS)
  checkNumber('waitMs', waitMs, 0, Infinity)
  if (staleMs > 0 && ttlMs === undefined) {
    throw new TypeError('staleWhileRevalidateMs needs ttlMs: without it nothing becomes stale')
  }
  // An object is kept until its value is not even to be given out as stale.
  const keptMs = ttlMs === undefined ? undefined : Math.min(ttlMs + staleMs, MAX_TTL_MS)
  return {
    register,
    create,
    write: { ttlMs: keptMs, durability, metadata, contentType },
    staleMs,
    waitMs,
    leaseMs: checkLease(register.visibility, 'leaseMs', leaseMs),
  }
}

function isStale({ info }: StoredObject, staleMs: number): boolean {
  return info.expiresAtMs !== undefined && Date.now() >= info.expiresAtMs - staleMs
}

/** What others in this process may wait for goes on when one of them gives up. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await promise
  const ending = new Ending(signal)
  try {
    return await Promise.race([promise, ending.reached])
  } finally {
    ending.dispose()
  }
}

async function within<T>(ms: number, promise: Promise<T>, key: string): Promise<T> {
  if (ms === Infinity) return await promise
  const over = new AbortController()
  const late = delay(Math.min(ms, MAX_DELAY_MS), undefined, { signal: over.signal })
  try {
    return await Promise.race([promise, late.then(() => Promise.reject(busy(key)))])
  } finally {
    over.abort()
  }
}

/** A copy: what the caller does to it must not be what others get. */
function copyOf(bytes: Buffer): Buffer {
  return Buffer.from(bytes)
}

function busy(key: string): StoreError {
  const message = `${BUSY}; wait longer, or try again`
  return new StoreError('UNAVAILABLE', message, { operation: 'getOrCreate', key })
}

/** As far as a timer goes. */
const MAX_DELAY_MS = 2 ** 31 - 1

const BUSY = 'another process is still making the value'

function isBusy(error: unknown): boolean {
  return error instanceof StoreError && error.message.startsWith(BUSY)
}
