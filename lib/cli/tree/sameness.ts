/**
 * What import and export leave alone, because it is there already and the same. Sizes and times of
 * modification decide, as with rsync, and everything that is kept of modes. A time only counts if
 * the copy was made a while after it: a file can change twice within one tick of its clock.
 */
import type { BigIntStats } from 'node:fs'
import type { ObjectInfo } from '../../../index.js'
import type { Attributes } from './attributes.js'

/** The clock of some file systems ticks every two seconds. */
const SETTLED_MS = 2000
/** Times are set to the microsecond, and may be rounded. */
const TIME_ERROR_NS = 2000n
/** A time to live counts from the moment of writing, which takes a while to come. */
const EXPIRY_ERROR_MS = 60_000
const NS_PER_MS = 1_000_000n

/** What an object would be if it were imported now. */
export interface Wanted {
  readonly sizeBytes: number
  readonly metadata: Readonly<Record<string, string>>
  readonly contentType?: string | undefined
  readonly expiresAtMs?: number | undefined
}

/** Whether all but the value is the same. */
export function hasAttributes(info: ObjectInfo, wanted: Wanted): boolean {
  return (
    info.sizeBytes === wanted.sizeBytes &&
    info.contentType === wanted.contentType &&
    isSameExpiry(info.expiresAtMs, wanted.expiresAtMs) &&
    isSameMetadata(info.metadata, wanted.metadata)
  )
}

/** Whether an object with the attributes that are wanted can be trusted to have the value. */
export function isSettledObject({ writtenAtMs, metadata }: ObjectInfo): boolean {
  const mtimeSeconds = Number(metadata['mtime'] ?? Number.NaN)
  return writtenAtMs - mtimeSeconds * 1000 >= SETTLED_MS
}

/** Whether a file, link or directory is what an export would make of an object. */
export function isSameFile(
  stats: BigIntStats,
  { sizeBytes }: ObjectInfo,
  { type, mode, mtimeSeconds }: Attributes,
): boolean {
  if (mtimeSeconds === undefined || Number(stats.size) !== sizeBytes) return false
  const isOfType = type === 'symlink' ? stats.isSymbolicLink() : stats.isFile()
  if (!isOfType) return false
  const isOfMode = type === 'symlink' || mode === undefined || mode === Number(stats.mode & 0o7777n)
  const wantedNs = BigInt(Math.round(mtimeSeconds * 1e6)) * 1000n
  const errorNs = stats.mtimeNs - wantedNs
  const isOfTime = errorNs <= TIME_ERROR_NS && errorNs >= -TIME_ERROR_NS
  // The moment at which it got its name: nobody can set that.
  const isSettled = (stats.ctimeNs - stats.mtimeNs) / NS_PER_MS >= SETTLED_MS
  return isOfMode && isOfTime && isSettled
}

export function isSameMetadata(
  one: Readonly<Record<string, string>>,
  other: Readonly<Record<string, string>>,
): boolean {
  const names = Object.keys(one)
  return (
    names.length === Object.keys(other).length && names.every((name) => one[name] === other[name])
  )
}

function isSameExpiry(one: number | undefined, other: number | undefined): boolean {
  if (one === undefined || other === undefined) return one === other
  return Math.abs(one - other) <= EXPIRY_ERROR_MS
}
