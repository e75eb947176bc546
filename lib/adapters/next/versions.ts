/**
 * What Next.js gives to its handlers and expects of them, in 14, 15 and 16. All in which these
 * differ is here.
 *
 * | | 14 | 15 | 16 |
 * | --- | --- | --- | --- |
 * | kind of what is asked for | `kindHint`: `'fetch'` | `kind`: `'FETCH'` | the same |
 * | lifetime of a page, to `set` | `revalidate` | `cacheControl` | the same, and it is read back |
 * | `revalidateTag` | tags | tags | tags, durations |
 * | tags of `'use cache'` | | `expireTags(...tags)` | `updateTags(tags, durations)` |
 * | key of `'use cache'` | | `[build, id, values]` | `[id, values, [build]]` |
 */

/** What a handler of `cacheHandler` is made with, for each request. */
export interface HandlerContext {
  /** Whether it is `next dev` that asks. */
  readonly dev?: boolean | undefined
  /** The directory `server` of the build. */
  readonly serverDistDir?: string | undefined
}

/** What `get` is told besides the key. */
export interface GetContext {
  /** What is asked for: 15 and 16. */
  readonly kind?: string | undefined
  /** The same: 14. */
  readonly kindHint?: string | undefined
  /** Tags of a `fetch`. */
  readonly tags?: readonly string[] | undefined
  /** Tags that stand for the path of the page that asks. */
  readonly softTags?: readonly string[] | undefined
}

/** What `set` is told besides the key and the value. */
export interface SetContext {
  /** What is stored, where the value does not say so. */
  readonly kind?: string | undefined
  /** Whether it is a `fetch`. */
  readonly fetchCache?: boolean | undefined
  /** Tags of a `fetch`. */
  readonly tags?: readonly string[] | undefined
  /** Lifetime of a page in seconds: 14; false: for ever. */
  readonly revalidate?: number | false | undefined
  /** Lifetime of a page: 15 and 16. */
  readonly cacheControl?: CacheControl | undefined
}

/** How long a page is fresh, and how long it may be given out at all, in seconds. */
export interface CacheControl {
  /** After so many seconds a new one is made; false: never. */
  readonly revalidate: number | false
  /** After so many seconds it is not given out any more. */
  readonly expire?: number | undefined
}

/** What `revalidateTag` is told besides the tags: for how long they may still be given out. */
export interface Durations {
  /** In seconds. */
  readonly expire?: number | undefined
}

/** A page, a response of a route handler, a `fetch` or an image; null: there is no such page. */
export type CacheValue =
  | (Readonly<Record<string, unknown>> & {
      /** Which of them it is. */
      readonly kind: string
      /** Of the response; those of a page name its tags. */
      readonly headers?: Readonly<Record<string, unknown>> | undefined
      /** Tags of a `fetch`. */
      readonly tags?: readonly string[] | undefined
    })
  | null

/** What `get` answers. */
export interface Found {
  /** What was stored. */
  readonly value: CacheValue
  /** In milliseconds since 1970; Next.js adds the lifetime to it. */
  readonly lastModified: number
  /** The lifetime it was stored with. */
  readonly cacheControl?: CacheControl | undefined
}

/** An entry of `'use cache'`. */
export interface UseCacheEntry {
  /** What the function returned, as Next.js writes it. */
  readonly value: ReadableStream<Uint8Array>
  /** Those that it was given by `cacheTag`. */
  readonly tags: string[]
  /** In seconds, for the browser. */
  readonly stale: number
  /** When its making began, in milliseconds since 1970. */
  readonly timestamp: number
  /** For how long it may be given out, in seconds. */
  readonly expire: number
  /** After how many seconds a new one is made. */
  readonly revalidate: number
}

/** Where an entry belongs: what is rendered to its build; what was fetched outlives builds. */
export type Space = 'page' | 'fetch' | 'image'

const TAGS_HEADER = 'x-next-cache-tags'
const MS = 1000
/** Long enough ago that a lifetime of one second is over. */
const PAST_MS = 2 * MS

/** Where an entry belongs. */
export function spaceOf({ kind, kindHint, fetchCache }: GetContext & SetContext): Space {
  if (kind === 'FETCH' || kindHint === 'fetch' || fetchCache === true) return 'fetch'
  return kind === 'IMAGE' ? 'image' : 'page'
}

/** Whether a value may be what Next.js has put there: it throws where the kind is not expected. */
export function isValueOf(space: Space, value: unknown): value is CacheValue {
  if (value === null) return space === 'page'
  if (typeof value !== 'object' || !('kind' in value)) return false
  if (space === 'page') return value.kind !== 'FETCH' && value.kind !== 'IMAGE'
  return value.kind === space.toUpperCase()
}

/** The tags of what is stored. */
export function tagsOf(value: CacheValue, context: SetContext = {}): string[] {
  const header = value?.headers?.[TAGS_HEADER]
  const ofPage = typeof header === 'string' ? header.split(',') : []
  return [...new Set([...ofPage, ...(value?.tags ?? []), ...(context.tags ?? [])])]
}

/** How long what is stored is fresh. */
export function lifetimeOf({ cacheControl, revalidate }: SetContext): CacheControl | undefined {
  return cacheControl ?? (revalidate === undefined ? undefined : { revalidate })
}

/**
 * What `get` answers for a page that is fresh by its tags. A process of Next.js 14 or 15 knows the
 * lifetimes only of pages that it has rendered itself, or that the build has; for all others it
 * takes one second. So what is fresh by the lifetime that was stored with it is said to be new.
 */
export function pageFound(
  value: CacheValue,
  writtenAtMs: number,
  lifetime: CacheControl | undefined,
  nowMs: number,
): Found {
  const isFresh = lifetime !== undefined && !isOver(lifetime, writtenAtMs, nowMs)
  return { value, lastModified: isFresh ? nowMs : writtenAtMs, cacheControl: lifetime }
}

/** What `get` answers for what may be given out while a new one is made; only 16 asks for it. */
export function staleFound(
  space: Space,
  value: CacheValue,
  writtenAtMs: number,
  lifetime: CacheControl | undefined,
  nowMs: number,
): Found {
  // The lifetime of a fetch comes with the question; none of them reaches back to 1970.
  if (space === 'fetch') return { value, lastModified: 1 }
  const lastModified = Math.min(writtenAtMs, nowMs - PAST_MS)
  return { value, lastModified, cacheControl: { ...lifetime, revalidate: 1 } }
}

/** Whether a lifetime has ended. */
export function isOver({ revalidate }: CacheControl, writtenAtMs: number, nowMs: number): boolean {
  return revalidate !== false && nowMs > writtenAtMs + revalidate * MS
}

/** The path of a page in a key: 16, and the last 15, put before it where its source lies. */
export function pathOf(key: string): string {
  const at = key.indexOf('/$/')
  const path = at === -1 ? key : key.slice(at + 2)
  return path === '/index' ? '/' : path
}

/** What a key of `'use cache'` says of the build that it is of, or of the code. */
export function buildOfUseCacheKey(key: string): string | undefined {
  try {
    const parts: unknown = JSON.parse(key)
    if (!Array.isArray(parts)) return undefined
    const [first, second, third] = parts as unknown[]
    const build: unknown = Array.isArray(second) && Array.isArray(third) ? third[0] : first
    return typeof build === 'string' ? build : undefined
  } catch {
    return undefined
  }
}
