/**
 * The options of each verb of an `ObjectStore`, checked: one text for every backend and layer, so
 * that all of them refuse the same.
 */
import { toStoreError } from './errors.js'
import { checkKey } from './key.js'
import type { Attributes } from './object-info.js'
import type { ChangeOptions, RemoveOptions, Supports, WriteOptions } from './object-store.js'
import { checkAttributes, checkBoolean, checkDurability, checkOptionNames } from './options.js'

const CHANGE_OPTIONS = ['signal', 'durability']

const WRITE_OPTIONS = [
  ...CHANGE_OPTIONS,
  'ttlMs',
  'metadata',
  'contentType',
  'ifAbsent',
  'ifVersion',
]

/** What a write says, beside its value, of what it makes and of when it may. */
export interface CheckedWrite extends Attributes {
  readonly ifAbsent: boolean
  readonly ifVersion: string | undefined
}

/** The options of a call that changes nothing. */
export function checkCall(options: object): void {
  checkOptionNames(options, ['signal'])
}

/** The options of a call that changes something. */
export function checkChange(options: ChangeOptions): void {
  checkOptionNames(options, CHANGE_OPTIONS)
  checkDurability(options.durability, 'full')
}

/** The options of a write. */
export function checkWrite(options: WriteOptions): CheckedWrite {
  checkOptionNames(options, WRITE_OPTIONS)
  checkDurability(options.durability, 'full')
  const { contentType, metadata, ttlMs, expiresAtMs } = checkAttributes(options)
  const ifAbsent = checkBoolean('ifAbsent', options.ifAbsent, false)
  const ifVersion = checkVersion(options.ifVersion)
  if (ifAbsent && ifVersion !== undefined) {
    throw new TypeError('ifAbsent and ifVersion exclude each other; give one of them')
  }
  return { contentType, metadata, ttlMs, expiresAtMs, ifAbsent, ifVersion }
}

/** The key and options of a write, for a layer that looks at the body before another store does. */
export function checkWriteCall(
  { maxKeyBytes }: Supports,
  key: string,
  options: WriteOptions,
): CheckedWrite {
  try {
    checkKey(key, maxKeyBytes)
    return checkWrite(options)
  } catch (error) {
    throw toStoreError(error, 'write', key)
  }
}

/** The options of a removal; returns the version it depends on. */
export function checkRemoval(options: RemoveOptions): string | undefined {
  checkOptionNames(options, [...CHANGE_OPTIONS, 'ifVersion'])
  checkDurability(options.durability, 'full')
  return checkVersion(options.ifVersion)
}

/** The options of a listing; returns its prefix. */
export function checkListing(options: { readonly prefix?: unknown }): string {
  checkOptionNames(options, ['signal', 'prefix'])
  const { prefix = '' } = options
  if (typeof prefix !== 'string') throw new TypeError('prefix must be a string')
  return prefix
}

/** A version as `stat` and a write give it. */
function checkVersion(version: unknown): string | undefined {
  if (version === undefined || (typeof version === 'string' && /^[0-9a-f]{32}$/.test(version))) {
    return version
  }
  throw new TypeError('ifVersion must be a version, of 32 hexadecimal digits')
}
