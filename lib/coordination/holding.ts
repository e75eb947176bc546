/**
 * Holding: the rules of leases, as conversations with a register. A lease is a register whose
 * value names who holds it. Who holds it sets it again before its time is over; who wants it takes
 * it when it is free, or when by its own clock it has seen no change of it for that time. Clocks,
 * process ids and host names are compared with nobody's.
 *
 * A holder counts from before it asked for the register to be set; a contender from after it has
 * read what was set. So the holder's time is over first, however slow the calls are.
 */
import { StoreError } from '../errors.js'
import type { Generation } from '../protocol/cell.js'

/** What a register is asked for. */
export type Ask =
  | { readonly kind: 'read' }
  | {
      readonly kind: 'set'
      readonly seen: Generation
      /** Undefined: free. */
      readonly value: Uint8Array | undefined
    }

/** A conversation: it asks, and is told what the register holds, or undefined: too late. */
export type Talk<T> = Generator<Ask, T, Generation | undefined>

/** What the value of a lease says. */
interface Claim {
  readonly holder: string
  readonly ttlMs: number
  /** Whether others wait for it. */
  readonly isWanted: boolean
}

/** A lease that is held. */
export interface Held {
  readonly holder: string
  readonly ttlMs: number
  /** The generation by which it was got: larger than that of any holder before. */
  readonly token: number
  /** What the register held when this was last known. */
  current: Generation
}

/** Somebody who wants a lease, and what it has seen so far. */
export class Contender {
  readonly holder: string
  readonly ttlMs: number
  #number = -1
  #sinceMs = 0

  /**
   * @param holder - a name that nobody else has
   * @param ttlMs - how long it holds the lease without setting it again
   */
  constructor(holder: string, ttlMs: number) {
    this.holder = holder
    this.ttlMs = ttlMs
  }

  /** How long the register has not changed, as far as this contender can tell. */
  unchangedMs({ number }: Generation, nowMs: number): number {
    if (number !== this.#number) {
      this.#number = number
      this.#sinceMs = nowMs
    }
    return nowMs - this.#sinceMs
  }
}

/**
 * Tries once to get a lease. Whoever waits for it says so there, once: its holder will not take
 * it again at once.
 *
 * @param now - this process's own clock, in milliseconds
 * @returns the lease; or for how long at most there is nothing to expect, in milliseconds
 */
export function* tryToHold(contender: Contender, now: () => number): Talk<Held | number> {
  const { holder, ttlMs } = contender
  const seen = (yield { kind: 'read' }) as Generation
  const claim = claimOf(seen)
  // It was got before, but nobody knew in time: its time begins when it is set again.
  const isFree = claim === undefined || claim.holder === holder
  const leftMs = isFree ? 0 : claim.ttlMs - contender.unchangedMs(seen, now())
  if (isFree || leftMs <= 0) {
    const value = encode({ holder, ttlMs, isWanted: false })
    const made = yield { kind: 'set', seen, value }
    if (made === undefined) return 0
    return { holder, ttlMs, token: made.number, current: made }
  }
  if (!claim.isWanted) yield { kind: 'set', seen, value: encode({ ...claim, isWanted: true }) }
  return leftMs
}

/** Sets a lease again, so that its time begins anew; says whether it was held still. */
export function* renew(held: Held): Talk<boolean> {
  return yield* replace(held, (claim) => encode(claim))
}

/** Makes a lease free; says whether it was held still. */
export function* letGo(held: Held): Talk<boolean> {
  return yield* replace(held, () => undefined)
}

/** Whether others are known to wait for a lease. */
export function isWanted({ current }: Held): boolean {
  return claimOf(current)?.isWanted === true
}

function* replace(held: Held, change: (claim: Claim) => Uint8Array | undefined): Talk<boolean> {
  for (;;) {
    const claim = claimOf(held.current)
    if (claim?.holder !== held.holder) return false
    const made = yield { kind: 'set', seen: held.current, value: change(claim) }
    if (made === undefined) held.current = (yield { kind: 'read' }) as Generation
    else {
      if (made.value !== undefined) held.current = made
      return true
    }
  }
}

function encode(claim: Claim): Uint8Array {
  return Buffer.from(JSON.stringify(claim))
}

/** Who holds a lease; undefined when nobody does. */
function claimOf({ value }: Generation): Claim | undefined {
  if (value === undefined) return undefined
  try {
    const { holder, ttlMs, isWanted } = JSON.parse(value.toString()) as Partial<Claim>
    if (typeof holder === 'string' && typeof ttlMs === 'number') {
      return { holder, ttlMs, isWanted: isWanted === true }
    }
  } catch (cause) {
    throw strange(cause)
  }
  throw strange(undefined)
}

function strange(cause: unknown): StoreError {
  const message = 'the value of the lease was not written by a lease; choose another name'
  return new StoreError('DECODE', message, { cause })
}
