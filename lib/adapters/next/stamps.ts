/**
 * When tags were revalidated, as a small table that fits into a cell; pure. Moments are marks:
 * numbers that only rise, each revalidation having one of its own.
 *
 * A tag is known by 64 bits of its hash. Where there is no room for all, those that were stamped
 * longest ago are forgotten, and the table remembers up to which mark it has: whatever is older
 * than that counts as revalidated. So it is bounded, and never says fresh of what is not.
 */
import { hashKey, MAX_CELL_BYTES } from '../../../index.js'

const VERSION = 1
const HASH_DIGITS = 16
const MS = 1000

/** What is known of a tag. */
interface Stamp {
  /** The mark up to which everything is expired. */
  readonly expired: number
  /** The mark up to which everything is stale. */
  readonly stale: number
  /** When what is stale expires, in milliseconds since 1970. */
  readonly staleUntilMs: number
}

/** Whether an entry may be given out: as it is, while a new one is made, or not at all. */
export type Freshness = 'fresh' | 'stale' | 'expired'

type Row = readonly [hash: string, expired: number, stale?: number, staleUntilMs?: number]

interface Text {
  readonly version: number
  readonly forgotten: number
  readonly tags: readonly Row[]
}

/** Which of several tables has a tag; they share the load evenly. */
export function tableOf(tag: string, tables: number): number {
  return Number.parseInt(hashKey(tag).slice(-8), 16) % tables
}

/** The stamps of some tags. */
export class Stamps {
  /** What was made up to this mark counts as expired. */
  readonly #forgotten: number
  /** In the order in which they were stamped, the last one last. */
  readonly #byHash: ReadonlyMap<string, Stamp>

  private constructor(forgotten: number, byHash: ReadonlyMap<string, Stamp>) {
    this.#forgotten = forgotten
    this.#byHash = byHash
  }

  /**
   * The table that a cell holds.
   *
   * @throws TypeError for what is none
   */
  static parse(value: Uint8Array | undefined): Stamps {
    if (value === undefined) return new Stamps(0, new Map())
    const { version, forgotten, tags } = parseText(value)
    if (version !== VERSION) {
      throw new TypeError(
        `revalidated tags of version ${version} are not known here; update linkstore`,
      )
    }
    const stampOf = ([hash, expired, stale = 0, staleUntilMs = 0]: Row): [string, Stamp] => [
      hash,
      { expired, stale, staleUntilMs },
    ]
    return new Stamps(forgotten, new Map(tags.map(stampOf)))
  }

  /** How fresh something is that was made at a mark and has some of these tags. */
  judge(tags: readonly string[], madeAt: number, nowMs: number): Freshness {
    if (tags.length > 0 && madeAt < this.#forgotten) return 'expired'
    let isStale = false
    for (const tag of tags) {
      const stamp = this.#byHash.get(hashOf(tag))
      if (stamp === undefined) continue
      if (madeAt < stamp.expired) return 'expired'
      if (madeAt >= stamp.stale) continue
      if (nowMs >= stamp.staleUntilMs) return 'expired'
      isStale = true
    }
    return isStale ? 'stale' : 'fresh'
  }

  /**
   * The table with some tags stamped, as text for a cell. What is older expires at once, or is
   * stale and expires at a moment. Nothing that is there with a higher mark is lowered.
   */
  stamped(tags: Iterable<string>, mark: number, staleUntilMs?: number): string {
    const stamps = new Map(this.#byHash)
    for (const hash of new Set(Array.from(tags, hashOf))) {
      const before = stamps.get(hash) ?? { expired: 0, stale: 0, staleUntilMs: 0 }
      stamps.delete(hash)
      stamps.set(hash, restamped(before, mark, staleUntilMs))
    }
    return textOf(this.#forgotten, [...stamps])
  }
}

function restamped(before: Stamp, mark: number, staleUntilMs: number | undefined): Stamp {
  if (staleUntilMs === undefined) return { ...before, expired: Math.max(before.expired, mark) }
  return mark > before.stale ? { ...before, stale: mark, staleUntilMs } : before
}

/** As many of the last as there is room for. */
function textOf(forgottenBefore: number, stamps: readonly (readonly [string, Stamp])[]): string {
  const rows = stamps.map(([hash, { expired, stale, staleUntilMs }]): Row => {
    return stale === 0 ? [hash, expired] : [hash, expired, stale, staleUntilMs]
  })
  let sizeBytes = JSON.stringify({
    version: VERSION,
    forgotten: Number.MAX_SAFE_INTEGER,
    tags: [],
  }).length
  let from = rows.length
  while (from > 0) {
    sizeBytes += JSON.stringify(rows[from - 1]).length + 1
    if (sizeBytes > MAX_CELL_BYTES) break
    from -= 1
  }
  const lost = rows.slice(0, from).map(([, expired, stale = 0]) => Math.max(expired, stale))
  const forgotten = lost.reduce((most, mark) => Math.max(most, mark), forgottenBefore)
  return JSON.stringify({ version: VERSION, forgotten, tags: rows.slice(from) } satisfies Text)
}

function hashOf(tag: string): string {
  return hashKey(tag).slice(0, HASH_DIGITS)
}

/** What a duration in seconds from now on is as a moment. */
export function momentAfter(nowMs: number, seconds: number | undefined): number {
  return seconds === undefined ? Number.MAX_SAFE_INTEGER : Math.round(nowMs + seconds * MS)
}

function parseText(value: Uint8Array): Text {
  const found = JSON.parse(Buffer.from(value).toString()) as Partial<Text> | null
  if (typeof found?.version !== 'number')
    throw new TypeError('this is no table of revalidated tags')
  return found as Text
}
