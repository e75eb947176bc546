/**
 * What `next build` has left: the id of the build, and the pages that it has rendered. They lie
 * under the store, as it were: a page of the build is given out where the store has none, and is
 * never written to the store, so that it cannot take the place of anything newer.
 *
 * They are read by the handler that Next.js uses where there is none of ours. It knows where its
 * own version has put them.
 */
import { readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import {
  isOver,
  pathOf,
  type CacheControl,
  type CacheValue,
  type Durations,
  type Found,
  type GetContext,
  type HandlerContext,
  type SetContext,
} from './versions.js'

/** What Next.js makes of `cacheHandler`. */
export interface OwnHandler {
  get(key: string, context: GetContext): Promise<Found | null>
  set(key: string, value: CacheValue, context: SetContext): Promise<void>
  revalidateTag(tags: string | string[], durations?: Durations): Promise<void>
  resetRequestCache(): void
}

/** A build that is complete. */
export interface Build {
  readonly id: string
  /** When it was made, by the times of its files, in milliseconds since 1970. */
  readonly madeAtMs: number
  /** The lifetime of each page that was rendered, as far as it is known. */
  readonly lifetimes: ReadonlyMap<string, CacheControl>
}

interface Manifest {
  readonly routes?: Readonly<Record<string, { initialRevalidateSeconds?: number | false }>>
}

/** The build in a directory; undefined while it is being made, and in development. */
export async function buildIn(serverDistDir: string): Promise<Build | undefined> {
  const directory = dirname(serverDistDir)
  const idPath = join(directory, 'BUILD_ID')
  try {
    // `next build` writes this last, and removes what an earlier one has left before it begins.
    const manifest = await readFile(join(directory, 'prerender-manifest.json'), 'utf8')
    const [id, { mtimeMs }] = await Promise.all([readFile(idPath, 'utf8'), stat(idPath)])
    const { routes = {} } = JSON.parse(manifest) as Manifest
    const lifetimes = Object.entries(routes).map(
      ([path, { initialRevalidateSeconds: revalidate = false }]) => [path, { revalidate }] as const,
    )
    return { id: id.trim(), madeAtMs: mtimeMs, lifetimes: new Map(lifetimes) }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** The handler that Next.js has itself; undefined where the package `next` cannot be found. */
export async function ownHandler(context: HandlerContext): Promise<OwnHandler | undefined> {
  let found: unknown
  try {
    // @ts-expect-error The package is there where an application is.
    found = await import('next/dist/server/lib/incremental-cache/file-system-cache.js')
  } catch {
    return undefined
  }
  // A CommonJS module whose own default is a property of what it exports.
  const module = found as { default?: { default?: unknown } }
  const Handler = module.default?.default ?? module.default
  if (typeof Handler !== 'function') return undefined
  return Reflect.construct(Handler, [context]) as OwnHandler
}

/**
 * A page of the build, as long as its lifetime is not over: the store may have had newer ones.
 */
export async function builtPage(
  own: OwnHandler,
  build: Build,
  key: string,
  context: GetContext,
  nowMs: number,
): Promise<Found | undefined> {
  const page = await own.get(key, context)
  if (page === null) return undefined
  const lifetime = page.cacheControl ?? build.lifetimes.get(pathOf(key))
  const isStale = lifetime !== undefined && isOver(lifetime, page.lastModified, nowMs)
  return isStale ? undefined : page
}
