/**
 * Which tags were revalidated, for all processes on all hosts, in cells of the store.
 *
 * No clock is compared with another. One cell holds the mark, which each revalidation raises; what
 * is made remembers the mark that was seen before its making began. Revalidating is:
 *
 *     1  raise the mark                   crash: nobody was told that it was done
 *     2  stamp each tag with it           crash: as before; some tags may be stamped
 *
 * and an entry is fresh if none of its tags has a higher stamp than the entry's mark. Whoever
 * began before step 1 has a lower mark, and so what was made of old data is never fresh later.
 * Whoever began after it reads data that was changed before. While the mark is that of the entry
 * no tag has to be looked at, however many there are.
 */
import type { Cell, Store } from '../../../index.js'
import { momentAfter, Stamps, tableOf, type Freshness } from './stamps.js'

/** Each holds some 1,600 tags; changing this number forgets all stamps. */
const TABLES = 32
/** How many marks are remembered with the time they were first seen, for what tells its own. */
const REMEMBERED = 256

/** How long to wait for the store. */
export interface Waiting {
  readonly signal?: AbortSignal | undefined
}

interface Seen {
  readonly mark: number
  /** By this process's own clock. */
  readonly atMs: number
}

/** The revalidations of one store, as one process sees them. */
export class Revalidations {
  readonly #mark: Cell
  readonly #tables: readonly Cell[]
  readonly #parsed = new Map<number, { generation: number; stamps: Stamps }>()
  #seen: Seen[] = []

  /** @param prefix - what the names of the cells begin with */
  constructor(store: Store, prefix: string) {
    this.#mark = store.cell(`${prefix}/revalidations`)
    this.#tables = Array.from({ length: TABLES }, (_, index) =>
      store.cell(`${prefix}/revalidations/${index}`),
    )
  }

  /** The mark of the last revalidation that was begun; 0: there was none. One look at a cell. */
  async mark(waiting: Waiting = {}): Promise<number> {
    const { value } = await this.#mark.read(waiting)
    const mark = markOf(value)
    if (this.#seen.at(-1)?.mark !== mark) {
      this.#seen.push({ mark, atMs: nowMs() })
      if (this.#seen.length > REMEMBERED) this.#seen = this.#seen.slice(-REMEMBERED / 2)
    }
    return mark
  }

  /** A mark that was seen before a moment of this process's clock; 0 where that is not known. */
  markSeenBefore(atMs: number): number {
    return this.#seen.findLast((seen) => seen.atMs <= atMs)?.mark ?? 0
  }

  /**
   * How fresh an entry is that was made at a mark and has some tags.
   *
   * @param current - what {@link mark} gave after the entry was asked for
   */
  async judge(
    tags: readonly string[],
    madeAt: number,
    current: number,
    waiting: Waiting = {},
  ): Promise<Freshness> {
    if (madeAt >= current || tags.length === 0) return 'fresh'
    const verdicts = await Promise.all(
      [...byTable(tags)].map(async ([index, some]) => {
        return (await this.#stamps(index, waiting)).judge(some, madeAt, Date.now())
      }),
    )
    if (verdicts.includes('expired')) return 'expired'
    return verdicts.includes('stale') ? 'stale' : 'fresh'
  }

  /**
   * Revalidates tags for all processes; when it is done, all of them see it.
   *
   * @param how - what has these tags may be given out for so long, in seconds, while a new one is
   *   made; undefined: not at all
   */
  async revalidate(
    tags: readonly string[],
    how?: { readonly expire?: number | undefined },
  ): Promise<void> {
    if (tags.length === 0) return
    const { expire } = how ?? { expire: 0 }
    const isAtOnce = expire !== undefined && expire <= 0
    const untilMs = isAtOnce ? undefined : momentAfter(Date.now(), expire)
    // A revalidation that is lost in a power cut would leave old pages fresh for ever.
    const options = { durability: 'full' } as const
    const { value } = await this.#mark.update((before) => raised(before), options)
    const mark = markOf(value)
    await Promise.all(
      [...byTable(tags)].map(async ([index, some]) => {
        const stamp = (before: Buffer | undefined): string =>
          Stamps.parse(before).stamped(some, mark, untilMs)
        await this.#tables[index]?.update(stamp, options)
      }),
    )
  }

  async #stamps(index: number, waiting: Waiting): Promise<Stamps> {
    const cell = this.#tables[index]
    const { value, generation = 0 } = (await cell?.read(waiting)) ?? {}
    const known = this.#parsed.get(index)
    if (known?.generation === generation) return known.stamps
    const stamps = Stamps.parse(value)
    this.#parsed.set(index, { generation, stamps })
    return stamps
  }
}

/** Marks are milliseconds where clocks agree, so that what a build made can be placed. */
function raised(before: Buffer | undefined): string {
  return String(Math.max(Date.now(), markOf(before) + 1))
}

/** @throws TypeError for what is no mark */
function markOf(value: Buffer | undefined): number {
  const mark = Number(value ?? 0)
  if (Number.isSafeInteger(mark) && mark >= 0) return mark
  throw new TypeError('the cell of revalidations holds something else; remove its directory')
}

function byTable(tags: readonly string[]): Map<number, string[]> {
  const groups = new Map<number, string[]>()
  for (const tag of tags) {
    const index = tableOf(tag, TABLES)
    const group = groups.get(index)
    if (group === undefined) groups.set(index, [tag])
    else group.push(tag)
  }
  return groups
}

/** The clock that Next.js takes the times of its entries from. */
function nowMs(): number {
  return performance.timeOrigin + performance.now()
}
