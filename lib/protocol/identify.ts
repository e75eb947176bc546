/**
 * Identify: what is this directory, and may it be a store?
 *
 *     1  make the root, if it is not there        crash: an empty directory
 *     2  read its marker: a format this release
 *        knows, or an error
 *     3  no marker, and nothing there: write the  crash: before the link nothing but an empty
 *        marker as any object is written, if      .tmp; after it a store
 *        absent, flush it and the root
 *     4  no marker, but only what Go's SOS makes: a store in the `raw` format; nothing is
 *        written. Anything else is refused.
 *
 * Nothing is ever deleted here.
 */
import { constants as fsConstants } from 'node:fs'
import { constants } from 'node:os'
import { errnoOf, isErrno, StoreError } from '../errors.js'
import {
  access,
  chmod,
  close,
  fstat,
  link,
  open,
  quietly,
  read,
  readdirTyped,
  unlink,
  type Operation,
} from '../drivers/effects.js'
import {
  decodeMarker,
  encodeMarker,
  MARKER_NAME,
  MARKER_VERSION,
  type Kind,
} from '../format/marker.js'
import { isShardName } from '../key.js'
import { looksAbsent } from './absence.js'
import type { Context } from './context.js'
import { makePlainDirectory, revalidate, syncDirectory } from './directories.js'
import { entries } from './list.js'
import { isPrivateEntry, PRIVATE_DIRECTORY } from './private-names.js'
import { isAnnex, isFurniture } from './root.js'
import { stageBytes } from './stage.js'

const { errno } = constants
const OPEN_MARKER = fsConstants.O_RDONLY | fsConstants.O_NONBLOCK
const MAX_MARKER_BYTES = 64 * 1024

/** What opening a directory found out. */
export interface Identity extends Kind {
  /** A path that is there as long as the root is this store. */
  readonly landmark: string
}

/** What the caller says the store is; undefined: whatever it is. */
export type Wanted = { readonly [name in keyof Kind]: Kind[name] | undefined }

/** Makes the root directory and its missing parents; returns the parents that changed. */
export function* makeRoot(path: string, dirMode: number | undefined): Operation<string[]> {
  const parent = path.slice(0, path.lastIndexOf('/')) || '/'
  try {
    if (!(yield* makePlainDirectory(path, dirMode ?? 0o777))) return []
    if (dirMode !== undefined) yield* chmod(path, dirMode)
    return [parent]
  } catch (error) {
    if (!isErrno(error, errno.ENOENT) || parent === '/') throw asNoStore(path, error)
  }
  const changed = yield* makeRoot(parent, undefined)
  return [...changed, ...(yield* makeRoot(path, dirMode))]
}

/** Why nothing can be written to a directory; undefined when something can. */
export function* whyReadOnly(root: string): Operation<string | undefined> {
  try {
    yield* access(root, fsConstants.W_OK)
    return undefined
  } catch (error) {
    if (errnoOf(error) === errno.EROFS) return 'its file system is mounted read-only'
    if (errnoOf(error) === errno.EACCES) return 'this user may not write to the directory'
    throw asNoStore(root, error)
  }
}

/** Finds out what a directory is. */
export function* identify(
  root: string,
  fresh: boolean,
  wanted: Wanted,
): Operation<Identity | 'empty'> {
  const marked = yield* readMarker(root, fresh)
  if (marked !== undefined) return identityOf(root, marked, wanted)
  const found = yield* lookAround(root)
  if (found === 'empty') return found
  // Another process may have established the store between the two looks.
  const late = yield* readMarker(root, fresh)
  if (late !== undefined) return identityOf(root, late, wanted)
  if (found instanceof StoreError) throw found
  requireKind(root, found, wanted)
  return found
}

function identityOf(root: string, kind: Kind, wanted: Wanted): Identity {
  requireKind(root, kind, wanted)
  return { ...kind, landmark: `${root}/${MARKER_NAME}` }
}

function requireKind(root: string, { format, isConditional }: Kind, wanted: Wanted): void {
  if (wanted.format !== undefined && wanted.format !== format) {
    throw otherFormat(root, `format ${format}, not ${wanted.format}`)
  }
  if (wanted.isConditional === undefined || wanted.isConditional === isConditional) return
  throw otherFormat(root, isConditional ? 'conditional writes' : 'writes without conditions')
}

/**
 * Makes an empty directory a store; where someone else is faster, theirs it is. Flushed whatever
 * the durability: without its marker all that others write to it later could not be read.
 */
export function* establish(context: Context, changed: readonly string[]): Operation<void> {
  const staged = yield* stageBytes(context, encodeMarker(context), true)
  try {
    yield* link(staged, `${context.root}/${MARKER_NAME}`)
  } catch (error) {
    if (!isErrno(error, errno.EEXIST)) throw asNoLinks(context.root, error)
  } finally {
    yield* quietly(unlink(staged))
  }
  yield* syncDirectory(context.root)
  for (const parent of changed) yield* syncDirectory(parent)
}

function* readMarker(root: string, fresh: boolean): Operation<Kind | undefined> {
  const path = `${root}/${MARKER_NAME}`
  let fd: number
  try {
    if (fresh) yield* revalidate(root, root)
    fd = yield* open(path, OPEN_MARKER)
  } catch (error) {
    if (looksAbsent(error)) return undefined
    throw asNoStore(root, error)
  }
  try {
    const file = yield* fstat(fd)
    if (!file.isFile()) throw unreadableMarker(path, 'it is not a regular file')
    const bytes = Buffer.alloc(Math.min(file.size, MAX_MARKER_BYTES))
    const count = yield* read(fd, bytes, 0, bytes.length, 0)
    return kindOf(path, bytes.subarray(0, count))
  } finally {
    yield* close(fd)
  }
}

function kindOf(path: string, bytes: Buffer): Kind {
  const reading = decodeMarker(bytes)
  switch (reading.kind) {
    case 'format':
      return reading
    case 'newer': {
      const versions = `version ${reading.version}, this release reads up to ${MARKER_VERSION}`
      const message = `the store has format ${versions}; use a newer linkstore`
      throw new StoreError('FORMAT_UNSUPPORTED', message, { path })
    }
    case 'unreadable':
      throw unreadableMarker(path, reading.reason)
  }
}

function unreadableMarker(path: string, reason: string): StoreError {
  const message = `the marker ${path} cannot be read: ${reason}; restore it`
  return new StoreError('CORRUPT', message, { path })
}

/** Without a marker: empty, Go's SOS, or not ours (the error that says so). */
function* lookAround(root: string): Operation<Identity | 'empty' | StoreError> {
  let shards = 0
  let hasPrivate = false
  for (const entry of yield* listRoot(root)) {
    const { name } = entry
    if (isPrivateEntry(name)) hasPrivate ||= name === PRIVATE_DIRECTORY
    else if (entry.isDirectory() && isShardName(name) && (yield* holdsShards(root, name))) {
      shards += 1
    } else if (!isFurniture(name) && !isAnnex(name)) return foreignDirectory(root, name)
  }
  if (shards === 0) return 'empty'
  return {
    format: 'raw',
    isConditional: false,
    landmark: hasPrivate ? `${root}/${PRIVATE_DIRECTORY}` : root,
  }
}

function* listRoot(root: string): ReturnType<typeof readdirTyped> {
  try {
    return yield* readdirTyped(root)
  } catch (error) {
    throw asNoStore(root, error)
  }
}

function* holdsShards(root: string, outer: string): Operation<boolean> {
  return (yield* entries(`${root}/${outer}`)).every(isShardName)
}

function foreignDirectory(root: string, name: string): StoreError {
  const message = `${root} is not a store: it has other files in it, such as ${name}`
  return new StoreError('NOT_A_STORE', `${message}; choose an empty or a new directory`, {
    path: root,
  })
}

function otherFormat(root: string, what: string): StoreError {
  const message = `${root} is a store of ${what}`
  return new StoreError('FORMAT_UNSUPPORTED', `${message}; open it without saying what it is`, {
    path: root,
  })
}

function asNoStore(root: string, cause: unknown): unknown {
  if (!isErrno(cause, errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)) return cause
  const missing = isErrno(cause, errno.ENOENT)
  const reason = missing ? `${root} does not exist` : `${root} is not a directory`
  return new StoreError('NOT_A_STORE', `${reason}; name the directory of a store`, {
    path: root,
    cause,
  })
}

function asNoLinks(root: string, cause: unknown): unknown {
  if (!isErrno(cause, errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)) return cause
  const message = `${root} cannot be a store: its file system has no hard links`
  return new StoreError('NOT_SUPPORTED', `${message} (SMB and object-storage mounts have none)`, {
    path: root,
    cause,
  })
}
