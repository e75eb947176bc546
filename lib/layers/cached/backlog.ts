/**
 * What a write-back cache has and the store underneath has not yet: one state for each key, the
 * last one. To flush a key:
 *
 * 1. Its state is read from the cache. A crash leaves it there.
 * 2. The store underneath is given it. A crash leaves it in the cache, too: it is flushed again.
 * 3. The entry becomes clean, or is removed, if it still is the one of step 1; else the newer
 *    state is flushed by the next round.
 */
import { Turns } from '../../coordination/turns.js'
import { publishNotice } from '../../diagnostics.js'
import { abortError, requireNoAbort } from '../../drivers/abort.js'
import { StoreError } from '../../errors.js'
import { attributesOf } from '../../object-info.js'
import type { CallOptions, ObjectStore } from '../../object-store.js'
import { entryOf, readEntry, writeEntry, type Entry } from './entry.js'
import { Owner } from './owner.js'
import { inTurn, type Visits } from './visits.js'

/** How many keys are flushed at a time. */
const AT_ONCE = 8
/** After so many failures in a row that may pass, the rest of a round is put off. */
const ENOUGH_FAILURES = 8

/** What the store underneath has yet to be told of a key. */
export interface Pending {
  readonly isRemoval: boolean
  readonly expiresAtMs: number | undefined
}

/** What a backlog is of. */
export interface BacklogHow {
  readonly inner: ObjectStore
  /** The cache as it was given, which has the mark of its owner. */
  readonly cache: ObjectStore
  /** The part of it that has the entries. */
  readonly entries: ObjectStore
  readonly visits: Visits
  readonly flushMs: number
}

/** The keys that are to be flushed, and who does it. */
export class Backlog {
  readonly #how: BacklogHow
  readonly #owner: Owner
  readonly #pending = new Map<string, Pending>()
  /** Whose turn it is to change a key of the store underneath. */
  readonly #turns = new Turns()
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(how: BacklogHow) {
    this.#how = how
    this.#owner = new Owner(how.cache)
  }

  /** How many keys there are. */
  get size(): number {
    return this.#pending.size
  }

  /** What is to be flushed of a key. */
  get(key: string): Pending | undefined {
    return this.#pending.get(key)
  }

  /** The keys there are now, whatever becomes of them meanwhile. */
  keys(): string[] {
    return [...this.#pending.keys()]
  }

  /** Takes down what the cache has been given. */
  add({ kind, info }: Entry): void {
    this.#pending.set(info.key, { isRemoval: kind === 'removed', expiresAtMs: info.expiresAtMs })
    this.#schedule()
  }

  /** Makes the cache one's own, and finds what a process before has left in it. */
  async open(): Promise<void> {
    await this.#owner.claim()
    try {
      for await (const kept of this.#how.entries.list()) {
        const entry = entryOf(kept)
        if (entry !== undefined && entry.kind !== 'clean') this.add(entry)
      }
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'CORRUPT') throw error
      publishNotice('the cache has entries that cannot be read; they are not flushed', error)
    }
  }

  /**
   * Flushes all that there is now.
   *
   * @throws StoreError that says how many keys are left, with the code of the first failure
   */
  async flush(options: CallOptions): Promise<void> {
    requireNoAbort(options.signal)
    const keys = this.keys()
    if (keys.length === 0) return
    const round = new Round(keys, (key) => this.settled(key, options, () => Promise.resolve()))
    await round.run(options.signal)
    if (options.signal?.aborted === true) throw abortError(options.signal)
    if (round.firstFailure !== undefined) throw this.#unflushed(keys, round.firstFailure.error)
  }

  /** Does something to a key of the store underneath, which has all that was acknowledged. */
  async settled<T>(key: string, options: CallOptions, act: () => Promise<T>): Promise<T> {
    return await inTurn(this.#turns, key, options.signal, async () => {
      while (this.#pending.has(key)) await this.#flushKey(key, options)
      return await act()
    })
  }

  /** Refuses to go on once the cache was found to be somebody else's. */
  refuseIfLost(): void {
    this.#owner.refuseIfLost()
  }

  /** Lets no further round begin by itself. */
  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  async #flushKey(key: string, options: CallOptions): Promise<void> {
    const { inner, entries, visits } = this.#how
    const { signal } = options
    // Before each key: who has the cache now may have given the store something newer.
    await this.#owner.require(options)
    const [pending, entry] = await visits.inTurn(key, signal, async () => {
      return [this.#pending.get(key), await readEntry(entries, key, options)] as const
    })
    if (pending === undefined) return
    const seenAtMs = Date.now()
    if (isAbsent(pending, seenAtMs)) {
      await inner.remove(key, { signal })
      await this.#settle(key, pending, async () => {
        await entries.remove(key)
      })
      return
    }
    if (entry === undefined) throw lostEntry(key)
    const info = await inner.write(key, entry.value, {
      ...attributesOf(entry.info, seenAtMs),
      signal,
    })
    await this.#settle(key, pending, () =>
      writeEntry(entries, { kind: 'clean', info, seenAtMs }, entry.value),
    )
  }

  /** Ends a flush of a key, unless it has another state by now. */
  async #settle(key: string, flushed: Pending, clean: () => Promise<void>): Promise<void> {
    await this.#how.visits.inTurn(key, undefined, async () => {
      if (this.#pending.get(key) !== flushed) return
      // In this order: an entry that stays is flushed again, and not forgotten and found by the
      // next process, which would put it over what is newer.
      await clean()
      this.#pending.delete(key)
    })
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#isStopped || this.#pending.size === 0) return
    this.#timer = setTimeout(() => void this.#flushInBackground(), this.#how.flushMs)
    // What the cache has it keeps: no process has to stay for it.
    this.#timer.unref()
  }

  async #flushInBackground(): Promise<void> {
    try {
      await this.flush({})
    } catch (error) {
      publishNotice('a write-back cache could not be flushed', error)
    }
    this.#timer = undefined
    this.#schedule()
  }

  #unflushed(keys: readonly string[], cause: unknown): StoreError {
    const left = keys.filter((key) => this.#pending.has(key)).length
    const what = `${left} of ${keys.length} keys could not be flushed to the store underneath`
    const why = cause instanceof Error ? cause.message : String(cause)
    const code = cause instanceof StoreError ? cause.code : 'IO'
    return new StoreError(code, `${what}, and stay in the cache: ${why}`, {
      operation: 'flush',
      cause,
    })
  }
}

/** One attempt to flush some keys, so many at a time. */
class Round {
  firstFailure: { readonly error: unknown } | undefined
  readonly #keys: Iterator<string, undefined>
  readonly #flush: (key: string) => Promise<void>
  #failuresInARow = 0

  constructor(keys: readonly string[], flush: (key: string) => Promise<void>) {
    this.#keys = keys.values()
    this.#flush = flush
  }

  async run(signal: AbortSignal | undefined): Promise<void> {
    const work = async (): Promise<void> => {
      for (let step = this.#keys.next(); step.done !== true; step = this.#keys.next()) {
        await this.#attempt(step.value)
        if (signal?.aborted === true || this.#failuresInARow >= ENOUGH_FAILURES) return
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
  }

  async #attempt(key: string): Promise<void> {
    try {
      await this.#flush(key)
      this.#failuresInARow = 0
    } catch (error) {
      this.firstFailure ??= { error }
      // One that stays is of that key alone.
      if (error instanceof StoreError && error.retryable) this.#failuresInARow += 1
    }
  }
}

/** Whether a key has no object any more, once it is flushed. */
export function isAbsent({ isRemoval, expiresAtMs }: Pending, nowMs: number): boolean {
  return isRemoval || (expiresAtMs !== undefined && expiresAtMs <= nowMs)
}

/** What is said of a value that the cache has acknowledged, and has not any more. */
export function lostEntry(key: string): StoreError {
  const message = 'the cache has lost a value that the store underneath has not yet'
  return new StoreError('CORRUPT', `${message}; write it again, or remove the key`, { key })
}
