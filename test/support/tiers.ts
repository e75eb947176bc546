import type { ObjectStore } from '../../index.js'
import { memoryStore } from '../../lib/backends/memory.js'
import { withTiers, type TieredStore } from '../../lib/layers/tiered.js'
import { pattern } from '../conformance/support.js'
import { changed } from './changed-store.js'

/** What is larger goes to the large tier. */
export const THRESHOLD_BYTES = 100
/** As large as the small tier takes. */
export const SMALL = pattern(THRESHOLD_BYTES)
/** One byte more. */
export const LARGE = pattern(THRESHOLD_BYTES + 1)
/** Another large one. */
export const OTHER = pattern(3000, 2)

/** Two tiers, and the store over them. */
export interface Tiers {
  readonly small: ObjectStore
  readonly large: ObjectStore
  readonly store: TieredStore
}

/** Makes one store of two. */
export function tiersOf(small: ObjectStore, large: ObjectStore): Tiers {
  return { small, large, store: withTiers(small, { large, thresholdBytes: THRESHOLD_BYTES }) }
}

/** The same in memory, with nothing in it. */
export const inMemory = (): Tiers => tiersOf(memoryStore(), memoryStore())

/** A store without its conditions. */
export const unconditional = (inner: ObjectStore): ObjectStore =>
  changed(inner, { supports: { ...inner.supports, conditions: false } })

/** All keys of a store. */
export async function keysOf(store: ObjectStore): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list()) keys.push(key)
  return keys.sort()
}

/** What the small tier points to. */
export async function pointedTo({ small }: Tiers): Promise<string[]> {
  const names: string[] = []
  for await (const { metadata } of small.list()) {
    const [name] = metadata['linkstore-tiered']?.split(' ') ?? []
    if (name !== undefined) names.push(name)
  }
  return names.sort()
}

/** A value in pieces. */
export async function* pieces(bytes: Buffer, sizeBytes = 33): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += sizeBytes) yield bytes.subarray(at, at + sizeBytes)
}
