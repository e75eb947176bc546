/**
 * Verify: reads everything and believes nothing.
 *
 *     1  each entry of a shard directory: is it an object by its name, or foreign?
 *     2  each object: pin it, read all of it, check the crc of its footer and of its value, and
 *        that its key belongs in this place
 *
 *     3  with `quarantine`: move a corrupt object    crash: it is under a private name ending in
 *        aside (aside.ts), check it again, rename    `.live`, and the sweep puts it back
 *        it into `.quarantine`; one that proves to
 *        be sound, as it was just replaced, is put
 *        back
 *
 * Without `quarantine` it reports and changes nothing; a crash leaves at most a private name. In
 * the `raw` format there is nothing to check but that each object is a regular file.
 */
import type { StoreError } from '../errors.js'
import { checkpoint, readdirTyped, type Operation } from '../drivers/effects.js'
import { isObjectName, isShardName } from '../key.js'
import type { ObjectInfo } from '../object-info.js'
import { find, readIfThere } from './absence.js'
import { locateHash, type Context, type ObjectPath } from './context.js'
import { entries, isDamage } from './list.js'
import { quarantine } from './quarantine.js'
import { checkAll, closeHandle } from './read.js'
import { isFurniture, isStoreEntry } from './root.js'
import { statExpired } from './stat.js'
import { verbsOf } from './verbs.js'
import { cellOf, quarantineVersion, readHead } from './versioned.js'

/** Something that is not a sound object. */
export interface Finding {
  /** `corrupt`: an object that cannot be read. `foreign`: not the store's; it does no harm. */
  readonly kind: 'corrupt' | 'foreign'
  /** The file or directory itself. */
  readonly path: string
  /** The hash of the key, for an object. */
  readonly hash: string | undefined
  /** What is wrong, in words. */
  readonly reason: string
  /** The key of an object, as far as that can still be read. */
  readonly key: string | undefined
  /** The host that wrote it, as far as that can still be read. */
  readonly writtenBy: string | undefined
  /**
   * When it was written: milliseconds since 1970, by the clock of that host; by the server's,
   * where the object does not tell any more.
   */
  readonly writtenAtMs: number | undefined
  /** Where a corrupt object lies now, if it was moved into quarantine. */
  readonly quarantinedTo: string | undefined
}

/** What was found in one part of a store. */
export interface Findings {
  /** Objects read, the corrupt ones not included. */
  readonly objects: number
  /** Bytes of their values. */
  readonly bytes: number
  readonly findings: readonly Finding[]
}

/** Verifies one shard. */
export function* verifyShard(
  context: Context,
  outer: string,
  inner: string,
  isQuarantining: boolean,
): Operation<Findings> {
  const directory = `${context.root}/${outer}/${inner}`
  const findings: Finding[] = []
  let objects = 0
  let bytes = 0
  for (const name of new Set(yield* entries(directory))) {
    yield* checkpoint()
    if (!isObjectName(name)) {
      findings.push(foreign(`${directory}/${name}`))
      continue
    }
    const object = locateHash(context, outer + inner + name)
    try {
      const sizeBytes = yield* verifyObject(context, object)
      if (sizeBytes === undefined) continue
      objects += 1
      bytes += sizeBytes
    } catch (error) {
      if (!isDamage(error)) throw error
      findings.push(yield* corruptFinding(context, object, error, isQuarantining))
    }
  }
  return { objects, bytes, findings }
}

/** What does not belong into the root, or into one outer shard directory. */
export function* verifyDirectory(context: Context, outer?: string): Operation<Findings> {
  const path = outer === undefined ? context.root : `${context.root}/${outer}`
  const isKnown = outer === undefined ? isKnownInRoot : isShardName
  const findings: Finding[] = []
  for (const entry of yield* typedEntries(path)) {
    const place = `${path}/${entry.name}`
    if (!isKnown(entry.name)) findings.push(foreign(place))
    else if (isShardName(entry.name) && !entry.isDirectory()) findings.push(blocked(place))
  }
  return { objects: 0, bytes: 0, findings }
}

/** Adds up what the parts of a store have. */
export class FindingsSum implements Findings {
  objects = 0
  bytes = 0
  readonly findings: Finding[] = []

  add(part: Findings): void {
    this.objects += part.objects
    this.bytes += part.bytes
    this.findings.push(...part.findings)
  }

  /** The same as a plain object, for callers. */
  toReport(): Findings {
    const { objects, bytes, findings } = this
    return { objects, bytes, findings }
  }
}

function* typedEntries(path: string): ReturnType<typeof readdirTyped> {
  return (yield* readIfThere(path, readdirTyped)) ?? []
}

function blocked(path: string): Finding {
  const reason = 'it lies where a directory of the store belongs; move it away'
  return { ...UNKNOWN, kind: 'corrupt', path, reason }
}

function isKnownInRoot(name: string): boolean {
  return isStoreEntry(name) || isFurniture(name)
}

function* verifyObject(context: Context, object: ObjectPath): Operation<number | undefined> {
  const handle = yield* verbsOf(context).read(context, object)
  if (handle === undefined) return undefined
  try {
    yield* checkAll(handle)
    return handle.info.sizeBytes
  } finally {
    yield* closeHandle(handle)
  }
}

function foreign(path: string): Finding {
  const isSilly = path.slice(path.lastIndexOf('/') + 1).startsWith('.nfs')
  const reason = isSilly
    ? 'a file that NFS keeps until its last reader closes it'
    : 'not a file of the store'
  return { ...UNKNOWN, kind: 'foreign', path, reason }
}

function* corruptFinding(
  context: Context,
  object: ObjectPath,
  error: StoreError,
  isQuarantining: boolean,
): Operation<Finding> {
  const { path, hash } = object
  const known = yield* describe(context, object)
  // What a newer release has written is not damaged.
  const isMoved = isQuarantining && error.code === 'CORRUPT'
  const quarantinedTo = isMoved ? yield* moveAway(context, object, error, known.key) : undefined
  return { kind: 'corrupt', path, hash, reason: error.message, ...known, quarantinedTo }
}

/** Without its key a generation cannot be followed by one that says that there is nothing. */
function* moveAway(
  context: Context,
  object: ObjectPath,
  { path }: StoreError,
  key: string | undefined,
): Operation<string | undefined> {
  if (!context.isConditional) return yield* quarantine(context, object)
  if (path === undefined || key === undefined) return undefined
  return yield* quarantineVersion(context, cellOf(context, object), path, key)
}

type Known = Pick<Finding, 'key' | 'writtenBy' | 'writtenAtMs'>

/** What a damaged object still tells: its footer may be sound, and else its file has a time. */
function* describe(context: Context, object: ObjectPath): Operation<Known> {
  try {
    const info = yield* infoOf(context, object)
    if (info !== undefined) {
      const { key, writtenBy, writtenAtMs } = info
      return { key: context.format === 'raw' ? undefined : key, writtenBy, writtenAtMs }
    }
  } catch (error) {
    if (!isDamage(error)) throw error
  }
  const file = yield* find(object.path)
  return { key: undefined, writtenBy: undefined, writtenAtMs: file && Math.trunc(file.mtimeMs) }
}

function* infoOf(context: Context, object: ObjectPath): Operation<ObjectInfo | undefined> {
  if (!context.isConditional) return yield* statExpired(context, object)
  return (yield* readHead(context, cellOf(context, object), { atMs: -Infinity })).info
}

const UNKNOWN = {
  hash: undefined,
  key: undefined,
  writtenBy: undefined,
  writtenAtMs: undefined,
  quarantinedTo: undefined,
}
