/**
 * The builds whose pages are in a store, and how the pages of old ones go.
 *
 * Each build that is in use has a record, which its processes renew as they work, and which
 * expires. What belongs to a build without a record is removed: in a rolling update the old
 * processes keep theirs as long as they are asked for anything.
 */
import type { Store } from '../../../index.js'

/** How often in its lifetime a record is renewed. */
const RENEWALS = 8
/** How soon a failed renewal is tried again. */
const RETRY_MS = 60_000
/** The spaces whose keys go on with a build. */
const OF_BUILDS = ['page', 'use-cache'] as const

/** Builds, as one process knows them. */
export class Builds {
  readonly #store: Store
  readonly #prefix: string
  readonly #keepMs: number
  readonly #report: (error: unknown) => void
  readonly #known = new Map<string, { since: Promise<number>; renewAtMs: number }>()
  #cleaning: Promise<void> | undefined
  #isStopped = false

  /** @param keepMs - for how long what belongs to a build stays when nobody uses it any more */
  constructor(store: Store, prefix: string, keepMs: number, report: (error: unknown) => void) {
    this.#store = store
    this.#prefix = prefix
    this.#keepMs = keepMs
    this.#report = report
  }

  /** What the keys of a build's objects have after the prefix. */
  space(kind: (typeof OF_BUILDS)[number], build: string): string {
    return `${kind}/${encodeURIComponent(build)}`
  }

  /**
   * Says that a build is in use, and cleans up after others now and then, in the background.
   *
   * @param mark - that of the last revalidation
   * @returns the mark with which the build was first seen by any process; 0 where that is not known
   */
  async use(build: string, mark: number): Promise<number> {
    const known = this.#known.get(build)
    if (known !== undefined && performance.now() < known.renewAtMs) {
      return await known.since.catch(() => 0)
    }
    const use = {
      since: this.#register(build, mark),
      renewAtMs: performance.now() + this.#keepMs / RENEWALS,
    }
    this.#known.set(build, use)
    try {
      return await use.since
    } catch (error) {
      // What cannot be written to can still be read.
      this.#report(error)
      use.since = Promise.resolve(0)
      use.renewAtMs = performance.now() + Math.min(RETRY_MS, this.#keepMs / RENEWALS)
      return 0
    }
  }

  /** Removes what belongs to builds that nobody uses; goes through the whole store. */
  async removeOld(): Promise<number> {
    return await this.#store.deleteMany(this.#oldKeys())
  }

  /** Ends what goes on in the background. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#cleaning
  }

  async #register(build: string, mark: number): Promise<number> {
    const key = this.#recordKey(build)
    const ttlMs = this.#keepMs
    const isNew = await this.#store.add(key, String(mark), { ttlMs })
    const since = isNew ? mark : Number((await this.#store.get(key)) ?? mark)
    if (!isNew) await this.#store.set(key, String(since), { ttlMs })
    const turn = `${this.#prefix}/cleaning`
    if (isNew || (await this.#store.add(turn, '', { ttlMs: Math.ceil(ttlMs / RENEWALS) }))) {
      this.#cleaning = this.removeOld().then(() => undefined, this.#report)
    }
    return since
  }

  async *#oldKeys(): AsyncGenerator<string> {
    const isInUse = new Map<string, boolean>()
    for await (const key of this.#store.keys({ prefix: `${this.#prefix}/` })) {
      if (this.#isStopped) return
      const [kind, build = ''] = key.slice(this.#prefix.length + 1).split('/')
      if (!OF_BUILDS.some((name) => name === kind)) continue
      let inUse = isInUse.get(build)
      if (inUse === undefined) {
        inUse = await this.#store.has(`${this.#prefix}/build/${build}`)
        isInUse.set(build, inUse)
      }
      if (!inUse) yield key
    }
  }

  #recordKey(build: string): string {
    return `${this.#prefix}/build/${encodeURIComponent(build)}`
  }
}
