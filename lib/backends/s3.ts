import type { S3Client } from '@aws-sdk/client-s3'
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { bytesOfBody } from '../body.js'
import { checkCall, checkChange, checkListing, checkRemoval, checkWrite } from '../call-options.js'
import type { CheckedWrite } from '../call-options.js'
import { CallsUnderWay } from '../calls-under-way.js'
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
import { checkBoolean, checkCount, checkOptionNames } from '../options.js'
import { storedObject } from '../stored-object.js'
import { headerType, toMetadata, type Own } from './s3/attributes.js'
import { Bucket } from './s3/bucket.js'
import { S3Objects, type OpenedObject } from './s3/objects.js'
import { Names } from './s3/keys.js'
import { Content } from './s3/pinned.js'
import { stage } from './s3/staged.js'

/** How a store in S3 is made. */
export interface S3Options {
  /** A client of `@aws-sdk/client-s3`. It is its owner's: closing the store leaves it open. */
  readonly client: S3Client
  /** The bucket, which must be there. */
  readonly bucket: string
  /** Where in the bucket: keys are spelled after this and a slash; default: all of the bucket. */
  readonly prefix?: string | undefined
  /**
   * Whether writes and removals may depend on the version that is there (`ifVersion`). Each
   * object has 16 bytes behind its value then, which other tools see. All who write to the same
   * keys must agree. Default false.
   */
  readonly conditional?: boolean | undefined
  /** The longest key, where the server takes shorter names; default 1024 less the prefix. */
  readonly maxKeyBytes?: number | undefined
  /** Whether closing the store destroys the client; default false. */
  readonly ownsClient?: boolean | undefined
}

const S3_OPTIONS = [
  'client',
  'bucket',
  'prefix',
  'conditional',
  'maxKeyBytes',
  'ownsClient',
] satisfies (keyof S3Options)[]

/**
 * Objects in a bucket of S3, or of any server that speaks its protocol. `docs/s3.md` says what each
 * verb promises there and which requests it makes. `durability` is checked and changes nothing.
 */
export class S3Store implements ObjectStore {
  readonly supports: Supports
  readonly #objects: S3Objects
  readonly #bucket: Bucket
  readonly #names: Names
  readonly #open = new Set<StoredObject>()
  readonly #calls: CallsUnderWay
  readonly #onClose: () => void

  /** @internal Made by {@link s3Store}. */
  constructor({ client, bucket, prefix = '', conditional = false, ...rest }: S3Options) {
    this.#bucket = new Bucket(client, bucket)
    this.#names = new Names(prefix)
    this.#objects = new S3Objects(this.#bucket, this.#names)
    this.#onClose = () => (rest.ownsClient === true ? client.destroy() : undefined)
    this.supports = {
      list: true,
      metadata: true,
      expiry: true,
      versions: true,
      conditions: conditional,
      maxKeyBytes: rest.maxKeyBytes ?? this.#names.maxKeyBytes,
    }
    this.#calls = new CallsUnderWay(this.supports.maxKeyBytes)
  }

  read(key: string, options: CallOptions = {}): Promise<StoredObject | undefined> {
    return this.#calls.ofKey('read', key, async () => {
      checkCall(options)
      const opened = await this.#objects.open(key, options.signal)
      return opened === undefined ? undefined : this.#pin(opened)
    })
  }

  stat(key: string, options: CallOptions = {}): Promise<ObjectInfo | undefined> {
    return this.#calls.ofKey('stat', key, async () => {
      checkCall(options)
      const facts = await this.#objects.find(key, options.signal)
      return facts?.info
    })
  }

  write(key: string, body: Body, options: WriteOptions = {}): Promise<ObjectInfo> {
    return this.#calls.ofKey('write', key, async () => {
      const how = checkWrite(options)
      this.#requireConditions(how.ifVersion)
      const { signal } = options
      const [version, tail] = this.#newVersion()
      const attributes = attributesOf(how, version, tail.length)
      // Refused before anything of the value is read.
      toMetadata({ ...attributes, crc: 0xffff_ffff }, how.metadata)
      const staged = await stage(
        this.#bucket,
        bytesOfBody(body, signal),
        {
          name: this.#names.ofKey(key),
          tail,
          beside: (crc) => ({
            metadata: toMetadata({ ...attributes, crc }, how.metadata),
            contentType: headerType(how.contentType),
          }),
        },
        signal,
      )
      try {
        await this.#objects.publish(key, staged, { ...how, version }, signal)
      } catch (error) {
        await staged.discard()
        throw error
      }
      return infoOf(key, staged.sizeBytes, attributes, how)
    })
  }

  remove(key: string, options: RemoveOptions = {}): Promise<boolean> {
    return this.#calls.ofKey('remove', key, async () => {
      const ifVersion = checkRemoval(options)
      this.#requireConditions(ifVersion)
      return await this.#objects.remove(key, ifVersion, options.signal)
    })
  }

  take(key: string, options: ChangeOptions = {}): Promise<StoredObject | undefined> {
    return this.#calls.ofKey('take', key, async () => {
      checkChange(options)
      const taken = await this.#objects.take(key, options.signal)
      return taken === undefined ? undefined : this.#pin(taken)
    })
  }

  async *list(options: ListOptions = {}): AsyncGenerator<ObjectInfo> {
    const prefix = await this.#calls.ofAll('list', () => checkListing(options))
    const infos = this.#objects.list(prefix, options.signal)
    try {
      for (;;) {
        const step = await this.#calls.ofAll('list', () => infos.next())
        if (step.done === true) return
        yield step.value
      }
    } finally {
      await infos.return(undefined)
    }
  }

  async close(): Promise<void> {
    await this.#calls.end()
    for (const object of this.#open) await object.close()
    this.#onClose()
  }

  #newVersion(): [version: string, tail: Buffer] {
    const bytes = randomBytes(16)
    return [bytes.toString('hex'), this.supports.conditions ? bytes : Buffer.alloc(0)]
  }

  #requireConditions(ifVersion: string | undefined): void {
    if (ifVersion === undefined || this.supports.conditions) return
    const message = 'this store was not made with conditional: true, so it has no ifVersion'
    throw new StoreError('NOT_SUPPORTED', message)
  }

  #pin(found: OpenedObject): StoredObject {
    const { name, facts, opened } = found
    const abort = new AbortController()
    const content = new Content(this.#bucket, name, facts, opened, abort.signal)
    const object = storedObject({
      info: facts.info,
      read: (start, end) => content.read(start, end),
      close: async () => {
        abort.abort()
        this.#open.delete(object)
        await found.release()
      },
    })
    this.#open.add(object)
    return object
  }
}

/**
 * Makes a store of a bucket, or of a part of one. Nothing is asked of the server yet.
 *
 * @throws TypeError for wrong options
 */
export function s3Store(options: S3Options): S3Store {
  checkOptionNames(options, S3_OPTIONS)
  const { client, bucket, prefix } = options as Partial<S3Options>
  if (typeof client?.send !== 'function') {
    throw new TypeError('client must be an S3Client of @aws-sdk/client-s3')
  }
  if (typeof bucket !== 'string' || bucket === '') {
    throw new TypeError('bucket must be the name of a bucket')
  }
  if (prefix !== undefined && !isPrefix(prefix)) {
    throw new TypeError('prefix must be parts of printable ASCII with a slash between each two')
  }
  checkBoolean('conditional', options.conditional, false)
  checkBoolean('ownsClient', options.ownsClient, false)
  if (options.maxKeyBytes !== undefined) checkCount('maxKeyBytes', options.maxKeyBytes)
  return new S3Store(options)
}

/** What is spelled in the bucket as it stands here. */
function isPrefix(prefix: unknown): boolean {
  if (typeof prefix !== 'string' || prefix.length > 512) return false
  return prefix === '' || (/^[\x21-\x7e]+$/.test(prefix) && new Names('').toKey(prefix) === prefix)
}

function attributesOf(how: CheckedWrite, version: string, tailBytes: number): Own {
  const writtenAtMs = Date.now()
  return {
    version,
    writtenAtMs,
    writtenBy: hostname(),
    expiresAtMs: how.ttlMs === undefined ? undefined : writtenAtMs + how.ttlMs,
    contentType: how.contentType,
    tailBytes: tailBytes === 0 ? undefined : tailBytes,
  }
}

function infoOf(key: string, sizeBytes: number, own: Own, how: CheckedWrite): ObjectInfo {
  return {
    key,
    sizeBytes,
    version: own.version,
    writtenAtMs: own.writtenAtMs ?? 0,
    writtenBy: own.writtenBy,
    expiresAtMs: own.expiresAtMs,
    contentType: how.contentType,
    metadata: how.metadata,
  }
}
