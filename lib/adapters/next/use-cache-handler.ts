import type { SharedCache } from './shared-cache.js'
import { buildOfUseCacheKey, type Durations, type UseCacheEntry } from './versions.js'

const MS = 1000
/** Of what does not say which build it is of. */
const ANY_BUILD = 'any'

/** An entry of `'use cache'` as it is stored: with bytes instead of a stream. */
type StoredValue = Omit<UseCacheEntry, 'value' | 'tags'> & { readonly bytes: Uint8Array }

/**
 * A handler for `cacheHandlers`: what functions with `'use cache'` have returned. One of them does
 * for all requests.
 */
export class UseCacheHandler {
  readonly #cache: SharedCache
  /** What is being stored by this process: whoever asks for it waits. */
  readonly #pending = new Map<string, Promise<void>>()

  /** @internal Made by `createUseCacheHandler`. */
  constructor(cache: SharedCache) {
    this.#cache = cache
  }

  /** An entry that may be given out; one whose tags are stale says that a new one is to be made. */
  async get(key: string, softTags: readonly string[] = []): Promise<UseCacheEntry | undefined> {
    await this.#pending.get(key)
    return await this.#cache.attempt(async (waiting) => {
      const { revalidations, builds } = await this.#cache.open()
      const [mark, entry] = await Promise.all([
        revalidations.mark(waiting),
        this.#cache.read(await this.#objectKey(key), waiting),
      ])
      await builds.use(buildOf(key), mark)
      if (entry === undefined || entry === 'unreadable' || !isStored(entry.value)) return undefined
      const { bytes, ...rest } = entry.value
      if (Date.now() > rest.timestamp + rest.expire * MS) return undefined
      const tags = [...entry.tags, ...softTags]
      const freshness = await revalidations.judge(tags, entry.madeAt, mark, waiting)
      if (freshness === 'expired') return undefined
      const revalidate = freshness === 'stale' ? -1 : rest.revalidate
      return { ...rest, revalidate, tags: [...entry.tags], value: streamOf(bytes) }
    })
  }

  /** Stores an entry when it is complete. One that fails, or may not be kept, is not stored. */
  async set(key: string, pendingEntry: Promise<UseCacheEntry>): Promise<void> {
    const storing = this.#cache.attempt(async () => await this.#write(key, await pendingEntry))
    const done = storing.then(() => {
      if (this.#pending.get(key) === done) this.#pending.delete(key)
    })
    this.#pending.set(key, done)
    await done
  }

  /** Nothing to do: each `get` looks at the revalidations itself. */
  async refreshTags(): Promise<void> {
    // There is nothing that could be out of date.
  }

  /** That tags are looked at by `get`, where they are given to it. */
  async getExpiration(): Promise<number> {
    return await Promise.resolve(Infinity)
  }

  /**
   * Revalidates tags for all processes, as Next.js 16 asks for it.
   *
   * @throws StoreError where the store cannot be written to
   */
  async updateTags(tags: readonly string[], durations?: Durations): Promise<void> {
    const { revalidations } = await this.#cache.open()
    await revalidations.revalidate(tags, durations)
  }

  /** The same, as Next.js 15 asks for it. */
  async expireTags(...tags: string[]): Promise<void> {
    await this.updateTags(tags)
  }

  /** Closes the store, if it was opened by its path. */
  async close(): Promise<void> {
    await this.#cache.close()
  }

  async #write(key: string, entry: UseCacheEntry): Promise<void> {
    const { value, tags, ...rest } = entry
    if (rest.expire <= 0) return
    const stored: StoredValue = { ...rest, bytes: await bytesOf(value) }
    const { revalidations } = await this.#cache.open()
    const madeAt = revalidations.markSeenBefore(entry.timestamp)
    const objectKey = await this.#objectKey(key)
    await this.#cache.write(objectKey, { madeAt, tags, value: stored }, rest.expire * MS)
  }

  async #objectKey(key: string): Promise<string> {
    const { builds } = await this.#cache.open()
    return this.#cache.objectKey(builds.space('use-cache', buildOf(key)), key)
  }
}

function buildOf(key: string): string {
  return buildOfUseCacheKey(key) ?? ANY_BUILD
}

function isStored(value: unknown): value is StoredValue {
  if (typeof value !== 'object' || value === null) return false
  const { bytes, timestamp, expire } = value as Partial<StoredValue>
  return bytes instanceof Uint8Array && typeof timestamp === 'number' && typeof expire === 'number'
}

function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start: (controller) => {
      controller.enqueue(bytes)
      controller.close()
    },
  })
}

async function bytesOf(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of stream) pieces.push(piece)
  return Buffer.concat(pieces)
}
