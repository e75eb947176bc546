import { addAbortSignal, Readable } from 'node:stream'
import {
  StoreError,
  type Body,
  type CallOptions,
  type ChangeOptions,
  type ObjectInfo,
  type ObjectStore,
  type RangeOptions,
  type StoredObject,
  type Supports,
  type SyncBody,
  type SyncStore,
  type WriteOptions,
} from '../index.js'

/** What a pinned object of a synchronous store and a taken value have in common. */
interface Held {
  readonly info: ObjectInfo
  bytes(): Buffer
  text(): string
  json(): unknown
  pieces(options?: RangeOptions): Iterable<Buffer>
  close(): void
}

/**
 * A synchronous store as an object store, so that the conformance suite judges it like the
 * others. Streams are gathered first, which is what its users have to do.
 */
export function asObjectStore(store: SyncStore, supports: Supports): ObjectStore {
  return {
    supports,
    read: async (key, options) => asObject(unlessAborted(options, () => store.read(key))),
    stat: async (key) => store.stat(key),
    write: (key, body, options) => write(store, key, body, options),
    remove: async (key, options) => unlessAborted(options, () => store.delete(key, rest(options))),
    take: async (key, options) => await unlessAborted(options, () => take(store, key, options)),
    list: async function* (options) {
      yield* store.list(rest(options))
    },
    close: async () => store.close(),
  }
}

async function write(
  store: SyncStore,
  key: string,
  body: Body,
  options?: WriteOptions,
): Promise<ObjectInfo> {
  const value = await gathered(body, options?.signal)
  const { ifAbsent, ...others } = options ?? {}
  return unlessAborted(options, () => {
    if (ifAbsent !== true) return store.set(key, value, rest(options))
    const info = store.add(key, value, rest(others)) ? store.stat(key) : undefined
    if (info !== undefined) return info
    throw new StoreError('PRECONDITION_FAILED', 'the key has an object already')
  })
}

async function take(
  store: SyncStore,
  key: string,
  options?: ChangeOptions,
): Promise<StoredObject | undefined> {
  const info = store.stat(key)
  const bytes = store.take(key, rest(options))
  if (info === undefined || bytes === undefined) return undefined
  return asObject({
    info,
    bytes: () => bytes,
    text: () => bytes.toString(),
    json: () => JSON.parse(bytes.toString()) as unknown,
    pieces: ({ start = 0, end = bytes.length - 1 } = {}) => [bytes.subarray(start, end + 1)],
    close: () => undefined,
  })
}

/** A synchronous call takes no signal. */
function rest<T extends CallOptions>(options: T | undefined): Omit<T, 'signal'> | undefined {
  if (options === undefined || (options as object | null) === null) return options
  const { signal: _signal, ...others } = options
  return others
}

function unlessAborted<T>(options: CallOptions | null | undefined, call: () => T): T {
  const signal = options?.signal
  if (signal?.aborted !== true) return call()
  throw new StoreError('ABORTED', 'aborted by its signal', { cause: signal.reason })
}

async function gathered(body: Body, signal: AbortSignal | undefined): Promise<SyncBody> {
  if (body instanceof Blob) return await body.arrayBuffer()
  const isStream =
    typeof body === 'object' && (body as object | null) !== null && Symbol.asyncIterator in body
  if (!isStream) return body as SyncBody
  const readable =
    body instanceof Readable ? body : Readable.from(body as AsyncIterable<Uint8Array>)
  if (signal !== undefined) addAbortSignal(signal, readable)
  const pieces: Uint8Array[] = []
  try {
    for await (const piece of readable) pieces.push(piece as Uint8Array)
  } catch (error) {
    unlessAborted({ signal }, () => undefined)
    throw error
  }
  return pieces
}

function asObject(held: Held | undefined): StoredObject | undefined {
  if (held === undefined) return undefined
  const stream: StoredObject['stream'] = (options) =>
    Readable.from(held.pieces(options), { objectMode: false })
  return {
    info: held.info,
    bytes: async () => held.bytes(),
    text: async () => held.text(),
    json: async () => held.json(),
    stream,
    webStream: (options) =>
      Readable.toWeb(stream(options)) as ReturnType<StoredObject['webStream']>,
    close: async () => held.close(),
    [Symbol.asyncDispose]: async () => held.close(),
  }
}
