import { randomBytes } from 'node:crypto'
import { StoreError } from '../../errors.js'
import type { Beside, Bucket, Condition } from './bucket.js'
import type { Names } from './keys.js'

const NOTHING: Beside = { metadata: {}, contentType: undefined }
const WRONG = { IfMatch: '"00000000000000000000000000000000"' }

/**
 * What a server does with conditions. Many ignore those that they do not know, and then nobody
 * hears of it when two have won: so each is tried once, on an object of its own, before it is
 * relied upon.
 */
export class Abilities {
  readonly #bucket: Bucket
  readonly #names: Names
  #writes: Promise<boolean> | undefined
  #removals: Promise<boolean> | undefined
  #uploads: Promise<boolean> | undefined

  constructor(bucket: Bucket, names: Names) {
    this.#bucket = bucket
    this.#names = names
  }

  /** @throws StoreError `NOT_SUPPORTED` where conditions of writes are ignored */
  async requireWrites(): Promise<void> {
    this.#writes ??= this.#tryWrites()
    if (await forget(this.#writes, () => (this.#writes = undefined))) return
    throw unable('If-None-Match and If-Match of writes')
  }

  /** @throws StoreError `NOT_SUPPORTED` where conditions of uploads in parts are ignored */
  async requireUploads(): Promise<void> {
    this.#uploads ??= this.#tryUploads()
    if (await forget(this.#uploads, () => (this.#uploads = undefined))) return
    throw unable('If-None-Match and If-Match of uploads in parts, which large values need')
  }

  /** Whether conditions of removals are looked at. */
  async removals(): Promise<boolean> {
    this.#removals ??= this.#tryRemovals()
    return await forget(this.#removals, () => (this.#removals = undefined))
  }

  #tryWrites(): Promise<boolean> {
    return this.#with(async (name) => {
      const isIgnored = async (condition: Condition): Promise<boolean> =>
        (await this.#bucket.put(name, Buffer.alloc(0), NOTHING, condition)) !== undefined
      await isIgnored({})
      return !(await isIgnored({ IfNoneMatch: '*' })) && !(await isIgnored(WRONG))
    })
  }

  #tryRemovals(): Promise<boolean> {
    return this.#with(async (name) => {
      await this.#bucket.put(name, Buffer.alloc(0), NOTHING, {})
      return !(await this.#bucket.remove(name, WRONG))
    })
  }

  #tryUploads(): Promise<boolean> {
    return this.#with(async (name) => {
      await this.#bucket.put(name, Buffer.alloc(0), NOTHING, {})
      for (const condition of [{ IfNoneMatch: '*' }, WRONG] as const) {
        const id = await this.#bucket.createUpload(name, NOTHING)
        const parts = [await this.#bucket.putPart(name, id, 1, Buffer.alloc(0))]
        if (await this.#bucket.completeUpload(name, id, parts, 'AAAAAA==', condition)) return false
        await this.#bucket.abortUpload(name, id)
      }
      return true
    })
  }

  /** Tries something with a name that nobody else uses. */
  async #with(attempt: (name: string) => Promise<boolean>): Promise<boolean> {
    const name = this.#names.own(`probe-${randomBytes(16).toString('hex')}`)
    try {
      return await attempt(name)
    } finally {
      await this.#bucket.remove(name, {})
    }
  }
}

/** What could not be found out is tried again the next time. */
async function forget(answer: Promise<boolean>, undo: () => void): Promise<boolean> {
  try {
    return await answer
  } catch (error) {
    undo()
    throw error
  }
}

function unable(what: string): StoreError {
  const message = `this S3 server ignores ${what}: two callers would both be told that they won`
  return new StoreError('NOT_SUPPORTED', `${message}; use one that checks them`)
}
