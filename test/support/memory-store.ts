/** A store in memory that tells how it is used. */
import { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { StoreError, type Body, type ObjectStore, type StoredObject } from '../../index.js'

/** Keeps text. Each call takes some turns of the event loop, and not all take as many. */
export class MemoryStore implements ObjectStore {
  readonly supports = {
    list: false,
    metadata: false,
    expiry: false,
    versions: false,
    conditions: false,
    maxKeyBytes: 65_536,
  }
  readonly values = new Map<string, string>()
  /** The keys of all calls, as they began. */
  readonly calls: string[] = []
  /** Calls under way: now, and at most. */
  underWay = 0
  mostUnderWay = 0
  /** Whether two calls for one key were ever under way at the same time. */
  hasCollided = false
  /** A key whose calls fail. */
  failing: string | undefined
  readonly #keys = new Set<string>()

  read(key: string): Promise<StoredObject | undefined> {
    return this.#during(key, () => {
      const value = this.values.get(key)
      return value === undefined ? undefined : objectOf(key, value)
    })
  }

  write(key: string, body: Body): ReturnType<ObjectStore['write']> {
    return this.#during(key, () => {
      this.values.set(key, body as string)
      return objectOf(key, body as string).info
    })
  }

  remove(key: string): Promise<boolean> {
    return this.#during(key, () => this.values.delete(key))
  }

  stat(): Promise<undefined> {
    return Promise.resolve(undefined)
  }

  take(): Promise<undefined> {
    return Promise.resolve(undefined)
  }

  list(): AsyncIterable<never> {
    return Readable.from([]) as AsyncIterable<never>
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  async #during<T>(key: string, act: () => T): Promise<T> {
    this.hasCollided ||= this.#keys.has(key)
    this.#keys.add(key)
    this.calls.push(key)
    this.underWay += 1
    this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay)
    const turns = 1 + (this.calls.length % 4)
    for (let turn = 0; turn < turns; turn += 1) await setImmediate()
    this.underWay -= 1
    this.#keys.delete(key)
    if (key === this.failing) throw new StoreError('NO_SPACE', 'as the test wants it', { key })
    return act()
  }
}

function objectOf(key: string, value: string): StoredObject {
  const info = {
    key,
    sizeBytes: value.length,
    version: undefined,
    writtenAtMs: 0,
    writtenBy: undefined,
    expiresAtMs: undefined,
    contentType: undefined,
    metadata: {},
  }
  return { info, bytes: async () => Buffer.from(value), close: async () => undefined } as never
}
