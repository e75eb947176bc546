import type { Verb } from './verbs.js'
import { START_MS } from './scenario.js'
import { tellError } from './system-error.js'

/** One run of a verb, as whoever called it saw it. */
export interface Entry {
  readonly verb: Verb
  readonly process: number
  /** See {@link History}; undefined: it has not done anything yet that others could notice. */
  called: number | undefined
  /** What time it was then. */
  calledAtMs: number | undefined
  /** Undefined: it was under way when its process died, or still is. */
  returned: number | undefined
  /** When its process died. */
  diedAt: number | undefined
  result: unknown
  /** What it threw. */
  error: unknown
  /** The value it was seen to write: what a copy found, for one. */
  wrote: string | undefined
  /** When that expires. */
  wroteExpiresAtMs: number | undefined
  /** Whether it moved an object aside to see whether it had expired. */
  movedAside: boolean
  /** Whether NFS took the old object away, in a call of its own, before it put the new one. */
  hadGap: boolean
  /** Whether a reply to one of its calls was lost. */
  lostReply: boolean
}

/** The clock moved. */
export interface Tick {
  readonly at: number
  readonly nowMs: number
}

/**
 * What happened in a run, on a time that counts only what orders: positions rise where a call
 * follows a return. Runs in which the same verbs overlap have the same history.
 */
export class History {
  readonly entries: Entry[] = []
  readonly ticks: Tick[] = []
  #nowMs = START_MS
  #position = 0
  #returned = false

  add(verb: Verb, process: number): Entry {
    const entry: Entry = {
      verb,
      process,
      called: undefined,
      calledAtMs: undefined,
      returned: undefined,
      diedAt: undefined,
      result: undefined,
      error: undefined,
      wrote: undefined,
      wroteExpiresAtMs: undefined,
      movedAside: false,
      hadGap: false,
      lostReply: false,
    }
    this.entries.push(entry)
    return entry
  }

  /** From here on it may take effect. */
  call(entry: Entry): void {
    if (entry.called !== undefined) return
    entry.called = this.#call()
    entry.calledAtMs = this.#nowMs
  }

  return(entry: Entry, result: unknown, error: unknown): void {
    this.call(entry)
    Object.assign(entry, { returned: this.#return(), result, error })
  }

  /** Its process is dead: if it has not taken effect by now, it never does. */
  die(entry: Entry): void {
    if (entry.called !== undefined) entry.diedAt = this.#return()
  }

  tick(nowMs: number): void {
    this.ticks.push({ at: this.#call(), nowMs })
    this.#nowMs = nowMs
    this.#return()
  }

  /** The position after all that has happened. */
  get end(): number {
    return this.#position + 1
  }

  describe(): string {
    const entries = this.entries
      .filter(({ called }) => called !== undefined)
      .map(
        ({
          process,
          verb,
          called,
          returned,
          diedAt,
          result,
          error,
          wrote,
          movedAside,
          hadGap,
          lostReply,
        }) => {
          const answer = error === undefined ? String(result) : `!${tellError(error)}`
          const marks = `${movedAside ? '*' : ''}${hadGap ? '_' : ''}${lostReply ? '?' : ''}`
          const ends = `${returned ?? ''}/${diedAt ?? ''}`
          return `${process}${verb.kind}${called ?? ''}-${ends}=${answer}${wrote ?? ''}${marks}`
        },
      )
      .sort()
    const ticks = this.ticks.map(({ at, nowMs }) => `${at}:${nowMs}`)
    return `${this.#returned ? 'r' : 'c'}${this.#position} ${entries.join(' ')} ${ticks.join()}`
  }

  #call(): number {
    if (this.#returned) this.#position += 1
    this.#returned = false
    return this.#position
  }

  #return(): number {
    this.#returned = true
    return this.#position
  }
}
