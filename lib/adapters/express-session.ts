/**
 * A store for express-session. Sessions survive restarts and are seen by all replicas; one that
 * was logged out or has expired is gone everywhere.
 */
import { Store as SessionStore, type SessionData } from 'express-session'
import { StoreError, type Store } from '../../index.js'
import { OpenedStore, type AdapterOptions } from './opened-store.js'
import { clearUnder, keysUnder } from './prefixed-keys.js'
import { emitError, isUnreadable } from './values.js'

export type { StoreGiven } from './opened-store.js'

/** Options of the session store. */
export interface LinkstoreSessionOptions extends AdapterOptions {
  /** What the keys of all sessions begin with; default `session/`. */
  readonly prefix?: string | undefined
  /** Lifetime in milliseconds of a session whose cookie has none; default a day. */
  readonly ttlMs?: number | undefined
}

/** What is called once at the end: with an error, or with null and the result. */
export type Done<T = unknown> = (error?: unknown, result?: T) => void

const DAY_MS = 24 * 60 * 60 * 1000
/** A session that is changed this often between a look and a write is in use anyway. */
const TOUCHES = 5

/** Keeps sessions as JSON. One that is damaged is absent, and is told by the event `error`. */
export class LinkstoreSessionStore extends SessionStore {
  readonly #store: OpenedStore
  readonly #prefix: string
  readonly #ttlMs: number

  constructor({ store, prefix = 'session/', ttlMs = DAY_MS, ...how }: LinkstoreSessionOptions) {
    super()
    this.#store = new OpenedStore(store, how)
    this.#prefix = prefix
    this.#ttlMs = ttlMs
  }

  override get(sid: string, done: Done<SessionData | null>): void {
    answer(done, async () => (await this.#read(sid)) ?? null)
  }

  override set(sid: string, session: SessionData, done?: Done): void {
    answer(done, async () => {
      const store = await this.#store.get()
      const ttlMs = this.#lifetimeOf(session)
      if (ttlMs <= 0) await store.delete(this.#prefix + sid)
      else await store.set(this.#prefix + sid, JSON.stringify(session), { ttlMs })
    })
  }

  override destroy(sid: string, done?: Done): void {
    answer(done, async () => {
      await (await this.#store.get()).delete(this.#prefix + sid)
    })
  }

  /** Lets a session live on. What another request stored in it meanwhile stays. */
  override touch(sid: string, session: SessionData, done?: Done): void {
    answer(done, async () => {
      const store = await this.#store.get()
      for (let tries = 0; tries < TOUCHES && !(await this.#touch(store, sid, session)); tries += 1);
    })
  }

  override all(done: Done<Record<string, SessionData>>): void {
    answer(done, async () => {
      const all: Record<string, SessionData> = {}
      for await (const sid of keysUnder(await this.#store.get(), this.#prefix)) {
        const session = await this.#read(sid)
        if (session !== undefined) all[sid] = session
      }
      return all
    })
  }

  override length(done: Done<number>): void {
    answer(done, async () => {
      let count = 0
      for await (const _ of keysUnder(await this.#store.get(), this.#prefix)) count += 1
      return count
    })
  }

  override clear(done?: Done): void {
    answer(done, async () => {
      await clearUnder(await this.#store.get(), this.#prefix)
    })
  }

  /** Closes the store, if it was opened by its path. */
  async close(): Promise<void> {
    await this.#store.close()
  }

  /** A session that is damaged would fail every request of its user: it is over instead. */
  async #read(sid: string): Promise<SessionData | undefined> {
    const store = await this.#store.get()
    try {
      await using object = await store.read(this.#prefix + sid)
      return (await object?.json()) as SessionData | undefined
    } catch (error) {
      if (!isUnreadable(error)) throw error
      emitError(this, error)
      return undefined
    }
  }

  /** Whether it is done; where `ifVersion` can be had, not if the session was just changed. */
  async #touch(store: Store, sid: string, { cookie }: SessionData): Promise<boolean> {
    const key = this.#prefix + sid
    await using object = await store.read(key)
    if (object === undefined) return true
    const session = { ...((await object.json()) as SessionData), cookie }
    const ttlMs = this.#lifetimeOf(session)
    const ifVersion = store.supports.conditions ? object.info.version : undefined
    try {
      if (ttlMs <= 0) await store.delete(key, { ifVersion })
      else await store.set(key, JSON.stringify(session), { ttlMs, ifVersion })
      return true
    } catch (error) {
      if (error instanceof StoreError && error.code === 'PRECONDITION_FAILED') return false
      throw error
    }
  }

  /** In milliseconds; not above 0 where the session is over. */
  #lifetimeOf({ cookie }: SessionData): number {
    const { maxAge } = cookie
    return typeof maxAge === 'number' ? Math.ceil(maxAge) : this.#ttlMs
  }
}

/** Runs some work for a caller with a callback, which is called once, and in its own turn. */
function answer<T>(done: Done<T> | undefined, work: () => Promise<T>): void {
  work().then(
    (result) => setImmediate(() => done?.(null, result)),
    (error: unknown) => setImmediate(() => done?.(error)),
  )
}
