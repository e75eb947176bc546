import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  UploadPartCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { orAbort, requireNoAbort } from '../../drivers/abort.js'
import { StoreError } from '../../errors.js'
import type { Answer } from './attributes.js'
import {
  httpStatus,
  isConditionFailure,
  isConflict,
  isMissing,
  toFailure,
  wasRepeated,
} from './failure.js'

/** What has to be there so that a request does something. */
export type Condition =
  { readonly IfNoneMatch: '*' } | { readonly IfMatch: string } | Readonly<Record<string, never>>

/** What is stored beside a value. */
export interface Beside {
  readonly metadata: Record<string, string>
  readonly contentType: string | undefined
}

/** Which bytes of an object are asked for, and of which one. */
export interface Part {
  readonly start: number
  /** The byte after the last. */
  readonly end: number
  readonly etag?: string | undefined
  readonly versionId?: string | undefined
}

/** A part of a large value that has arrived. */
export interface UploadedPart {
  readonly PartNumber: number
  readonly ETag: string | undefined
  readonly ChecksumCRC32: string | undefined
}

/** The first bytes of an object, and how many there are. */
export interface Opened {
  readonly answer: Answer
  readonly bytes: Buffer
  readonly totalBytes: number
}

const CONFLICTS_AT_MOST = 50
const CONFLICT_PAUSE_MS = 20
const RANGE_NOT_SATISFIABLE = 416

/** The requests to one bucket, each with its failures in the codes of the store. */
export class Bucket {
  readonly #client: S3Client
  readonly #name: string
  #isProven = false

  constructor(client: S3Client, name: string) {
    this.#client = client
    this.#name = name
  }

  /** A look at an object; undefined if there is none of that name. */
  async head(name: string, signal?: AbortSignal): Promise<[Answer, number] | undefined> {
    try {
      const command = new HeadObjectCommand(this.#at(name))
      const answer = await this.#send(signal, (how) => this.#client.send(command, how))
      return [answer, answer.ContentLength ?? 0]
    } catch (error) {
      if (!isMissing(causeOf(error))) throw error
      // It says the same of a bucket that is not there.
      await this.#prove(signal)
      return undefined
    }
  }

  /** The crc32 that S3 itself keeps of all bytes of an object, in base64, if it does. */
  async keptCrc(name: string, etag: string, signal?: AbortSignal): Promise<string | undefined> {
    const asked = { ...this.#at(name), IfMatch: etag, ChecksumMode: 'ENABLED' } as const
    const command = new HeadObjectCommand(asked)
    const answer = await this.#send(signal, (how) => this.#client.send(command, how))
    return answer.ChecksumType === 'FULL_OBJECT' ? answer.ChecksumCRC32 : undefined
  }

  /** An object's first bytes; undefined if there is none of that name. */
  async open(name: string, atMost: number, signal?: AbortSignal): Promise<Opened | undefined> {
    try {
      return await this.#open(name, `bytes=0-${atMost - 1}`, signal)
    } catch (error) {
      const cause = causeOf(error)
      if (isMissing(cause)) return undefined
      // Of nothing there is no first byte.
      if (httpStatus(cause) === RANGE_NOT_SATISFIABLE) {
        return await this.#open(name, undefined, signal)
      }
      throw error
    }
  }

  async #open(
    name: string,
    range: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Opened> {
    const command = new GetObjectCommand({ ...this.#at(name), Range: range })
    return await this.#send(signal, async (how) => {
      const answer = await this.#client.send(command, how)
      const bytes = await gather(answer.Body as Readable, signal)
      const [, total = String(bytes.length)] = /\/(\d+)$/.exec(answer.ContentRange ?? '') ?? []
      return { answer, bytes, totalBytes: Number(total) }
    })
  }

  /**
   * A part of an object as a stream.
   *
   * @throws StoreError `UNAVAILABLE` if it is not there any more, or not the same
   */
  async stream(name: string, part: Part, signal?: AbortSignal): Promise<Readable> {
    const { start, end, etag, versionId } = part
    const command = new GetObjectCommand({
      ...this.#at(name),
      Range: `bytes=${start}-${end - 1}`,
      IfMatch: etag,
      VersionId: versionId,
    })
    try {
      const answer = await this.#send(signal, (how) => this.#client.send(command, how))
      return answer.Body as Readable
    } catch (error) {
      const cause = causeOf(error)
      if (!isConditionFailure(cause) && !isMissing(cause)) throw error
      const message = 'the object was replaced or removed while it was read; read it again'
      throw new StoreError('UNAVAILABLE', message, { cause })
    }
  }

  /** Stores bytes and returns their ETag; undefined if the condition did not hold. */
  async put(
    name: string,
    bytes: Buffer,
    { metadata, contentType }: Beside,
    condition: Condition,
    signal?: AbortSignal,
  ): Promise<string | undefined> {
    const command = new PutObjectCommand({
      ...this.#at(name),
      Body: bytes,
      Metadata: metadata,
      ContentType: contentType,
      ...condition,
    })
    const answer = await this.#conditional(condition, signal, (how) =>
      this.#client.send(command, how),
    )
    return answer?.ETag
  }

  /**
   * Removes what lies under a name; false if the condition did not hold, or nothing was there.
   * Not every server looks at conditions of removals; those that refuse them are not given any.
   */
  async remove(name: string, condition: Condition, signal?: AbortSignal): Promise<boolean> {
    const command = new DeleteObjectCommand({ ...this.#at(name), ...condition })
    try {
      const answer = await this.#conditional(condition, signal, async (how) => {
        try {
          return await this.#client.send(command, how)
        } catch (error) {
          // An attempt before had removed it, and its answer was lost.
          if (isMissing(error) && wasRepeated(error)) return {}
          throw error
        }
      })
      return answer !== undefined
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'NOT_SUPPORTED') throw error
      const plain = new DeleteObjectCommand(this.#at(name))
      await this.#send(signal, (how) => this.#client.send(plain, how))
      return true
    }
  }

  /** Copies an object of this bucket; false if it is another one, or gone. */
  async copy(from: string, to: string, etag: string, signal?: AbortSignal): Promise<boolean> {
    const command = new CopyObjectCommand({
      ...this.#at(to),
      CopySource: `${this.#name}/${encodeURIComponent(from)}`,
      CopySourceIfMatch: etag,
    })
    const answer = await this.#conditional({ IfMatch: etag }, signal, (how) =>
      this.#client.send(command, how),
    )
    return answer !== undefined
  }

  /** All names that begin with something. */
  async *names(beginning: string, signal?: AbortSignal): AsyncGenerator<string> {
    let token: string | undefined
    do {
      const command = new ListObjectsV2Command({
        Bucket: this.#name,
        Prefix: beginning,
        ContinuationToken: token,
      })
      const page = await this.#send(signal, (how) => this.#client.send(command, how))
      for (const { Key } of page.Contents ?? []) if (Key !== undefined) yield Key
      token = page.NextContinuationToken
    } while (token !== undefined)
  }

  /** Begins an upload in parts; returns its id. */
  async createUpload(
    name: string,
    { metadata, contentType }: Beside,
    signal?: AbortSignal,
  ): Promise<string> {
    const command = new CreateMultipartUploadCommand({
      ...this.#at(name),
      Metadata: metadata,
      ContentType: contentType,
      ChecksumAlgorithm: 'CRC32',
      ChecksumType: 'FULL_OBJECT',
    })
    const { UploadId } = await this.#send(signal, (how) => this.#client.send(command, how))
    return UploadId ?? ''
  }

  /** Uploads one part. */
  async putPart(
    name: string,
    id: string,
    number: number,
    bytes: Buffer,
    signal?: AbortSignal,
  ): Promise<UploadedPart> {
    const command = new UploadPartCommand({
      ...this.#at(name),
      UploadId: id,
      PartNumber: number,
      Body: bytes,
      ChecksumAlgorithm: 'CRC32',
    })
    const { ETag, ChecksumCRC32 } = await this.#send(signal, (how) =>
      this.#client.send(command, how),
    )
    return { PartNumber: number, ETag, ChecksumCRC32 }
  }

  /** Makes an object of uploaded parts; false if the condition did not hold. */
  async completeUpload(
    name: string,
    id: string,
    parts: readonly UploadedPart[],
    crc: string,
    condition: Condition,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const command = new CompleteMultipartUploadCommand({
      ...this.#at(name),
      UploadId: id,
      MultipartUpload: { Parts: [...parts] },
      ChecksumCRC32: crc,
      ChecksumType: 'FULL_OBJECT',
      ...condition,
    })
    const answer = await this.#conditional(condition, signal, (how) =>
      this.#client.send(command, how),
    )
    return answer !== undefined
  }

  /** Removes an upload and all of its parts. */
  async abortUpload(name: string, id: string): Promise<void> {
    const command = new AbortMultipartUploadCommand({ ...this.#at(name), UploadId: id })
    await this.#send(undefined, (how) => this.#client.send(command, how))
  }

  #at(name: string): { Bucket: string; Key: string } {
    return { Bucket: this.#name, Key: name }
  }

  /** Makes sure that the bucket is there, once. */
  async #prove(signal: AbortSignal | undefined): Promise<void> {
    if (this.#isProven) return
    const command = new HeadBucketCommand({ Bucket: this.#name })
    try {
      await this.#send(signal, (how) => this.#client.send(command, how))
    } catch (error) {
      const cause = causeOf(error)
      if (!isMissing(cause)) throw error
      const message = `there is no bucket ${JSON.stringify(this.#name)}; make it first`
      throw new StoreError('NOT_A_STORE', message, { cause })
    }
    this.#isProven = true
  }

  /** Undefined where the condition did not hold; made again where nobody could tell. */
  async #conditional<T>(
    condition: Condition,
    signal: AbortSignal | undefined,
    call: (how: { abortSignal?: AbortSignal }) => Promise<T>,
  ): Promise<T | undefined> {
    const isConditional = Object.keys(condition).length > 0
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#send(signal, call)
      } catch (error) {
        const cause = causeOf(error)
        if (!isConditional) throw error
        if (isConditionFailure(cause) || isMissing(cause)) return undefined
        if (!isConflict(cause) || attempt === CONFLICTS_AT_MOST) throw error
        // By chance, so that they do not meet again.
        await orAbort(sleep(CONFLICT_PAUSE_MS * (1 + (performance.now() % 1))), signal)
      }
    }
  }

  async #send<T>(
    signal: AbortSignal | undefined,
    call: (how: { abortSignal?: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    requireNoAbort(signal)
    try {
      return await call(signal === undefined ? {} : { abortSignal: signal })
    } catch (error) {
      throw toFailure(error, signal)
    }
  }
}

/** What S3 said, of an error that the store has made of it. */
function causeOf(error: unknown): unknown {
  const { cause } = error as StoreError
  return error instanceof StoreError && cause instanceof Error ? cause : new Error()
}

async function gather(body: Readable, signal: AbortSignal | undefined): Promise<Buffer> {
  const pieces: Buffer[] = []
  const all = (async () => {
    for await (const piece of body) pieces.push(piece as Buffer)
  })()
  try {
    await orAbort(all, signal)
  } catch (error) {
    body.destroy()
    throw error
  }
  return Buffer.concat(pieces)
}
