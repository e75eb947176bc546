/**
 * Cache handlers for Next.js 14, 15 and 16: one for its option `cacheHandler`, one for
 * `cacheHandlers`. All processes of an application, on all hosts, share what they render and
 * fetch, and a tag that one of them revalidates is revalidated for all.
 */
import { RouteHandler, type FoundBuilds } from './next/route-handler.js'
import { SharedCache, type LinkstoreNextOptions } from './next/shared-cache.js'
import { UseCacheHandler } from './next/use-cache-handler.js'
import type { HandlerContext } from './next/versions.js'

export type { LinkstoreNextOptions } from './next/shared-cache.js'
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
