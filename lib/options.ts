import type { SweepLimits } from './bulk.js'
import { MAX_ATTRIBUTES_BYTES, encodeAttributes } from './format/footer.js'
import type { Attributes } from './object-info.js'
import type { RangeOptions, WriteOptions } from './object-store.js'
import type { Durability } from './protocol/context.js'

/** The longest ttl: a thousand years, in milliseconds. */
export const MAX_TTL_MS = 1000 * 365 * 24 * 60 * 60 * 1000

const DURABILITIES: readonly Durability[] = ['full', 'file', 'none']

/**
 * Refuses what is no options object: of a signal, a Map or an array given in its place nothing
 * would be read, and nobody would know.
 */
export function checkOptions(options: unknown): void {
  if (isPlainObject(options)) return
  throw new TypeError(`options must be a plain object, not ${describe(options)}`)
}

/** Refuses option names nobody reads: a typing error must not pass as a default. */
export function checkOptionNames(options: object, known: readonly string[]): void {
  checkOptions(options)
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue
    const what = known.length === 0 ? 'there are none' : `there are ${known.join(', ')}`
    throw new TypeError(`unknown option ${JSON.stringify(name)}; ${what}`)
  }
  const { signal } = options as { readonly signal?: unknown }
  if (signal === undefined || isSignal(signal)) return
  throw new TypeError(`signal must be an AbortSignal, not ${describe(signal)}`)
}

/** A durability, or the default in place of undefined. */
export function checkDurability(value: unknown, otherwise: Durability): Durability {
  return value === undefined ? otherwise : oneOf('durability', value, DURABILITIES)
}

/** Refuses a value that is not one of the choices. */
export function oneOf<T extends string>(name: string, value: unknown, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value)
  if (found !== undefined) return found
  throw new TypeError(`${name} must be one of ${choices.join(', ')}, not ${describe(value)}`)
}

/** Refuses anything but a boolean; undefined is the default. */
export function checkBoolean(name: string, value: unknown, otherwise: boolean): boolean {
  if (value === undefined) return otherwise
  if (typeof value === 'boolean') return value
  throw new TypeError(`${name} must be true or false, not ${describe(value)}`)
}

/** Refuses anything but a number that is not negative; undefined is the default. */
export function checkLimit(name: string, value: unknown, otherwise: number): number {
  if (value === undefined) return otherwise
  if (typeof value !== 'number') {
    throw new TypeError(`${name} must be a number, not ${describe(value)}`)
  }
  if (value >= 0) return value
  throw new RangeError(`${name} must not be below 0, as ${value} is`)
}

/** Refuses anything but a number within limits. */
export function checkNumber(name: string, value: unknown, least: number, most: number): number {
  if (typeof value !== 'number') {
    throw new TypeError(`${name} must be a number, not ${describe(value)}`)
  }
  if (value >= least && value <= most) return value
  throw new RangeError(`${name} must be between ${least} and ${most}, not ${value}`)
}

/** Refuses anything but a whole number of at least 1. */
export function checkCount(name: string, value: unknown): number {
  const count = checkNumber(name, value, 1, Number.MAX_SAFE_INTEGER)
  if (Number.isInteger(count)) return count
  throw new RangeError(`${name} must be a whole number, not ${count}`)
}

/** The names of what limits a sweep. */
export const SWEEP_LIMITS = ['graceMs', 'maxBytes', 'maxObjects']

/** What is younger is not swept: an hour. */
const DEFAULT_GRACE_MS = 60 * 60 * 1000

type CheckedLimits = { readonly [Name in keyof SweepLimits]-?: number }

/** What limits a sweep, checked; its names must have been. */
export function checkSweepLimits(limits: SweepLimits): CheckedLimits {
  return {
    graceMs: checkLimit('graceMs', limits.graceMs, DEFAULT_GRACE_MS),
    maxBytes: checkLimit('maxBytes', limits.maxBytes, Infinity),
    maxObjects: checkLimit('maxObjects', limits.maxObjects, Infinity),
  }
}

/** Refuses anything but permission bits; undefined stays undefined. */
export function checkMode(name: string, value: unknown): number | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number such as 0o660`)
  if (Number.isInteger(value) && value >= 0 && value <= 0o7777) return value
  throw new RangeError(`${name} must be between 0 and 0o7777, not ${value}`)
}

/** What a write says about its value, checked. */
export function checkAttributes(options: WriteOptions): Attributes {
  const { contentType, metadata, ttlMs } = options
  if (contentType !== undefined && typeof contentType !== 'string') {
    throw new TypeError(`contentType must be a string, not ${describe(contentType)}`)
  }
  const checked = {
    contentType,
    metadata: checkMetadata(metadata),
    ttlMs: checkTtl(ttlMs),
    expiresAtMs: undefined,
  }
  const sizeBytes = encodeAttributes(contentType, checked.metadata).length
  if (sizeBytes > MAX_ATTRIBUTES_BYTES) {
    const limit = `may have ${MAX_ATTRIBUTES_BYTES} bytes as JSON, these have ${sizeBytes}`
    throw new RangeError(`metadata and contentType ${limit}; put them into the value`)
  }
  return checked
}

function checkMetadata(metadata: unknown): Readonly<Record<string, string>> {
  if (metadata === undefined) return {}
  if (!isPlainObject(metadata)) {
    throw new TypeError(`metadata must be a plain object of strings, not ${describe(metadata)}`)
  }
  for (const [name, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') {
      const what = `metadata ${JSON.stringify(name)} must be a string`
      throw new TypeError(`${what}, not ${describe(value)}`)
    }
  }
  // A copy: what the caller changes afterwards is not ours.
  return Object.fromEntries(Object.entries(metadata)) as Record<string, string>
}

function checkTtl(ttlMs: unknown): number | undefined {
  if (ttlMs === undefined) return undefined
  if (typeof ttlMs !== 'number') {
    throw new TypeError(`ttlMs must be a number of milliseconds, not ${describe(ttlMs)}`)
  }
  if (ttlMs >= 1 && ttlMs <= MAX_TTL_MS) return Math.ceil(ttlMs)
  throw new RangeError(`ttlMs must be between 1 and ${MAX_TTL_MS}, not ${ttlMs}`)
}

/** A range as in `fs.createReadStream` (end inclusive), as first byte and the byte after. */
export function checkRange(options: RangeOptions, sizeBytes: number): [number, number] {
  checkOptionNames(options, ['start', 'end'])
  const { start = 0, end = sizeBytes - 1 } = options
  for (const [name, value] of Object.entries({ start, end })) {
    if (typeof value !== 'number') {
      throw new TypeError(`${name} must be a number of bytes, not ${describe(value)}`)
    }
  }
  // "Up to the end" of nothing is nothing; every other range must lie within the value.
  const isWhole = options.start === undefined && options.end === undefined
  const isInside =
    Number.isInteger(start) &&
    Number.isInteger(end) &&
    start >= 0 &&
    end < sizeBytes &&
    start <= end
  if (isWhole || isInside) return [start, end + 1]
  const what = `the range from byte ${start} to ${end} is not within the value`
  throw new RangeError(`${what}, which has ${sizeBytes} bytes`)
}

/** An object literal or one without a prototype, of this realm or another. */
function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** By its shape: every realm and test environment has an AbortSignal of its own. */
function isSignal(value: unknown): boolean {
  const { aborted, addEventListener } = (value ?? {}) as Partial<AbortSignal>
  return typeof aborted === 'boolean' && typeof addEventListener === 'function'
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'an array'
  if (value === null) return 'null'
  return typeof value === 'string' ? JSON.stringify(value) : typeof value
}
