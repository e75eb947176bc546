/**
 * Requests: from what a caller gives, checked here, to protocol operations. The synchronous and
 * the asynchronous face both begin with these, so that they agree on every rule.
 */
import { toSource } from '../body.js'
import { checkCall, checkChange, checkListing, checkRemoval, checkWrite } from '../call-options.js'
import { keyHasObject, otherVersion, StoreError } from '../errors.js'
import type { Operation } from '../drivers/effects.js'
import { toObjectKey } from '../key.js'
import type { ObjectInfo } from '../object-info.js'
import type { Body, ChangeOptions, RemoveOptions, WriteOptions } from '../object-store.js'
import { checkDurability } from '../options.js'
import { locate, type Context, type ObjectPath, type Durability } from '../protocol/context.js'
import { copy, rename } from '../protocol/copy.js'
import { readWhole, type Handle } from '../protocol/read.js'
import { verbsOf } from '../protocol/verbs.js'
import type { WriteHow } from '../protocol/write.js'

/** A write that was checked. */
export interface WriteRequest {
  readonly operation: Operation<ObjectInfo>
  /** Whether it may wait on the caller's own code. */
  readonly waitsOnCaller: boolean
  /** To be called if the write fails, or is never started: a stream given as body is closed. */
  cancel(reason: unknown): void
}

/** A checked read. */
export function readRequest(
  context: Context,
  key: string,
  options: object,
): Operation<Handle | undefined> {
  checkCall(options)
  return verbsOf(context).read(context, placeOf(context, key))
}

/** A checked read of all of a value. */
export function valueRequest(context: Context, key: string): Operation<Buffer | undefined> {
  return readWhole(verbsOf(context).read(context, placeOf(context, key)))
}

/** A checked stat. */
export function statRequest(
  context: Context,
  key: string,
  options: object,
): Operation<ObjectInfo | undefined> {
  checkCall(options)
  return verbsOf(context).stat(context, placeOf(context, key))
}

/** Where the object of a key lies; of one whose value is kept that is known without hashing it. */
function placeOf(context: Context, key: string): ObjectPath {
  return context.cache?.placeOf(key) ?? locate(context, toObjectKey(key))
}

/** A checked write. */
export function writeRequest(
  context: Context,
  key: string,
  body: Body,
  options: WriteOptions,
): WriteRequest {
  const checked = checkWrite(options)
  const objectKey = toObjectKey(key)
  if (context.format === 'raw') refuseAttributes(options)
  const how: WriteHow = { ...checked, durability: durabilityOf(context, options) }
  const source = toSource(body)
  const operation = requireWritten(verbsOf(context).write(context, objectKey, source, how), how)
  const cancel = (reason: unknown): void => source.cancel(reason)
  return { operation, waitsOnCaller: source.bytes === undefined, cancel }
}

/** The operation of a write that is cancelled where it fails. */
export function* cancelling(request: WriteRequest): Operation<ObjectInfo> {
  try {
    return yield* request.operation
  } catch (error) {
    request.cancel(error)
    throw error
  }
}

/** A checked removal. */
export function removeRequest(
  context: Context,
  key: string,
  options: RemoveOptions,
): Operation<boolean> {
  const ifVersion = checkRemoval(options)
  const object = locate(context, toObjectKey(key))
  const durability = durabilityOf(context, options)
  return requireRemoved(verbsOf(context).remove(context, object, durability, ifVersion))
}

/** A checked take. */
export function takeRequest(
  context: Context,
  key: string,
  options: ChangeOptions,
): Operation<Handle | undefined> {
  checkChange(options)
  return verbsOf(context).take(
    context,
    locate(context, toObjectKey(key)),
    durabilityOf(context, options),
  )
}

/** A checked copy. */
export function copyRequest(
  context: Context,
  from: string,
  to: string,
  options: ChangeOptions,
): Operation<boolean> {
  checkChange(options)
  return copy(context, toObjectKey(from), toObjectKey(to), durabilityOf(context, options))
}

/** A checked rename. */
export function renameRequest(
  context: Context,
  from: string,
  to: string,
  options: ChangeOptions,
): Operation<boolean> {
  checkChange(options)
  return rename(context, toObjectKey(from), toObjectKey(to), durabilityOf(context, options))
}

/** The durability of a call whose option names have been checked. */
export function durabilityOf(context: Context, options: ChangeOptions): Durability {
  return checkDurability(options.durability, context.durability)
}

/** Checks the options of a listing; returns its prefix. */
export function listPrefix(context: Context, options: { readonly prefix?: unknown }): string {
  const prefix = checkListing(options)
  requireKeys(context)
  return prefix
}

function requireKeys(context: Context): void {
  if (context.format === 'envelope') return
  throw new StoreError(
    'NOT_SUPPORTED',
    'the raw format does not keep keys, so none can be listed; use envelopes',
  )
}

function refuseAttributes(options: WriteOptions): void {
  for (const name of ['ttlMs', 'metadata', 'contentType'] as const) {
    if (options[name] === undefined) continue
    const message = `the raw format keeps nothing but the value, so no ${name}`
    throw new StoreError('NOT_SUPPORTED', message)
  }
}

function* requireWritten(
  writing: Operation<ObjectInfo | undefined>,
  { ifVersion }: WriteHow,
): Operation<ObjectInfo> {
  const info = yield* writing
  if (info !== undefined) return info
  if (ifVersion !== undefined) throw otherVersion()
  throw keyHasObject()
}

function* requireRemoved(removing: Operation<boolean | undefined>): Operation<boolean> {
  const wasRemoved = yield* removing
  if (wasRemoved === undefined) throw otherVersion()
  return wasRemoved
}
