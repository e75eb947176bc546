/** What can be sorted by. */
export type SortField = 'key' | 'size' | 'time'

/** What can be sorted. */
export interface Sortable {
  readonly key: string
  readonly sizeBytes: number
  readonly writtenAtMs: number
}

type Order<T> = (one: T, other: T) => number

const ORDERS: Readonly<Record<SortField, Order<Sortable>>> = {
  key: (one, other) => compareTexts(one.key, other.key),
  size: (one, other) => other.sizeBytes - one.sizeBytes || compareTexts(one.key, other.key),
  time: (one, other) => other.writtenAtMs - one.writtenAtMs || compareTexts(one.key, other.key),
}

/** Sorts in place: keys up, sizes from large to small, times from new to old; or reversed. */
export function sorted<T extends Sortable>(items: T[], field: SortField, reverse: boolean): T[] {
  items.sort(ORDERS[field])
  return reverse ? items.reverse() : items
}

/** The order of the bytes of their UTF-8, as `LC_ALL=C sort` has it. */
export function compareTexts(one: string, other: string): number {
  const length = Math.min(one.length, other.length)
  for (let i = 0; i < length; i += 1) {
    const [a, b] = [one.charCodeAt(i), other.charCodeAt(i)]
    if (a !== b) return rank(a) - rank(b)
  }
  return one.length - other.length
}

/** UTF-16 has half of the surrogates, which stand for what comes last, before U+E000. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}
