/**
 * Makes the postings of a store right again, while others write:
 *
 * 1. Recover: each object is read, and its key added to the postings of its values where it is
 *    missing, as where objects were written past the index, or before there was one. A posting that
 *    is damaged is removed first, and made anew of what the objects say.
 * 2. Prune: of each posting what is not so is dropped, as in `postings.ts`, and intents that are
 *    older than the grace are taken for those of writers that have died.
 *
 * A crash leaves a part of it done. The first step only adds; so objects that are written meanwhile
 * need no look.
 */
import { MAX_IN_FLIGHT } from '../../drivers/async.js'
import { hasCode, isUnreadable } from '../../errors.js'
import { openInput } from '../../many/input.js'
import { Intake } from '../../many/intake.js'
import type { CallOptions } from '../../object-store.js'
import { placesOf, prefixOf, type IndexPlace, type Indexes } from './index-values.js'
import type { PostingEntries, Postings } from './postings.js'
import type { ValueStore } from './value-store.js'

/** What is verified. */
export interface Indexed<T> {
  readonly values: Pick<ValueStore<T, unknown>, 'list' | 'read'>
  readonly postings: Postings
  readonly indexes: Indexes<T>
}

/** Options of {@link recover} and {@link prune}. */
export interface VerificationOptions extends CallOptions {
  readonly graceMs: number
}

/** How old an intent must be to be taken for that of a writer that has died: an hour. */
export const DEFAULT_GRACE_MS = 60 * 60 * 1000

/** How many keys are held in memory before they are added to their postings. */
const BATCH_SIZE = 10_000

/** Keys that belong into a posting. */
interface Belonging {
  readonly place: IndexPlace
  readonly keys: Set<string>
}

/** What {@link recover} has found. */
export interface Recovered {
  /** Objects that were read. */
  objects: number
  /** Keys that were missing in a posting. */
  added: number
  /** Keys of objects that cannot be decoded. */
  readonly unreadable: string[]
  /** What a listing says of objects that cannot even be listed. */
  damage: unknown
}

/** Adds what is missing. */
export async function recover<T>(
  { values, postings, indexes }: Indexed<T>,
  { signal }: CallOptions,
): Promise<Recovered> {
  const report: Recovered = { objects: 0, added: 0, unreadable: [], damage: undefined }
  let batch = new Map<string, Belonging>()
  let size = 0
  const flush = async (): Promise<void> => {
    const full = batch
    batch = new Map()
    size = 0
    for (const { place, keys } of full.values()) {
      report.added += await addMissing(postings, place, keys, signal)
    }
  }
  const look = async (key: string): Promise<void> => {
    const places = await placesNow(values, indexes, key, signal)
    if (places === undefined) report.unreadable.push(key)
    else report.objects += 1
    for (const place of places?.values() ?? []) {
      const belonging = batch.get(place.key) ?? { place, keys: new Set<string>() }
      batch.set(place.key, belonging)
      belonging.keys.add(key)
      size += 1
    }
    if (size >= BATCH_SIZE) await flush()
  }
  try {
    await new Intake(openInput('keys', values.list({ signal })), {
      operation: 'verify',
      concurrency: MAX_IN_FLIGHT,
      signal,
      keyOf: ({ key }) => key,
      drop: () => undefined,
      perform: ({ key }) => look(key),
    }).run()
  } catch (error) {
    // A listing says it at its end, when all that can be listed has been.
    if (!hasCode(error, 'CORRUPT')) throw error
    report.damage = error
  }
  await flush()
  return report
}

/** What {@link prune} has dropped. */
export interface Pruned {
  /** Keys in postings of values that their objects have not. */
  removed: number
  /** Intents of writers that have died. */
  intents: number
}

/** Drops what is not so. */
export async function prune<T>(indexed: Indexed<T>, options: VerificationOptions): Promise<Pruned> {
  const { postings, indexes } = indexed
  const { signal } = options
  const report: Pruned = { removed: 0, intents: 0 }
  for (const index of Object.keys(indexes)) {
    for await (const key of postings.keys(prefixOf(index), signal)) {
      try {
        const place = await postings.placeAt(key, signal)
        if (place !== undefined) await prunePosting(indexed, place, options, report)
      } catch (error) {
        if (!hasCode(error, 'CORRUPT')) throw error
        // What belongs into one was added before: this one nobody needs.
        await postings.discard(key, { signal })
      }
    }
  }
  return report
}

async function prunePosting<T>(
  { values, postings, indexes }: Indexed<T>,
  place: IndexPlace,
  { graceMs, signal }: VerificationOptions,
  report: Pruned,
): Promise<void> {
  let found: Pruned = { removed: 0, intents: 0 }
  const edit = async (entries: PostingEntries): Promise<boolean> => {
    found = { removed: 0, intents: 0 }
    const sinceMs = postings.environment.nowMs() - graceMs
    for (const [key, intents] of entries) {
      const live = intents.filter(({ startedAtMs }) => startedAtMs > sinceMs)
      found.intents += intents.length - live.length
      entries.set(key, live)
    }
    const settled = [...entries.keys()].filter((key) => entries.get(key)?.length === 0)
    await new Intake(openInput('keys', settled), {
      operation: 'verify',
      concurrency: MAX_IN_FLIGHT,
      signal,
      keyOf: (key) => key,
      drop: () => undefined,
      perform: async (key) => {
        const places = await placesNow(values, indexes, key, signal)
        if (places?.has(place.key) === false && entries.delete(key)) found.removed += 1
      },
    }).run()
    return found.removed + found.intents > 0
  }
  await postings.change(place, edit, { signal })
  report.removed += found.removed
  report.intents += found.intents
}

/** The places of the object of a key: none if it is absent; undefined if it cannot be read. */
export async function placesNow<T>(
  values: Indexed<T>['values'],
  indexes: Indexes<T>,
  key: string,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, IndexPlace> | undefined> {
  try {
    const object = await values.read(key, { signal })
    return object === undefined ? new Map() : placesOf(indexes, object.value)
  } catch (error) {
    if (isUnreadable(error)) return undefined
    throw error
  }
}

async function addMissing(
  postings: Postings,
  place: IndexPlace,
  keys: ReadonlySet<string>,
  signal: AbortSignal | undefined,
): Promise<number> {
  let added = 0
  const edit = (entries: PostingEntries): boolean => {
    const missing = [...keys].filter((key) => !entries.has(key))
    for (const key of missing) entries.set(key, [])
    added = missing.length
    return added > 0
  }
  try {
    await postings.change(place, edit, { signal })
  } catch (error) {
    if (!hasCode(error, 'CORRUPT')) throw error
    await postings.discard(place.key, { signal })
    await postings.change(place, edit, { signal })
  }
  return added
}
