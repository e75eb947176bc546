/**
 * What one reader has seen, so that it notices when an old version comes back. An object cannot
 * tell by itself that it was replaced; whoever has seen what replaced it can.
 *
 * Calls overlap, so a version may rightly be seen by a call that began before it was replaced. Each
 * call takes a number when it begins, each sighting one when it is noted: only what was replaced
 * before a call began is refused to it.
 */
import { notTrusted } from './failures.js'
import type { Recollection } from './recollection.js'

/** What tells one write from all others, and when it was signed. */
export interface Seen {
  readonly id: string
  readonly signedAtMs: number
}

/** A version, and the number of its last sighting, or of its end. */
type Numbered = readonly [id: string, number: number]

interface Entry {
  /** What may be there now: one, or several whose order is not known. */
  readonly live: readonly Numbered[]
  /** What was replaced. */
  readonly past: readonly Numbered[]
  readonly newestMs: number
  readonly newestNumber: number
}

const NOTHING: Entry = { live: [], past: [], newestMs: 0, newestNumber: 0 }
/** Of so many names it is remembered what they had. */
const MAX_NAMES = 50_000
/** So many replaced versions of each are known by themselves, and not by their time alone. */
const MAX_VERSIONS = 16

/** What a reader remembers of the names it has read and written. */
export class Sightings {
  readonly #byName = new Map<string, Entry>()
  readonly #memory: Recollection | undefined
  readonly #clockSkewMs: number
  #number = 0

  /**
   * @param memory - where it is kept beyond the life of this process, if anywhere
   * @param clockSkewMs - by how much clocks of writers may differ
   */
  constructor(memory: Recollection | undefined, clockSkewMs: number) {
    this.#memory = memory
    this.#clockSkewMs = clockSkewMs
  }

  /** Begins a call on a name; returns its number. */
  async begin(name: string): Promise<number> {
    this.#number += 1
    const number = this.#number
    if (this.#memory !== undefined && !this.#byName.has(name)) {
      const kept = await this.#memory.recall(name)
      if (kept !== undefined && !this.#byName.has(name)) this.#keep(name, entryOf(kept))
    }
    return number
  }

  /** The newest time that is known for a name: what is written after it must not be older. */
  newestMs(name: string): number {
    return this.#byName.get(name)?.newestMs ?? 0
  }

  /**
   * Notes what a call that began with that number has read.
   *
   * @throws StoreError `UNTRUSTED` for what was replaced before
   */
  async accept(name: string, since: number, seen: Seen): Promise<void> {
    const entry = this.#byName.get(name) ?? NOTHING
    const ended = entry.past.find(([id]) => id === seen.id)
    const isOlder = seen.signedAtMs < entry.newestMs - this.#clockSkewMs
    if ((ended !== undefined && ended[1] < since) || (isOlder && entry.newestNumber < since)) {
      const what =
        'this is an old version of the object: this reader has seen a newer one, or its end'
      throw notTrusted(`${what}; somebody has put it back. To accept it, write it anew`)
    }
    if (ended === undefined) await this.note(name, since, seen)
  }

  /** Notes what a call that began with that number has read or written. */
  async note(name: string, since: number, seen: Seen): Promise<void> {
    const entry = this.#byName.get(name) ?? NOTHING
    const others = entry.live.filter(([id]) => id !== seen.id)
    await this.#replace(name, since, seen.signedAtMs, others, seen.id)
  }

  /** Notes that a call that began with that number has removed the object. */
  async noteRemoval(name: string, since: number): Promise<void> {
    const { live } = this.#byName.get(name) ?? NOTHING
    await this.#replace(name, since, Date.now(), live, undefined)
  }

  /** What was seen before the call began is replaced by what it saw; the rest may be as new. */
  async #replace(
    name: string,
    since: number,
    atMs: number,
    others: readonly Numbered[],
    id: string | undefined,
  ): Promise<void> {
    const entry = this.#byName.get(name) ?? NOTHING
    this.#number += 1
    const now = this.#number
    const ended = others.filter(([, number]) => number < since)
    const live = others.filter(([, number]) => number >= since)
    if (id !== undefined) live.push([id, now])
    const past = [...entry.past, ...ended.map(([old]): Numbered => [old, now])]
    // A writer whose clock is far ahead must not make all others look old.
    const newestMs = Math.min(atMs, Date.now() + this.#clockSkewMs)
    const isNewest = newestMs > entry.newestMs
    this.#keep(name, {
      live: live.slice(-MAX_VERSIONS),
      past: past.slice(-MAX_VERSIONS),
      newestMs: isNewest ? newestMs : entry.newestMs,
      newestNumber: isNewest ? now : entry.newestNumber,
    })
    const isChanged = isNewest || ended.length > 0 || !entry.live.some(([old]) => old === id)
    if (isChanged) await this.#memory?.remember(name, () => keptOf(this.#byName.get(name)))
  }

  #keep(name: string, entry: Entry): void {
    // Behind all others, so that those that nobody asks for any more go first.
    this.#byName.delete(name)
    this.#byName.set(name, entry)
    if (this.#byName.size <= MAX_NAMES) return
    for (const oldest of this.#byName.keys()) {
      this.#byName.delete(oldest)
      return
    }
  }
}

/** An entry as it is kept: all that another process has seen was before anything this one sees. */
interface Kept {
  readonly live: readonly string[]
  readonly past: readonly string[]
  readonly newestMs: number
}

function keptOf({ live, past, newestMs }: Entry = NOTHING): Kept {
  return { live: live.map(([id]) => id), past: past.map(([id]) => id), newestMs }
}

function entryOf(kept: unknown): Entry {
  const { live = [], past = [], newestMs = 0 } = kept as Partial<Kept>
  const numbered = (ids: readonly string[]): Numbered[] => ids.map((id) => [id, 0])
  return { live: numbered(live), past: numbered(past), newestMs, newestNumber: 0 }
}
