import { bytesOfBody } from '../body.js'
import { checkWriteCall } from '../call-options.js'
import { checkKey } from '../key.js'
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
import { checkOptionNames } from '../options.js'
import { storedObject, type ValuePieces } from '../stored-object.js'
import type { OperationName } from '../tracing/operations.js'
import { traceOf, type Trace } from '../tracing/trace.js'
import { innerPieces } from './inner-object.js'
import { transformedBody } from './transformed-body.js'

/** How {@link withTrace} names what it watches. */
export interface TraceOptions {
  /** What stands as `root` in what is published, where a directory has its path. */
  readonly name: string
}

/**
 * Publishes what is asked of a store on the tracing channels that a directory has anyway, with
 * value bytes as they pass here: for stores in memory or in S3, or to see what a layer costs.
 * `linkstore/otel` and whoever else listens need not be told. Of what lies below it sees neither
 * calls nor retries. Where nobody listens, each call asks one question.
 *
 * @param inner - the store that is watched
 */
export function withTrace(inner: ObjectStore, options: TraceOptions): ObjectStore {
  checkOptionNames(options, ['name'])
  const { name } = options
  if (typeof name !== 'string') throw new TypeError('name must be a string')
  return new TracedStore(inner, name)
}

class TracedStore implements ObjectStore {
  readonly supports: Supports
  readonly #inner: ObjectStore
  readonly #name: string

  constructor(inner: ObjectStore, name: string) {
    this.#inner = inner
    this.#name = name
    const { list, metadata, expiry, versions, conditions, maxKeyBytes } = inner.supports
    this.supports = { list, metadata, expiry, versions, conditions, maxKeyBytes }
  }

  async read(key: string, options?: CallOptions): Promise<StoredObject | undefined> {
    return this.#own(await this.#traced('read', key, () => this.#inner.read(key, options)))
  }

  stat(key: string, options?: CallOptions): Promise<ObjectInfo | undefined> {
    return this.#traced('stat', key, () => this.#inner.stat(key, options))
  }

  async write(key: string, body: Body, options: WriteOptions = {}): Promise<ObjectInfo> {
    const trace = this.#trace(options.ifAbsent === true ? 'add' : 'write', key)
    if (trace === undefined) return await this.#inner.write(key, body, options)
    checkWriteCall(this.supports, key, options)
    const pieces = bytesOfBody(body, options.signal)
    const counted = transformedBody(pieces, countedBody(pieces, trace))
    return await trace.run(() => this.#inner.write(key, counted, options))
  }

  remove(key: string, options?: RemoveOptions): Promise<boolean> {
    return this.#traced('remove', key, () => this.#inner.remove(key, options))
  }

  async take(key: string, options?: ChangeOptions): Promise<StoredObject | undefined> {
    return this.#own(await this.#traced('take', key, () => this.#inner.take(key, options)))
  }

  async *list(options?: ListOptions): AsyncGenerator<ObjectInfo> {
    const trace = this.#trace('list')
    trace?.begin()
    try {
      yield* this.#inner.list(options)
    } catch (error) {
      trace?.finish(error)
      throw error
    } finally {
      trace?.finish()
    }
  }

  close(): Promise<void> {
    const trace = this.#trace('close')
    return trace === undefined ? this.#inner.close() : trace.run(() => this.#inner.close())
  }

  #trace(operation: OperationName, key?: string): Trace | undefined {
    return traceOf(operation, this.#name, false, key)
  }

  async #traced<T>(operation: OperationName, key: string, call: () => Promise<T>): Promise<T> {
    const trace = this.#trace(operation, key)
    // What is no key has no hash; it is misuse, which is not published.
    return await (trace !== undefined && isKey(key, this.supports) ? trace.run(call) : call())
  }

  #own(inner: StoredObject | undefined): StoredObject | undefined {
    if (inner === undefined) return undefined
    const { info } = inner
    return storedObject({
      info,
      bytes: () => this.#bytes(inner),
      read: (start, end) => this.#tracedPieces(info.key, innerPieces(inner, start, end)),
      close: () => inner.close(),
    })
  }

  async #bytes(inner: StoredObject): Promise<Buffer> {
    const trace = this.#trace('stream', inner.info.key)
    if (trace === undefined) return await inner.bytes()
    return await trace.run(async () => {
      const bytes = await inner.bytes()
      trace.counts.bytesRead += bytes.length
      return bytes
    })
  }

  async *#tracedPieces(key: string, pieces: ValuePieces): AsyncGenerator<Buffer, undefined> {
    const trace = this.#trace('stream', key)
    trace?.begin()
    try {
      for (let step = await pieces.next(); step.done !== true; step = await pieces.next()) {
        if (trace !== undefined) trace.counts.bytesRead += step.value.length
        yield step.value
      }
      return undefined
    } catch (error) {
      trace?.finish(error)
      throw error
    } finally {
      trace?.finish()
      await pieces.return?.(undefined)
    }
  }
}

function isKey(key: string, { maxKeyBytes }: Supports): boolean {
  try {
    checkKey(key, maxKeyBytes)
    return true
  } catch {
    return false
  }
}

async function* countedBody(
  pieces: AsyncIterable<Uint8Array>,
  trace: Trace,
): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    trace.counts.bytesWritten += piece.length
    yield piece
  }
}
