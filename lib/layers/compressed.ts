import { checkListing, checkWriteCall } from '../call-options.js'
import { speakingOf, StoreError } from '../errors.js'
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
import { checkNumber, checkOptionNames, oneOf } from '../options.js'
import { storedObject } from '../stored-object.js'
import { ALGORITHMS, codecOf, type Algorithm } from './compressed/algorithms.js'
import { expand, unknownMark, valueBytesOf } from './compressed/reading.js'
import { compressBody, type CompressionHow } from './compressed/writing.js'
import { refuseMark, withMark, withoutMark } from './marks.js'

export type { Algorithm } from './compressed/algorithms.js'

/** How {@link withCompression} compresses. */
export interface CompressionOptions {
  /** Default `brotli`. `zstd` needs Node 22.15 or newer, to write and to read. */
  readonly algorithm?: Algorithm | undefined
  /** As the algorithm counts: brotli 0 to 11, default 4; gzip 1 to 9, 6; zstd 1 to 19, 3. */
  readonly level?: number | undefined
  /** Smaller values are left as they are; default 256 bytes. */
  readonly minBytes?: number | undefined
}

const MARK = 'linkstore-compressed'

/**
 * Compresses values, in frames of 256 KiB that are expanded one by one: a range costs no more
 * than the frames it is in. What compressing does not make smaller is stored as it is, and so are
 * values that were stored without the layer read. What is read is checked, ranges too.
 *
 * A large value that comes as a stream has its size in itself: `stat` and `list` then read the end
 * of its object. Memory: about a megabyte for each value on its way.
 *
 * @param inner - the store to keep them in, which must keep metadata
 * @throws StoreError `NOT_SUPPORTED` where it does not, or this Node has not the algorithm
 */
export function withCompression(inner: ObjectStore, options: CompressionOptions = {}): ObjectStore {
  checkOptionNames(options, ['algorithm', 'level', 'minBytes'])
  const algorithm = oneOf('algorithm', options.algorithm ?? 'brotli', ALGORITHMS)
  const [least, most, usual] = codecOf(algorithm).levels
  const level = checkNumber('level', options.level ?? usual, least, most)
  const minBytes = checkNumber('minBytes', options.minBytes ?? 256, 0, Number.MAX_SAFE_INTEGER)
  if (!inner.supports.metadata) {
    const message = 'the store underneath keeps no metadata, which say what is compressed'
    throw new StoreError('NOT_SUPPORTED', message)
  }
  return new CompressedStore(inner, { algorithm, level, minBytes })
}

class CompressedStore implements ObjectStore {
  readonly supports: Supports
  readonly #inner: ObjectStore
  readonly #how: CompressionHow

  constructor(inner: ObjectStore, how: CompressionHow) {
    this.#inner = inner
    this.#how = how
    const { list, metadata, expiry, versions, conditions, maxKeyBytes } = inner.supports
    this.supports = { list, metadata, expiry, versions, conditions, maxKeyBytes }
  }

  async read(key: string, options?: CallOptions): Promise<StoredObject | undefined> {
    return await this.#own(await this.#inner.read(key, options))
  }

  async stat(key: string, options?: CallOptions): Promise<ObjectInfo | undefined> {
    const info = await this.#inner.stat(key, options)
    return info === undefined ? undefined : await this.#ownInfo(info, options)
  }

  async write(key: string, body: Body, options: WriteOptions = {}): Promise<ObjectInfo> {
    checkWriteCall(this.supports, key, options)
    refuseMark(options, MARK)
    const compressed = await compressBody(body, this.#how, options.signal)
    if (!compressed.isCompressed) return await this.#inner.write(key, compressed.body, options)
    const mark = markOf({ ...this.#how, valueBytes: compressed.valueBytes() })
    const info = await this.#inner.write(key, compressed.body, withMark(options, MARK, mark))
    const sizeBytes = compressed.valueBytes() ?? info.sizeBytes
    return { ...withoutMark(info, MARK), sizeBytes }
  }

  remove(key: string, options?: RemoveOptions): Promise<boolean> {
    return this.#inner.remove(key, options)
  }

  async take(key: string, options?: ChangeOptions): Promise<StoredObject | undefined> {
    return await this.#own(await this.#inner.take(key, options))
  }

  async *list(options: ListOptions = {}): AsyncGenerator<ObjectInfo> {
    checkListing(options)
    for await (const info of this.#inner.list(options)) {
      const own = await this.#ownInfo(info, { signal: options.signal })
      if (own !== undefined) yield own
    }
  }

  close(): Promise<void> {
    return this.#inner.close()
  }

  async #own(inner: StoredObject | undefined): Promise<StoredObject | undefined> {
    const mark = inner?.info.metadata[MARK]
    if (inner === undefined || mark === undefined) return inner
    try {
      return await speakingOf(inner.info.key, () => expandedObject(inner, mark))
    } catch (error) {
      await inner.close()
      throw error
    }
  }

  /** What is known of an object; undefined where it has gone meanwhile. */
  async #ownInfo(info: ObjectInfo, options?: CallOptions): Promise<ObjectInfo | undefined> {
    const mark = info.metadata[MARK]
    if (mark === undefined) return info
    const { valueBytes } = await speakingOf(info.key, () => parseMark(mark))
    if (valueBytes !== undefined) return { ...withoutMark(info, MARK), sizeBytes: valueBytes }
    await using object = await this.read(info.key, options)
    return object?.info
  }
}

async function expandedObject(inner: StoredObject, mark: string): Promise<StoredObject> {
  const { algorithm, valueBytes } = parseMark(mark)
  const sizeBytes = valueBytes ?? (await valueBytesOf(inner))
  return storedObject({
    info: { ...withoutMark(inner.info, MARK), sizeBytes },
    read: (start, end) => expand(inner, algorithm, start, end),
    close: () => inner.close(),
  })
}

interface Mark {
  readonly algorithm: Algorithm
  /** Length of the value in bytes; undefined where its object has it. */
  readonly valueBytes: number | undefined
}

function markOf({ algorithm, valueBytes }: Mark): string {
  return valueBytes === undefined ? algorithm : `${algorithm} ${valueBytes}`
}

function parseMark(mark: string): Mark {
  const [, name = '', digits] = /^([a-z0-9]+)(?: (\d{1,15}))?$/.exec(mark) ?? []
  const algorithm = ALGORITHMS.find((known) => known === name)
  if (algorithm === undefined) throw unknownMark(mark)
  return { algorithm, valueBytes: digits === undefined ? undefined : Number(digits) }
}
