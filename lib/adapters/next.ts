/**
 * Cache handlers for Next.js 14, 15 and 16: one for its option `cacheHandler`, one for
 * `cacheHandlers`. All processes of an application, on all hosts, share what they render and
 * fetch, and a tag that one of them revalidates is revalidated for all.
 */
import { RouteHandler, type FoundBuilds } from './next/route-handler.js'
import { SharedCache } from './next/shared-cache.js'
import { UseCacheHandler } from './next/use-cache-handler.js'
import type { HandlerContext } from './next/versions.js'
import type { AdapterOptions } from './opened-store.js'

export { RouteHandler } from './next/route-handler.js'
export { UseCacheHandler } from './next/use-cache-handler.js'
export type {
  CacheControl,
  CacheValue,
  Durations,
  Found,
  GetContext,
  HandlerContext,
  SetContext,
  UseCacheEntry,
} from './next/versions.js'

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

/** What Next.js makes a handler of, for each request. */
export interface CacheHandlerClass {
  new (context: HandlerContext): RouteHandler
  /** Removes the pages of builds that nobody uses; says how many. Goes through all keys. */
  removeOldBuilds(): Promise<number>
  /** Closes the store, if it was opened by its path. */
  close(): Promise<void>
}

/**
 * A handler for the option `cacheHandler` of Next.js: pages, route handlers, `fetch`.
 *
 * @throws TypeError for what is neither a store nor a path; RangeError for a time that is not
 *   positive
 */
export function createCacheHandler(options: LinkstoreNextOptions): CacheHandlerClass {
  const cache = new SharedCache(options)
  const builds: FoundBuilds = new Map()
  return class extends RouteHandler {
    constructor(context: HandlerContext) {
      super(cache, context, builds)
    }

    static async removeOldBuilds(): Promise<number> {
      return await (await cache.open()).builds.removeOld()
    }

    static async close(): Promise<void> {
      await cache.close()
    }
  }
}

/**
 * A handler for the option `cacheHandlers` of Next.js: what functions with `'use cache'` return.
 *
 * @throws TypeError and RangeError as {@link createCacheHandler}
 */
export function createUseCacheHandler(options: LinkstoreNextOptions): UseCacheHandler {
  return new UseCacheHandler(new SharedCache(options))
}
