import { builtPage, buildIn, ownHandler, type Build, type OwnHandler } from './build-output.js'
import type { Waiting } from './revalidations.js'
import type { Opened, SharedCache, StoredEntry } from './shared-cache.js'
import type { Freshness } from './stamps.js'
import {
  isValueOf,
  lifetimeOf,
  pageFound,
  pathOf,
  spaceOf,
  staleFound,
  tagsOf,
  type CacheControl,
  type CacheValue,
  type Durations,
  type Found,
  type GetContext,
  type HandlerContext,
  type SetContext,
  type Space,
} from './versions.js'

/** What was asked for. */
interface Asked {
  readonly key: string
  readonly context: GetContext
  readonly waiting: Waiting
}

type Judge = (tags: readonly string[], madeAt: number) => Promise<Freshness>

/** The builds that handlers of one cache have found, by their directories. */
export type FoundBuilds = Map<string, Build>

/**
 * A handler for `cacheHandler`: pages, route handlers, `fetch`, images. Next.js makes one for each
 * request; while it builds, and in development, its own handler does all the work.
 */
export class RouteHandler {
  readonly #cache: SharedCache
  readonly #context: HandlerContext
  readonly #builds: FoundBuilds
  readonly #createdAtMs = performance.timeOrigin + performance.now()
  /** For each key the mark that was seen when it was first asked for: what is made is as old. */
  readonly #marks = new Map<string, number>()
  #own: Promise<OwnHandler | undefined> | undefined

  /** @internal Made by `createCacheHandler`. */
  constructor(cache: SharedCache, context: HandlerContext, builds: FoundBuilds) {
    this.#cache = cache
    this.#context = context
    this.#builds = builds
  }

  /** An entry that is fresh, or may be given out while a new one is made; null: there is none. */
  async get(key: string, context: GetContext = {}): Promise<Found | null> {
    const build = await this.#build()
    if (build === undefined) return (await (await this.#ownHandler())?.get(key, context)) ?? null
    const found = await this.#cache.attempt(
      async (waiting) => await this.#find(build, { key, context, waiting }),
    )
    return found ?? null
  }

  /** Stores an entry. Where that fails it is reported, and the entry is made again when needed. */
  async set(key: string, value: CacheValue, context: SetContext = {}): Promise<void> {
    const build = await this.#build()
    if (build === undefined) {
      await (await this.#ownHandler())?.set(key, value, context)
      return
    }
    await this.#cache.attempt(async () => {
      const { revalidations, builds } = await this.#cache.open()
      const madeAt = this.#marks.get(key) ?? revalidations.markSeenBefore(this.#createdAtMs)
      this.#marks.delete(key)
      const objectKey = this.#objectKey(builds, build, spaceOf(context), key)
      const tags = tagsOf(value, context)
      const entry = { madeAt, tags, value, lifetime: lifetimeOf(context) }
      // Were it to expire, the page of the build would show again.
      const isBuilt = spaceOf(context) === 'page' && build.lifetimes.has(pathOf(key))
      await this.#cache.write(objectKey, entry, isBuilt ? Infinity : undefined)
    })
  }

  /**
   * Revalidates tags for all processes.
   *
   * @throws StoreError where the store cannot be written to: the caller must know that others
   *   will not see it
   */
  async revalidateTag(tags: string | readonly string[], durations?: Durations): Promise<void> {
    const all = typeof tags === 'string' ? [tags] : [...tags]
    if ((await this.#build()) === undefined) {
      await (await this.#ownHandler())?.revalidateTag(all, durations)
      return
    }
    const { revalidations } = await this.#cache.open()
    await revalidations.revalidate(all, durations)
    // What this request makes from now on is newer than that.
    this.#marks.clear()
  }

  /** Called by Next.js before each request; nothing is kept from one to the next. */
  resetRequestCache(): void {
    this.#marks.clear()
  }

  async #find(build: Build, asked: Asked): Promise<Found | undefined> {
    const { key, context, waiting } = asked
    const space = spaceOf(context)
    const { revalidations, builds } = await this.#cache.open()
    const [mark, entry] = await Promise.all([
      revalidations.mark(waiting),
      this.#cache.read(this.#objectKey(builds, build, space, key), waiting),
    ])
    if (!this.#marks.has(key)) this.#marks.set(key, mark)
    const judge: Judge = async (tags, madeAt) =>
      await revalidations.judge(tags, madeAt, mark, waiting)
    const since = await builds.use(build.id, mark)
    if (entry === 'unreadable') return undefined
    if (entry !== undefined) return await foundEntry(space, entry, context, judge)
    return space === 'page' ? await this.#foundBuilt(build, since, asked, judge) : undefined
  }

  /** A page of the build is as old as the build, and not newer than its first appearance here. */
  async #foundBuilt(
    build: Build,
    since: number,
    { key, context }: Asked,
    judge: Judge,
  ): Promise<Found | undefined> {
    const own = await this.#ownHandler()
    if (own === undefined) return undefined
    const page = await builtPage(own, build, key, context, Date.now())
    if (page === undefined) return undefined
    const madeAt = Math.min(since, Math.floor(Math.min(build.madeAtMs, page.lastModified)))
    const freshness = await judge(tagsOf(page.value), madeAt)
    return freshness === 'fresh' ? page : undefined
  }

  /** The build that is being served; undefined while there is none. */
  async #build(): Promise<Build | undefined> {
    const { dev, serverDistDir } = this.#context
    if (dev === true || serverDistDir === undefined) return undefined
    const known = this.#builds.get(serverDistDir)
    if (known !== undefined) return known
    const build = await buildIn(serverDistDir)
    if (build === undefined) return undefined
    const named = { ...build, id: this.#cache.buildId ?? build.id }
    this.#builds.set(serverDistDir, named)
    return named
  }

  /** While serving it must only read: what it would flush to disk is in the store. */
  async #ownHandler(): Promise<OwnHandler | undefined> {
    const isServing = (await this.#build()) !== undefined
    const context = isServing
      ? { ...this.#context, flushToDisk: false, maxMemoryCacheSize: 0 }
      : this.#context
    this.#own ??= ownHandler(context)
    return await this.#own
  }

  #objectKey(builds: Opened['builds'], build: Build, space: Space, key: string): string {
    const name = space === 'page' ? builds.space('page', build.id) : space
    return this.#cache.objectKey(name, key)
  }
}

async function foundEntry(
  space: Space,
  { value, tags, madeAt, writtenAtMs, lifetime }: StoredEntry,
  context: GetContext,
  judge: Judge,
): Promise<Found | undefined> {
  if (!isValueOf(space, value)) return undefined
  const all = [...tags, ...(context.tags ?? []), ...(context.softTags ?? [])]
  const freshness = await judge(all, madeAt)
  if (freshness === 'expired') return undefined
  const cacheControl = lifetime as CacheControl | undefined
  const nowMs = Date.now()
  if (freshness === 'stale') return staleFound(space, value, writtenAtMs, cacheControl, nowMs)
  if (space === 'page') return pageFound(value, writtenAtMs, cacheControl, nowMs)
  return { value, lastModified: writtenAtMs }
}
