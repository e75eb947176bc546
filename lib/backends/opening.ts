import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import type { SweepLimits } from '../bulk.js'
import type { Format } from '../format/marker.js'
import type { CallOptions } from '../object-store.js'
import {
  checkBoolean,
  checkDurability,
  checkMode,
  checkNumber,
  checkOptionNames,
  checkSweepLimits,
  oneOf,
  SWEEP_LIMITS,
} from '../options.js'
import type { Durability, Environment } from '../protocol/context.js'
import type { OpenHow } from '../protocol/open.js'
import type { CacheLimits } from '../protocol/value-cache.js'

/**
 * What is kept in memory. Each value that is kept is held by a hard link, too, so a value that was
 * replaced takes up its place on the volume until it is read again, is pushed out, or was not
 * asked for for ten to twenty minutes.
 */
export interface CacheOptions {
  /** Bytes of values at most; none is larger than a quarter of it, and all are below 128 KiB. */
  readonly maxBytes: number
  /** Values at most; default 10000. */
  readonly maxValues?: number | undefined
}

/** How a directory is opened as a store. */
export interface OpenOptions extends CallOptions {
  /** Make the directory and the store in it if they are not there; default true. */
  readonly create?: boolean | undefined
  /**
   * The format of a new store; for one that exists it must match. Default: whatever the store
   * has, `envelope` for a new one.
   */
  readonly format?: Format | undefined
  /**
   * Whether writes may depend on the version that is there (`ifVersion`), and so every write takes
   * part in that. For a store that exists it must match. Default: whatever the store is, false for
   * a new one. Not in the `raw` format.
   */
  readonly conditional?: boolean | undefined
  /** What an acknowledged write promises; default `full`. See {@link Durability}. */
  readonly durability?: Durability | undefined
  /**
   * How values are pinned while they are read: by a private hard link (default), which holds on
   * every file system, or by plain open, which costs less and may fail on NFS with
   * `UNAVAILABLE` in the middle of a large value that another host replaces.
   */
  readonly reads?: 'link' | 'open' | undefined
  /**
   * Whether directories are revalidated before they are believed. Default: false on file
   * systems known to be local, true on all others. False on NFS gives reads up to 30 s old.
   */
  readonly fresh?: boolean | undefined
  /**
   * How much of what was read is kept in memory; default: nothing. A value that is kept is
   * returned only if one call shows that it is still the one that is there. See
   * {@link CacheOptions}.
   */
  readonly cache?: CacheOptions | undefined
  /** Mode of object files, exactly; default 0o666 less the umask. */
  readonly fileMode?: number | undefined
  /** Mode of directories, exactly, such as 0o2770; default 0o777 less the umask. */
  readonly dirMode?: number | undefined
  /** Refuse to change anything; default only where the directory cannot be written to. */
  readonly readOnly?: boolean | undefined
  /**
   * Whether the store sweeps by itself, or what: in the background, every ten minutes it sees
   * whether that is due, and one of all processes and hosts does it at most once an hour.
   * Default true; a limit given here may be exceeded by what is written within an hour.
   */
  readonly sweep?: boolean | SweepLimits | undefined
  /**
   * Whether calls that a local file system answers from memory are made at once instead of by
   * Node's thread pool, which would take ten times as long. Only small ones are, only as long as
   * they are quick (a kind of call that turns slow goes to the pool), and after a millisecond of
   * them the event loop has its turn. Default true, but false where a module is given as `fs`.
   * Elsewhere than on local file systems none are.
   */
  readonly inline?: boolean | undefined
  /** A module with the functions of `node:fs`; default fs-extra (`node:fs` for `openSync`). */
  readonly fs?: object | undefined
}

const OPEN_OPTIONS = [
  'signal',
  'create',
  'format',
  'conditional',
  'durability',
  'reads',
  'fresh',
  'cache',
  'fileMode',
  'dirMode',
  'readOnly',
  'sweep',
  'inline',
  'fs',
] satisfies (keyof OpenOptions)[]

const SYSTEM: Environment = {
  host:
    hostname()
      .replace(/[^A-Za-z0-9.-]/g, '_')
      .slice(0, 64) || 'unknown',
  now: Date.now,
  randomId: () => randomBytes(16).toString('hex'),
}

const FORMATS: readonly Format[] = ['envelope', 'raw']

/** Checks what `open` and `openSync` were given. */
export function checkOpen(path: unknown, options: OpenOptions): [root: string, how: OpenHow] {
  if (typeof path !== 'string' || path === '' || path.includes('\0')) {
    throw new TypeError('the path of a store must be a string that is not empty')
  }
  checkOptionNames(options, OPEN_OPTIONS)
  const { format, reads = 'link', fresh, fs } = options
  if (fs !== undefined && (typeof fs !== 'object' || (fs as object | null) === null)) {
    throw new TypeError('fs must be a module with the functions of node:fs')
  }
  const how: OpenHow = {
    create: checkBoolean('create', options.create, true),
    format: format === undefined ? undefined : oneOf('format', format, FORMATS),
    isConditional: checkConditional(options),
    durability: checkDurability(options.durability, 'full'),
    reads: oneOf('reads', reads, ['link', 'open']),
    fresh: fresh === undefined ? undefined : checkBoolean('fresh', fresh, false),
    cache: checkCache(options.cache),
    fileMode: checkMode('fileMode', options.fileMode),
    dirMode: checkMode('dirMode', options.dirMode),
    readOnly: checkBoolean('readOnly', options.readOnly, false),
    environment: SYSTEM,
  }
  return [resolve(path), how]
}

const MAX_CACHED_VALUES = 10_000

function checkCache(cache: CacheOptions | undefined): CacheLimits | undefined {
  if (cache === undefined) return undefined
  checkOptionNames(cache, ['maxBytes', 'maxValues'])
  const { maxBytes, maxValues = MAX_CACHED_VALUES } = cache
  return {
    maxBytes: checkNumber('maxBytes', maxBytes, 1, Number.MAX_SAFE_INTEGER),
    maxValues: checkNumber('maxValues', maxValues, 1, 2 ** 20),
  }
}

function checkConditional({ conditional, format }: OpenOptions): boolean | undefined {
  if (conditional === undefined) return undefined
  if (checkBoolean('conditional', conditional, false) && format === 'raw') {
    throw new TypeError('the raw format has no versions, so conditional does not go with it')
  }
  return conditional
}

/** What a store is to sweep by itself; undefined: nothing. */
export function checkHousekeeping({ sweep = true }: OpenOptions): SweepLimits | undefined {
  if (typeof sweep === 'boolean') return sweep ? {} : undefined
  checkOptionNames(sweep, SWEEP_LIMITS)
  checkSweepLimits(sweep)
  return sweep
}
