/**
 * Verify: reads everything and believes nothing.
 *
 *     1  each entry of a shard directory: is it an object by its name, or foreign?
 *     2  each object: pin it, read all of it, check the crc of its footer and of its value, and
 *        that its key belongs in this place
 *
 * It reports and changes nothing; a crash leaves at most a private name. In the `raw` format
 * there is nothing to check but that each object is a regular file.
 */
import { constants } from 'node:os'
import { isErrno } from '../errors.js'
import { checkpoint, readdirTyped, type Operation } from '../drivers/effects.js'
import { isObjectName, isShardName } from '../key.js'
import { looksAbsent } from './absence.js'
import { locateHash, type Context, type ObjectPath } from './context.js'
import { entries, isDamage } from './list.js'
import { checkAll, closeHandle, read } from './read.js'
import { isFurniture, isStoreEntry } from './root.js'

const { errno } = constants

/** Something that is not a sound object. */
export interface Finding {
  /** `corrupt`: an object that cannot be read. `foreign`: not the store's; it does no harm. */
  readonly kind: 'corrupt' | 'foreign'
  readonly path: string
  /** The hash of the key, for an object. */
  readonly hash: string | undefined
  /** What is wrong, in words. */
  readonly reason: string
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
export function* verifyShard(context: Context, outer: string, inner: string): Operation<Findings> {
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
      findings.push(corruptFinding(object, error))
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
}

function* typedEntries(path: string): ReturnType<typeof readdirTyped> {
  try {
    return yield* readdirTyped(path)
  } catch (error) {
    if (looksAbsent(error) || isErrno(error, errno.ENOTDIR)) return []
    throw error
  }
}

function blocked(path: string): Finding {
  const reason = 'it lies where a directory of the store belongs; move it away'
  return { kind: 'corrupt', path, hash: undefined, reason }
}

function isKnownInRoot(name: string): boolean {
  return isStoreEntry(name) || isFurniture(name)
}

function* verifyObject(context: Context, object: ObjectPath): Operation<number | undefined> {
  const handle = yield* read(context, object)
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
  return { kind: 'foreign', path, hash: undefined, reason }
}

function corruptFinding(object: ObjectPath, error: unknown): Finding {
  if (!isDamage(error)) throw error
  const { path, hash } = object
  return { kind: 'corrupt', path, hash, reason: error.message }
}
