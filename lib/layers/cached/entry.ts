/**
 * How an object lies in a cache: its value and its attributes as they are, and in one more, the
 * mark, what the cache itself would say otherwise: version, times, when it was known to be
 * current, and whether the store underneath has it yet.
 */
import { publishNotice } from '../../diagnostics.js'
import { attributesOf, isExpired, type ObjectInfo } from '../../object-info.js'
import type { CallOptions, ChangeOptions, ObjectStore } from '../../object-store.js'
import { withMark, withoutMark } from '../marks.js'

/** The name of the mark among the metadata. */
export const MARK = 'linkstore-cached'

/**
 * What an entry is of: an object that the store underneath has (`clean`), one that it has not
 * yet (`written`), or the removal of one that it still has (`removed`).
 */
export type EntryKind = 'clean' | 'written' | 'removed'

/** What a cache knows of a key. */
export interface Entry {
  readonly kind: EntryKind
  readonly info: ObjectInfo
  /** When that was known to be current, in milliseconds since 1970. */
  readonly seenAtMs: number
}

/** The same with the value, which is empty in a removal. */
export interface FullEntry extends Entry {
  readonly value: Buffer
}

interface Mark {
  readonly kind: EntryKind
  readonly seenAtMs: number
  readonly version?: string
  readonly writtenAtMs: number
  readonly writtenBy?: string
  readonly expiresAtMs?: number
}

/** Writes an entry; what fails is thrown. */
export async function writeEntry(
  cache: ObjectStore,
  { kind, info, seenAtMs }: Entry,
  value: Uint8Array,
  options: ChangeOptions = {},
): Promise<void> {
  const { version, writtenAtMs, writtenBy, expiresAtMs } = info
  const mark: Mark = {
    kind,
    seenAtMs,
    writtenAtMs,
    ...(version !== undefined && { version }),
    ...(writtenBy !== undefined && { writtenBy }),
    ...(expiresAtMs !== undefined && { expiresAtMs }),
  }
  // An entry that is not clean must not vanish by itself: an older object would come back.
  const mayExpire = kind === 'clean' && cache.supports.expiry
  const { ttlMs, ...attributes } = attributesOf(info, Date.now())
  const lifetime = mayExpire && ttlMs !== undefined ? { ttlMs } : {}
  const marked = withMark({ ...attributes, ...lifetime }, MARK, JSON.stringify(mark))
  await cache.write(info.key, value, { ...options, ...marked })
}

/** The entry of a key; undefined where there is none, or what no cache has written. */
export async function readEntry(
  cache: ObjectStore,
  key: string,
  { signal }: CallOptions,
): Promise<FullEntry | undefined> {
  const object = await cache.read(key, { signal })
  if (object === undefined) return undefined
  try {
    const entry = entryOf(object.info)
    return entry && { ...entry, value: await object.bytes() }
  } finally {
    await object.close()
  }
}

/** The same without its value. */
export async function statEntry(
  cache: ObjectStore,
  key: string,
  { signal }: CallOptions,
): Promise<Entry | undefined> {
  const info = await cache.stat(key, { signal })
  return info && entryOf(info)
}

/** What an object of a cache says; undefined of one that no cache has written. */
export function entryOf(kept: ObjectInfo): Entry | undefined {
  const mark = parseMark(kept.metadata[MARK])
  if (mark === undefined) return undefined
  const { kind, seenAtMs, version, writtenAtMs, writtenBy, expiresAtMs } = mark
  const info = { ...withoutMark(kept, MARK), version, writtenAtMs, writtenBy, expiresAtMs }
  return { kind, seenAtMs, info }
}

/** Keeps a clean value. What fails is told to the channel of notices: a cache may be empty. */
export async function keep(
  cache: ObjectStore,
  info: ObjectInfo,
  value: Uint8Array,
  seenAtMs: number,
): Promise<void> {
  try {
    await writeEntry(cache, { kind: 'clean', info, seenAtMs }, value)
  } catch (error) {
    publishNotice('a value could not be kept in the cache', error)
    await drop(cache, info.key)
  }
}

/** Makes sure that a cache does not have a key. What fails is told to the channel of notices. */
export async function drop(cache: ObjectStore, key: string): Promise<void> {
  try {
    await cache.remove(key)
  } catch (error) {
    publishNotice('a value could not be removed from the cache', error)
  }
}

/**
 * What `find` finds in a cache, if it is clean and not expired. What fails is told to the channel
 * of notices and found nowhere, but for an abort.
 */
export async function lookUp<E extends Entry>(
  find: (cache: ObjectStore, key: string, options: CallOptions) => Promise<E | undefined>,
  cache: ObjectStore,
  key: string,
  options: CallOptions,
): Promise<E | undefined> {
  try {
    const entry = await find(cache, key, options)
    const isUsable = entry?.kind === 'clean' && !isExpired(entry.info, Date.now())
    return isUsable ? entry : undefined
  } catch (error) {
    if (options.signal?.aborted === true) throw error
    publishNotice('a value could not be read from the cache', error)
    return undefined
  }
}

const KINDS: readonly unknown[] = ['clean', 'written', 'removed'] satisfies EntryKind[]

function parseMark(text: string | undefined): Mark | undefined {
  if (text === undefined) return undefined
  try {
    const mark = JSON.parse(text) as Partial<Mark> | null
    const isSound = typeof mark?.seenAtMs === 'number' && typeof mark.writtenAtMs === 'number'
    return isSound && KINDS.includes(mark.kind) ? (mark as Mark) : undefined
  } catch {
    return undefined
  }
}
