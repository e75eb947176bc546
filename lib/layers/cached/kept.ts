/**
 * How an object lies in a cache: its value and its attributes as they are, and in one more, the
 * mark, what the cache itself would say otherwise: version, times, and when it was known to be
 * current.
 */
import { publishNotice } from '../../diagnostics.js'
import { attributesOf, type ObjectInfo } from '../../object-info.js'
import type { ObjectStore, StoredObject, WriteOptions } from '../../object-store.js'
import { renamedObject } from '../inner-object.js'
import { withMark, withoutMark } from '../marks.js'

/** The name of the mark among the metadata. */
export const MARK = 'linkstore-cached'

/** An object of a cache, under what was known of it. */
export interface Kept {
  readonly object: StoredObject
  /** When it was known to be current, in milliseconds since 1970. */
  readonly seenAtMs: number
}

interface Mark {
  readonly seenAtMs: number
  readonly version?: string
  readonly writtenAtMs: number
  readonly writtenBy?: string
  readonly expiresAtMs?: number
}

/** Keeps a value. What fails is told to the channel of notices: a cache may always be empty. */
export async function keep(
  cache: ObjectStore,
  info: ObjectInfo,
  bytes: Uint8Array,
  seenAtMs: number,
): Promise<void> {
  try {
    await cache.write(info.key, bytes, keptOptions(info, seenAtMs))
  } catch (error) {
    publishNotice('a value could not be kept in the cache', error)
    await drop(cache, info.key)
  }
}

/** Makes sure that a cache does not have a key. */
export async function drop(cache: ObjectStore, key: string): Promise<void> {
  try {
    await cache.remove(key)
  } catch (error) {
    publishNotice('a value could not be removed from the cache', error)
  }
}

/** What a cache has of a key; undefined where it has nothing, or what nobody here can read. */
export async function lookUp(
  cache: ObjectStore,
  key: string,
  signal: AbortSignal | undefined,
): Promise<Kept | undefined> {
  try {
    const inner = await cache.read(key, { signal })
    if (inner === undefined) return undefined
    const mark = parseMark(inner.info.metadata[MARK])
    if (mark !== undefined) {
      return { object: renamedObject(inner, keptInfo(inner.info, mark)), seenAtMs: mark.seenAtMs }
    }
    await inner.close()
  } catch (error) {
    if (signal?.aborted === true) throw error
    publishNotice('a value could not be read from the cache', error)
  }
  return undefined
}

function keptOptions(info: ObjectInfo, seenAtMs: number): WriteOptions {
  const { version, writtenAtMs, writtenBy, expiresAtMs } = info
  const mark: Mark = {
    seenAtMs,
    writtenAtMs,
    ...(version !== undefined && { version }),
    ...(writtenBy !== undefined && { writtenBy }),
    ...(expiresAtMs !== undefined && { expiresAtMs }),
  }
  return withMark(attributesOf(info, Date.now()), MARK, JSON.stringify(mark))
}

function keptInfo(info: ObjectInfo, mark: Mark): ObjectInfo {
  const { version, writtenAtMs, writtenBy, expiresAtMs } = mark
  return { ...withoutMark(info, MARK), version, writtenAtMs, writtenBy, expiresAtMs }
}

function parseMark(text: string | undefined): Mark | undefined {
  if (text === undefined) return undefined
  try {
    const mark = JSON.parse(text) as Partial<Mark> | null
    const isSound = typeof mark?.seenAtMs === 'number' && typeof mark.writtenAtMs === 'number'
    return isSound ? (mark as Mark) : undefined
  } catch {
    return undefined
  }
}
