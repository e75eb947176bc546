/**
 * Quick calls. A local file system answers most calls from memory, in a few microseconds: less
 * than the calling thread spends on asking another one to make them, and a tenth of what it then
 * waits. So they are made at once, where that pays:
 *
 * - Only calls that are small and flush nothing, and only on a local file system.
 * - A kind of call that has lately been slow, as on a cold disk, goes to the thread pool for as
 *   many calls as it took microseconds. So to each call comes about a microsecond, at most, of
 *   having been held up.
 * - After a millisecond of them the next one waits until the event loop has been round, however
 *   many callers never give way to it.
 */
import type * as NodeFs from 'node:fs'
import { constants } from 'node:os'
import { isErrno } from '../errors.js'
import type { Effect } from './effects.js'

/** What became of an effect: an error, or else a result. */
export interface Answer {
  readonly error?: unknown
  readonly result?: unknown
}

type SyncCall = (...values: readonly unknown[]) => unknown

const { errno } = constants

/** What may take so long that others should have their turn, in milliseconds. */
const TURN_MS = 1

/** A kind of call is slow if the mean of its last few is above this. */
const SLOW_MS = 0.15
/** One call counts as no more: a process that was preempted once is no slow disk. */
const MOST_MS = 0.8
const MEMORY = 1 / 8

/** For so many calls a slow kind goes to the thread pool, at least and at most. */
const LEAST_PAUSE = 256
const MOST_PAUSE = 2 ** 16

/** What copies more than this takes long even in memory. */
const MOST_BYTES = 128 * 1024

/** How one kind of call has done lately. */
interface Kind {
  readonly call: SyncCall
  meanMs: number
  /** For so many calls more it is left to the thread pool. */
  paused: number
}

/** Makes calls at once, as long as they are quick. */
export class QuickCalls {
  readonly #kinds = new Map<string, Kind>()
  readonly #clock: () => number
  #turnMs = 0
  #waiting: (() => void)[] = []

  /**
   * @param fs - a module with the functions of `node:fs`
   * @param clock - tells the time in milliseconds since whenever
   */
  constructor(fs: object, clock = (): number => performance.now()) {
    this.#clock = clock
    const { openSync, closeSync, readSync, writeSync, writevSync, lstatSync, fstatSync } =
      fs as typeof NodeFs
    const { linkSync, unlinkSync, renameSync, mkdirSync } = fs as typeof NodeFs
    const calls = {
      open: openSync,
      close: closeSync,
      read: readSync,
      write: writeSync,
      writev: writevSync,
      lstat: lstatSync,
      fstat: fstatSync,
      link: linkSync,
      unlink: unlinkSync,
      rename: renameSync,
      mkdir: mkdirSync,
    }
    for (const [name, call] of Object.entries(calls)) {
      this.#kinds.set(name, { call: call as SyncCall, meanMs: 0, paused: 0 })
    }
  }

  /** Whether to make a call at once. To be asked once for each call. */
  takes({ call, values }: Effect): boolean {
    const kind = this.#kinds.get(call)
    if (kind === undefined || bytesOf(call, values) > MOST_BYTES) return false
    if (kind.paused === 0) return true
    kind.paused -= 1
    return false
  }

  /** Whether the event loop must have its turn first. */
  get isSpent(): boolean {
    return this.#turnMs >= TURN_MS
  }

  /** Goes on when the event loop has been round. */
  afterTurn(proceed: () => void): void {
    if (this.#waiting.length === 0) setImmediate(this.#nextTurn)
    this.#waiting.push(proceed)
  }

  /**
   * Makes a call; undefined where it is for the thread pool after all: whoever makes calls there
   * waits until a descriptor is free.
   */
  perform({ call, values }: Effect): Answer | undefined {
    const kind = this.#kinds.get(call) as Kind
    const startMs = this.#clock()
    try {
      return { result: kind.call(...values) }
    } catch (error) {
      return isErrno(error, errno.EMFILE, errno.ENFILE) ? undefined : { error }
    } finally {
      this.#note(kind, this.#clock() - startMs)
    }
  }

  #note(kind: Kind, tookMs: number): void {
    this.#turnMs += tookMs
    kind.meanMs += (Math.min(tookMs, MOST_MS) - kind.meanMs) * MEMORY
    if (kind.meanMs < SLOW_MS) return
    kind.paused = Math.min(LEAST_PAUSE + Math.ceil(tookMs * 1000), MOST_PAUSE)
    // One more slow call will do to pause it again.
    kind.meanMs = SLOW_MS * (1 - MEMORY)
  }

  readonly #nextTurn = (): void => {
    const waiting = this.#waiting
    this.#waiting = []
    this.#turnMs = 0
    for (const [index, proceed] of waiting.entries()) {
      if (this.isSpent) {
        this.#waiting.unshift(...waiting.slice(index))
        setImmediate(this.#nextTurn)
        return
      }
      proceed()
    }
  }
}

function bytesOf(call: string, values: readonly unknown[]): number {
  if (call === 'read' || call === 'write') return values[3] as number
  if (call !== 'writev') return 0
  return (values[1] as readonly Uint8Array[]).reduce((sum, { length }) => sum + length, 0)
}
