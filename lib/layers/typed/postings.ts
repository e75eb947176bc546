/**
 * Postings: for each value of an index one object, with the keys of the objects that have, or may
 * have, that value.
 *
 * The rule of all of it: **a key whose object has a value is in the posting of that value.** What
 * is in a posting besides is harmless, since a look-up reads the object and leaves out what has not
 * the value. Each change of a posting is a compare-and-set of its version. To write an object:
 *
 * 1. Add its key to the postings of its new values, with an *intent*, an id of this write's own.
 *    A crash leaves a key too many and an intent that nobody ends.
 * 2. Write the object. A crash leaves the same.
 * 3. End the intents. Where one is gone, with its key, the key is added again.
 * 4. Drop the key from the postings of the old values: each is read; if the key has an intent
 *    there, it is left; then the object is read, and if it has the value, it is left; then the
 *    posting is replaced, if it still has the version that was read, or this is done again.
 *
 * Why a drop never breaks the rule: say that the object is given the value while it is dropped.
 * That write has added its intent before. If it did so after the posting was read, the posting has
 * another version, and the drop fails. If before, then either the intent is still there, or it was
 * ended before the posting was read: then the object had the value before it was read. The intent
 * is needed where the key is in the posting already, too: without a change of its version nothing
 * would tell the drop.
 *
 * A write of an object that has all of its new values already needs no intents: it is made on
 * condition of the version that was read. The key is in those postings because of that version, and
 * a drop that has seen an object without the value has seen it before that version came, with an
 * intent.
 */
import { hasCode, StoreError } from '../../errors.js'
import type { ChangeOptions, ObjectStore } from '../../object-store.js'
import { bytesOf } from '../../value.js'
import { placeOfText, type IndexPlace } from './index-values.js'

/** A write under way. */
export interface Intent {
  readonly id: string
  /** When it began, by the clock of its host. */
  readonly startedAtMs: number
}

/** The keys in a posting, each with the writes that are under way to give its object the value. */
export type PostingEntries = Map<string, readonly Intent[]>

/** One version of a posting. */
interface Posting {
  readonly version: string | undefined
  readonly place: IndexPlace
  readonly entries: ReadonlyMap<string, readonly Intent[]>
}

/** What postings need beside a store. */
export interface PostingsEnvironment {
  nowMs(): number
  /** Unique in all the world. */
  newId(): string
  /** Waits for a moment before another attempt. */
  pause(attempt: number): Promise<void>
}

const CONTENT_TYPE = 'application/x-linkstore-posting+json'
const FORMAT = 1

/** The postings of a store. */
export class Postings {
  readonly #objects: ObjectStore
  readonly environment: PostingsEnvironment

  /** @param objects - a store that has nothing but postings */
  constructor(objects: ObjectStore, environment: PostingsEnvironment) {
    this.#objects = objects
    this.environment = environment
  }

  /** The keys that have a value, or may have it. */
  async keysAt(place: IndexPlace, signal: AbortSignal | undefined): Promise<string[]> {
    const posting = await this.#read(place.key, signal)
    return [...(posting?.entries.keys() ?? [])]
  }

  /** The places of all postings whose keys begin with this. */
  async *keys(prefix: string, signal: AbortSignal | undefined): AsyncGenerator<string> {
    for await (const { key } of this.#objects.list({ prefix, signal })) yield key
  }

  /** Adds a key with an intent; begins a write. */
  async intend(place: IndexPlace, key: string, options: ChangeOptions): Promise<Intent> {
    const { environment } = this
    const intent = { id: environment.newId(), startedAtMs: environment.nowMs() }
    const edit = (entries: PostingEntries): boolean => {
      entries.set(key, [...(entries.get(key) ?? []), intent])
      return true
    }
    await this.change(place, edit, options)
    return intent
  }

  /** Ends an intent, once the object is written. */
  async settle(
    place: IndexPlace,
    key: string,
    { id }: Intent,
    options: ChangeOptions,
  ): Promise<void> {
    const edit = (entries: PostingEntries): boolean => {
      const intents = entries.get(key)
      // Undefined where it took longer than the grace of a `verify`, which has dropped it.
      if (intents !== undefined && !intents.some((other) => other.id === id)) return false
      entries.set(key, intents?.filter((other) => other.id !== id) ?? [])
      return true
    }
    await this.change(place, edit, options)
  }

  /** Drops a key, unless a write is under way or its object has, or may have, the value. */
  async drop(
    place: IndexPlace,
    key: string,
    mayHave: () => Promise<boolean>,
    options: ChangeOptions,
  ): Promise<void> {
    const edit = async (entries: PostingEntries): Promise<boolean> => {
      const isSettled = entries.get(key)?.length === 0
      return isSettled && !(await mayHave()) && entries.delete(key)
    }
    await this.change(place, edit, options)
  }

  /**
   * Changes a posting; what was read is changed, or all is done again.
   *
   * @param edit - changes the entries; says whether it did
   */
  async change(
    place: IndexPlace,
    edit: (entries: PostingEntries) => boolean | Promise<boolean>,
    options: ChangeOptions,
  ): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      const posting = await this.#read(place.key, options.signal)
      const entries = new Map(posting?.entries)
      if (!(await edit(entries))) return
      try {
        await this.#replace({ place, version: posting?.version, entries }, options)
        return
      } catch (error) {
        if (!hasCode(error, 'PRECONDITION_FAILED')) throw error
      }
      await this.environment.pause(attempt)
    }
  }

  /** The place of a posting, by its key. */
  async placeAt(key: string, signal: AbortSignal | undefined): Promise<IndexPlace | undefined> {
    return (await this.#read(key, signal))?.place
  }

  /** Removes a posting that is damaged. */
  async discard(key: string, options: ChangeOptions): Promise<void> {
    await this.#objects.remove(key, options)
  }

  async #read(key: string, signal: AbortSignal | undefined): Promise<Posting | undefined> {
    const object = await this.#objects.read(key, { signal })
    const bytes = await bytesOf(object)
    if (object === undefined || bytes === undefined) return undefined
    const { version, contentType } = object.info
    const parsed = contentType === CONTENT_TYPE ? parsePosting(bytes) : undefined
    if (parsed?.place.key === key) return { ...parsed, version }
    throw new StoreError('CORRUPT', 'a posting of an index is none; verify() makes it again')
  }

  async #replace({ place, version, entries }: Posting, options: ChangeOptions): Promise<void> {
    if (entries.size > 0) {
      const condition = version === undefined ? { ifAbsent: true } : { ifVersion: version }
      const body = postingText(place, entries)
      const how = { ...options, ...condition, contentType: CONTENT_TYPE }
      await this.#objects.write(place.key, body, how)
    } else if (version !== undefined) {
      await this.#objects.remove(place.key, { ...options, ifVersion: version })
    }
  }
}

function postingText(place: IndexPlace, entries: Posting['entries']): string {
  const keys = [...entries].map(([key, intents]) =>
    intents.length === 0
      ? [key]
      : [key, intents.map(({ id, startedAtMs }) => [id, startedAtMs] as const)],
  )
  return JSON.stringify({ format: FORMAT, index: place.index, value: place.text, keys })
}

function parsePosting(bytes: Buffer): Omit<Posting, 'version'> | undefined {
  try {
    const { format, index, value, keys } = JSON.parse(bytes.toString()) as {
      format: number
      index: string
      value: string
      keys: [key: string, intents?: [id: string, startedAtMs: number][]][]
    }
    if (format !== FORMAT) return undefined
    const entries = keys.map(([key, intents = []]): [string, Intent[]] => [
      key,
      intents.map(([id, startedAtMs]) => ({ id, startedAtMs })),
    ])
    return { place: placeOfText(index, value), entries: new Map(entries) }
  } catch {
    return undefined
  }
}
