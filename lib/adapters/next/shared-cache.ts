/**
 * What all handlers of one store share: the entries in it, the revalidations, and the builds that
 * they belong to.
 */
import { channel } from 'node:diagnostics_channel'
import { hashKey, StoreError, type Notice, type Store } from '../../../index.js'
import { OpenedStore, type AdapterOptions } from '../opened-store.js'
import { decodeValue, encodeValue, isUnreadable } from '../values.js'
import { Builds } from './builds.js'
import { Revalidations, type Waiting } from './revalidations.js'

const ENTRY_VERSION = 1
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** The longest that a key is stored as it is, so that people can read it. */
const MAX_KEY_LENGTH = 1000

/** Options of both handlers. A directory that is given is opened with `durability: 'none'`. */
export interface LinkstoreNextOptions extends AdapterOptions {
  /** What the keys of all objects begin with; default `next`. Each application needs its own. */
  readonly prefix?: string | undefined
  /** The build that pages belong to; default what `next build` has written into `BUILD_ID`. */
  readonly buildId?: string | undefined
  /**
   * For how long an entry is kept after it was written, in milliseconds; default 30 days. Pages
   * that the build has rendered are kept as long as the build is.
   */
  readonly ttlMs?: number | undefined
  /**
   * For how long the pages of a build are kept when none of its processes is asked for anything
   * any more, in milliseconds; default a day.
   */
  readonly keepBuildsMs?: number | undefined
  /** How long to wait before a page is made without the store, in milliseconds; default 5000. */
  readonly timeoutMs?: number | undefined
  /**
   * Told what the site has survived: entries that were damaged, a store that does not answer.
   * Default: it is published on the channel `linkstore:notice`.
   */
  readonly onError?: ((error: unknown) => void) | undefined
}

/** An entry, as it is stored. */
export interface Entry {
  /** The mark that was seen before its making began. */
  readonly madeAt: number
  readonly tags: readonly string[]
  readonly value: unknown
  /** What is known of its lifetime. */
  readonly lifetime?: unknown
}

/** An entry that was found. */
export interface StoredEntry extends Entry {
  /** By the clock of the host that wrote it. */
  readonly writtenAtMs: number
}

/** What is there while the store is. */
export interface Opened {
  readonly store: Store
  readonly revalidations: Revalidations
  readonly builds: Builds
}

/** The cache of one application, for as many handlers as there are. */
export class SharedCache {
  readonly buildId: string | undefined
  readonly prefix: string
  readonly #opened: OpenedStore
  readonly #ttlMs: number
  readonly #keepBuildsMs: number
  readonly #timeoutMs: number
  readonly #onError: (error: unknown) => void
  #parts: Opened | undefined

  constructor(options: LinkstoreNextOptions) {
    const { store, prefix = 'next', buildId, ttlMs = 30 * DAY_MS, ...others } = options
    const { keepBuildsMs = DAY_MS, timeoutMs = 5000, onError = publish, ...how } = others
    // A cache need not survive a power cut; what must, says so itself.
    this.#opened = new OpenedStore(store, { durability: 'none', ...how })
    this.prefix = prefix
    this.buildId = buildId
    this.#ttlMs = positive('ttlMs', ttlMs)
    this.#keepBuildsMs = positive('keepBuildsMs', keepBuildsMs)
    this.#timeoutMs = positive('timeoutMs', timeoutMs)
    this.#onError = onError
  }

  /** The store and what is in it, opened when it is first needed. */
  async open(): Promise<Opened> {
    const store = await this.#opened.get()
    if (this.#parts?.store === store) return this.#parts
    const revalidations = new Revalidations(store, this.prefix)
    const builds = new Builds(store, this.prefix, this.#keepBuildsMs, (error) => this.report(error))
    this.#parts = { store, revalidations, builds }
    return this.#parts
  }

  /** The key of an object; very long ones by their hash. */
  objectKey(space: string, key: string): string {
    return `${this.prefix}/${space}/${key.length > MAX_KEY_LENGTH ? hashKey(key) : key}`
  }

  /**
   * Reads an entry. What is damaged, foreign or of another version is of no use; it is reported,
   * and told apart from what is not there.
   */
  async read(objectKey: string, waiting: Waiting): Promise<StoredEntry | 'unreadable' | undefined> {
    const { store } = await this.open()
    try {
      await using object = await store.read(objectKey, waiting)
      if (object === undefined) return undefined
      const found = await decodeValue(object)
      if (!isEntry(found)) throw new TypeError(`under ${objectKey} there is no entry of Next.js`)
      return { ...found, writtenAtMs: object.info.writtenAtMs }
    } catch (error) {
      if (!isUnreadable(error) && !(error instanceof TypeError)) throw error
      this.report(error)
      return 'unreadable'
    }
  }

  /**
   * Stores an entry.
   *
   * @param ttlMs - its lifetime; at most that of the options, unless it is Infinity
   */
  async write(objectKey: string, entry: Entry, ttlMs = this.#ttlMs): Promise<void> {
    const { store } = await this.open()
    const { body, contentType } = encodeValue({ version: ENTRY_VERSION, ...entry })
    const lifetime =
      ttlMs === Infinity ? {} : { ttlMs: Math.max(1, Math.ceil(Math.min(ttlMs, this.#ttlMs))) }
    await store.set(objectKey, body, { contentType, ...lifetime })
  }

  /**
   * Does something that the site can go on without: where it fails, or the store does not answer
   * in time, that is reported.
   */
  async attempt<T>(work: (waiting: Waiting) => Promise<T>): Promise<T | undefined> {
    const ending = new AbortController()
    const end = new Promise<never>((_, reject) => {
      ending.signal.addEventListener('abort', () => reject(ending.signal.reason))
    })
    const timer = setTimeout(() => ending.abort(silent(this.#timeoutMs)), this.#timeoutMs)
    try {
      return await Promise.race([work({ signal: ending.signal }), end])
    } catch (error) {
      this.report(error)
      return undefined
    } finally {
      clearTimeout(timer)
    }
  }

  /** Tells whoever wants to know of what the site has survived. */
  report(error: unknown): void {
    this.#onError(error)
  }

  /** Closes the store, if it was opened by its path. */
  async close(): Promise<void> {
    await this.#parts?.builds.stop()
    await this.#opened.close()
  }
}

function positive(name: string, value: number): number {
  if (typeof value === 'number' && value > 0) return Math.ceil(value)
  throw new RangeError(`${name} must be a positive number of milliseconds`)
}

function isEntry(found: unknown): found is Entry {
  if (typeof found !== 'object' || found === null) return false
  const { version, madeAt, tags } = found as Partial<Entry> & { version?: unknown }
  return version === ENTRY_VERSION && typeof madeAt === 'number' && Array.isArray(tags)
}

function silent(timeoutMs: number): StoreError {
  return new StoreError('UNAVAILABLE', `the store has not answered within ${timeoutMs} ms`)
}

const notices = channel('linkstore:notice')

function publish(cause: unknown): void {
  const message = 'the cache of Next.js went on without the store'
  notices.publish({ message, cause } satisfies Notice)
}
