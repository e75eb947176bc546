import { isDeepStrictEqual } from 'node:util'
import { crc32 } from 'node:zlib'
import type { ObjectInfo, Store, StoredObject } from '../../../index.js'
import { hasCode } from '../failure.js'
import { eachOf } from '../tree/each-of.js'

const OBJECTS_AT_ONCE = 8
const ATTEMPTS_AT_MOST = 5

/** What is the fault of one object; the others go on. */
const OF_ONE_OBJECT = ['CORRUPT', 'INVALID_KEY', 'NOT_SUPPORTED', 'FORMAT_UNSUPPORTED'] as const

/** How objects are copied. */
export interface MigrationHow {
  readonly prefix: string
  readonly isDry: boolean
  /** Whether the values of what seems to be there are compared. */
  readonly checksum: boolean
  readonly signal: AbortSignal
  readonly onSkip: (key: string, reason: string) => void
  readonly onObject: (done: number, bytes: number) => void
}

/** Something that was not copied, and why. */
interface Skipped {
  readonly key: string
  readonly reason: string
}

/** The sum of a value. */
interface Sum {
  crc: number
  bytes: number
}

/** A copy is not what was copied. */
class DifferentCopy extends Error {
  override readonly name = 'DifferentCopy'
}

/** Copies the objects of one store to another, and counts them. */
export class Migration {
  migrated = 0
  /** Of the values that were copied. */
  bytes = 0
  /** Objects that were there already. */
  present = 0
  /** Objects that were listed, but gone when their turn came. */
  gone = 0
  readonly skipped: Skipped[] = []
  readonly #source: Store
  readonly #target: Store
  readonly #how: MigrationHow

  constructor(source: Store, target: Store, how: MigrationHow) {
    this.#source = source
    this.#target = target
    this.#how = how
  }

  async run(): Promise<void> {
    await eachOf(this.#listed(), OBJECTS_AT_ONCE, async (info) => {
      await this.#visit(info)
      const { migrated, present, gone, skipped } = this
      this.#how.onObject(migrated + present + gone + skipped.length, this.bytes)
    })
  }

  /** All objects; what cannot be read is told of when the others were listed. */
  async *#listed(): AsyncGenerator<ObjectInfo> {
    const { prefix, signal } = this.#how
    try {
      yield* this.#source.list({ prefix, signal })
    } catch (error) {
      if (!hasCode(error, 'CORRUPT')) throw error
      this.#skip('', (error as Error).message)
    }
  }

  async #visit(info: ObjectInfo): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#copy(info)
        return
      } catch (error) {
        const isOwn = error instanceof DifferentCopy || error instanceof RangeError
        if (isOwn || hasCode(error, ...OF_ONE_OBJECT)) {
          this.#skip(info.key, (error as Error).message)
          return
        }
        // It may have been replaced while it was read.
        if (!hasCode(error, 'UNAVAILABLE') || attempt === ATTEMPTS_AT_MOST) throw error
      }
    }
  }

  async #copy({ key, ...listed }: ObjectInfo): Promise<void> {
    const { signal, isDry } = this.#how
    if (await this.#isThere({ key, ...listed })) {
      this.present += 1
      return
    }
    if (isDry) {
      this.migrated += 1
      this.bytes += listed.sizeBytes
      return
    }
    await using object = await this.#source.read(key, { signal })
    if (object === undefined) {
      this.gone += 1
      return
    }
    const given: Sum = { crc: 0, bytes: 0 }
    const options = { ...attributesOf(object.info), signal }
    const written = await this.#target.set(key, summed(object, given), options)
    await this.#requireSame(written, given)
    this.migrated += 1
    this.bytes += given.bytes
  }

  /** Whether the target has what this object was when it was last copied. */
  async #isThere(info: ObjectInfo): Promise<boolean> {
    const { signal, checksum } = this.#how
    const found = await this.#target.stat(info.key, { signal })
    if (found === undefined || found.writtenAtMs < info.writtenAtMs) return false
    const isLike =
      found.sizeBytes === info.sizeBytes &&
      found.contentType === info.contentType &&
      isDeepStrictEqual({ ...found.metadata }, { ...info.metadata }) &&
      (found.expiresAtMs === undefined) === (info.expiresAtMs === undefined)
    if (!isLike || !checksum) return isLike
    const [ours, theirs] = [
      await this.#sumOf(this.#source, info.key),
      await this.#sumOfTarget(info),
    ]
    return isDeepStrictEqual(ours, theirs)
  }

  async #sumOfTarget({ key }: ObjectInfo): Promise<Sum | undefined> {
    try {
      return await this.#sumOf(this.#target, key)
    } catch (error) {
      // A damaged one is replaced.
      if (hasCode(error, 'CORRUPT')) return undefined
      throw error
    }
  }

  async #sumOf(store: Store, key: string): Promise<Sum | undefined> {
    await using object = await store.read(key, { signal: this.#how.signal })
    return object === undefined ? undefined : await sumOf(object)
  }

  /** Reads a copy back. */
  async #requireSame({ key, version }: ObjectInfo, given: Sum): Promise<void> {
    await using copy = await this.#target.read(key, { signal: this.#how.signal })
    if (copy === undefined || copy.info.version !== version) {
      throw new DifferentCopy('somebody else changed it in the target meanwhile')
    }
    const found = await sumOf(copy)
    if (isDeepStrictEqual(found, given)) return
    throw new DifferentCopy('what is read back from the target is not what was written')
  }

  #skip(key: string, reason: string): void {
    this.skipped.push({ key, reason })
    this.#how.onSkip(key, reason)
  }
}

function attributesOf({ contentType, metadata, expiresAtMs }: ObjectInfo): object {
  return {
    ...(contentType !== undefined && { contentType }),
    ...(Object.keys(metadata).length > 0 && { metadata }),
    ...(expiresAtMs !== undefined && { ttlMs: Math.max(1, expiresAtMs - Date.now()) }),
  }
}

/** The pieces of a value, which are added up on their way. */
async function* summed(object: StoredObject, sum: Sum): AsyncGenerator<Buffer> {
  for await (const piece of object.stream()) {
    sum.crc = crc32(piece as Buffer, sum.crc)
    sum.bytes += (piece as Buffer).length
    yield piece as Buffer
  }
}

async function sumOf(object: StoredObject): Promise<Sum> {
  const sum: Sum = { crc: 0, bytes: 0 }
  for await (const _ of summed(object, sum));
  return sum
}
