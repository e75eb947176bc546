/**
 * Open: from a path to a {@link Context}.
 *
 *     1  make the root and its parents, if they    crash: empty directories
 *        are not there (create)
 *     2  ask what file system it is, and whether
 *        it can be written to
 *     3  identify it (identify.ts)
 *     4  if it is empty, establish it and look     crash: a store, or an empty directory with
 *        again: another process may have been      an empty .tmp
 *        faster
 *
 * Nothing is ever deleted here.
 */
import { StoreError } from '../errors.js'
import { statfs, type Operation } from '../drivers/effects.js'
import type { Format } from '../format/marker.js'
import { SCRATCH_BYTES, type Context, type Durability, type Environment } from './context.js'
import { isLocal, isNfs } from './file-systems.js'
import { establish, identify, makeRoot, whyReadOnly, type Identity } from './identify.js'
import { removeInstance } from './private-names.js'
import { ValueCache, type CacheLimits } from './value-cache.js'

/** How a store is opened; undefined leaves it to what is found. */
export interface OpenHow {
  readonly create: boolean
  readonly format: Format | undefined
  /** Whether it is a conditional store. */
  readonly isConditional?: boolean | undefined
  readonly durability: Durability
  readonly reads: 'link' | 'open'
  readonly fresh: boolean | undefined
  /** See {@link Context.coarse}. */
  readonly coarse?: boolean | undefined
  readonly fileMode: number | undefined
  readonly dirMode: number | undefined
  /** How much is kept in memory; undefined: nothing. */
  readonly cache?: CacheLimits | undefined
  readonly readOnly: boolean
  readonly environment: Environment
}

/** Opens the store at an absolute path without a slash at its end. */
export function* openStore(root: string, how: OpenHow): Operation<Context> {
  const mayCreate = how.create && !how.readOnly
  const changed = mayCreate ? yield* makeRoot(root, how.dirMode) : []
  const draft = yield* draftContext(root, how)
  try {
    const identity = yield* identifyOrEstablish(draft, how, changed)
    if (identity.isConditional && how.cache !== undefined) throw noCache()
    return { ...draft, ...identity }
  } catch (error) {
    yield* removeInstance(draft)
    throw error
  }
}

function* identifyOrEstablish(
  draft: Context,
  how: OpenHow,
  changed: readonly string[],
): Operation<Identity> {
  const { root, fresh } = draft
  const wanted = { format: how.format, isConditional: how.isConditional }
  let identity = yield* identify(root, fresh, wanted)
  if (identity === 'empty') {
    if (!how.create || how.readOnly || draft.readOnly !== undefined) throw emptyDirectory(draft)
    yield* establish(draft, changed)
    identity = yield* identify(root, fresh, wanted)
    if (identity === 'empty') throw emptyDirectory(draft)
  }
  return identity
}

function* draftContext(root: string, how: OpenHow): Operation<Context> {
  const found = yield* whyReadOnly(root)
  const readOnly = how.readOnly ? 'it was opened with readOnly: true' : found
  const { type } = yield* statfs(root)
  return {
    root,
    format: how.format ?? 'envelope',
    isConditional: how.isConditional ?? false,
    durability: how.durability,
    isLocal: isLocal(type),
    fresh: how.fresh ?? !isLocal(type),
    coarse: how.coarse ?? (isNfs(type) ? undefined : false),
    syncsDirectories: !isNfs(type),
    fileMode: how.fileMode,
    dirMode: how.dirMode,
    landmark: root,
    ...how.environment,
    reads: readOnly === undefined ? how.reads : 'open',
    readOnly,
    expiring: false,
    instance: undefined,
    cache: how.cache && new ValueCache(how.cache),
    scratchBytes: SCRATCH_BYTES,
    scratch: [],
  }
}

function noCache(): StoreError {
  const message = 'a conditional store keeps nothing in memory, since each read has to list anyway'
  return new StoreError('NOT_SUPPORTED', `${message}; open it without cache`)
}

function emptyDirectory({ root, readOnly }: Context): StoreError {
  const message = `${root} is not a store: it is empty`
  const why = readOnly === undefined ? 'create was not asked for' : readOnly
  return new StoreError('NOT_A_STORE', `${message}, and ${why}`, { path: root })
}
