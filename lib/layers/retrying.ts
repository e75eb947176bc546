import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { isInMemory } from '../body.js'
import { abortError } from '../drivers/abort.js'
import { StoreError } from '../errors.js'
import type { ObjectInfo } from '../object-info.js'
import type {
  Body,
  CallOptions,
  ChangeOptions,
  ListOptions,
  ObjectStore,
  RemoveOptions,
  StoredObject,
  Supports,
  WriteOptions,
} from '../object-store.js'
import { checkCount, checkNumber, checkOptionNames } from '../options.js'

/** How {@link withRetries} tries again. */
export interface RetryOptions {
  /** How often a call is made at most, the first time included; default 5. */
  readonly attempts?: number | undefined
  /**
   * Milliseconds before the second attempt; default 100. Each further wait is twice as long, and
   * all of them differ by chance by up to a half, so that many callers do not come together.
   */
  readonly delayMs?: number | undefined
  /** No wait is longer; default 10 seconds. */
  readonly maxDelayMs?: number | undefined
}

interface RetryHow {
  readonly attempts: number
  readonly delayMs: number
  readonly maxDelayMs: number
}

/**
 * Makes calls again that failed with an error that is `retryable`, where that has the same effect:
 * `read`, `stat`, `write` of a value in memory, `remove`. Not what depends on what is there
 * (`take`, `ifAbsent`, `ifVersion`): of these a reply may have been lost after they were done. Nor
 * a stream, of which a part is gone, nor a listing that has begun. A removal that is made again
 * may say that there was nothing, though it was the one to remove it.
 *
 * @param inner - the store whose calls are made again
 */
export function withRetries(inner: ObjectStore, options: RetryOptions = {}): ObjectStore {
  checkOptionNames(options, ['attempts', 'delayMs', 'maxDelayMs'])
  const { attempts = 5, delayMs = 100, maxDelayMs = 10_000 } = options
  return new RetryingStore(inner, {
    attempts: checkCount('attempts', attempts),
    delayMs: checkNumber('delayMs', delayMs, 0, 2 ** 31 - 1),
    maxDelayMs: checkNumber('maxDelayMs', maxDelayMs, 0, 2 ** 31 - 1),
  })
}

class RetryingStore implements ObjectStore {
  readonly supports: Supports
  readonly #inner: ObjectStore
  readonly #how: RetryHow
  readonly #closing = new AbortController()

  constructor(inner: ObjectStore, how: RetryHow) {
    this.#inner = inner
    this.#how = how
    const { list, metadata, expiry, versions, conditions, maxKeyBytes } = inner.supports
    this.supports = { list, metadata, expiry, versions, conditions, maxKeyBytes }
  }

  read(key: string, options?: CallOptions): Promise<StoredObject | undefined> {
    return this.#retry(options, () => this.#inner.read(key, options))
  }

  stat(key: string, options?: CallOptions): Promise<ObjectInfo | undefined> {
    return this.#retry(options, () => this.#inner.stat(key, options))
  }

  write(key: string, body: Body, options?: WriteOptions): Promise<ObjectInfo> {
    const write = (): Promise<ObjectInfo> => this.#inner.write(key, body, options)
    const isConditional = options?.ifAbsent === true || options?.ifVersion !== undefined
    const isOnce = isConditional || !isInMemory(body)
    return isOnce ? write() : this.#retry(options, write)
  }

  remove(key: string, options?: RemoveOptions): Promise<boolean> {
    const remove = (): Promise<boolean> => this.#inner.remove(key, options)
    return options?.ifVersion === undefined ? this.#retry(options, remove) : remove()
  }

  take(key: string, options?: ChangeOptions): Promise<StoredObject | undefined> {
    return this.#inner.take(key, options)
  }

  async *list(options?: ListOptions): AsyncGenerator<ObjectInfo> {
    const [infos, first] = await this.#retry(options, async () => {
      const begun = this.#inner.list(options)[Symbol.asyncIterator]()
      return [begun, await begun.next()] as const
    })
    try {
      for (let step = first; step.done !== true; step = await infos.next()) yield step.value
    } finally {
      await infos.return?.()
    }
  }

  close(): Promise<void> {
    // Who waits to try again is told by the store underneath that it is closed.
    this.#closing.abort()
    return this.#inner.close()
  }

  async #retry<T>(options: CallOptions | undefined, call: () => Promise<T>): Promise<T> {
    const { attempts, delayMs, maxDelayMs } = this.#how
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await call()
      } catch (error) {
        const isWorthIt = error instanceof StoreError && error.retryable && attempt < attempts
        if (!isWorthIt) throw error
      }
      const delay = Math.min(delayMs * 2 ** (attempt - 1), maxDelayMs)
      await this.#pause(delay, options?.signal)
    }
  }

  async #pause(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
    const { signal: closing } = this.#closing
    const either = signal === undefined ? closing : AbortSignal.any([signal, closing])
    const waitMs = randomInt(Math.floor(delayMs / 2), Math.floor(delayMs) + 1)
    await sleep(waitMs, undefined, { signal: either }).catch(() => undefined)
    if (signal?.aborted === true) throw abortError(signal)
  }
}
