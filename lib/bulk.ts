import { StoreError } from './errors.js'
import { attributesOf } from './object-info.js'
import type { CallOptions, ChangeOptions, ObjectStore } from './object-store.js'
import type { SweepReport } from './protocol/sweep-sum.js'
import type { Finding } from './protocol/verify.js'

/** How far a long operation has come. */
export interface Progress {
  /** From 0 to 1. */
  readonly fraction: number
  /** Objects dealt with so far. */
  readonly objects: number
}

/** Options of operations that go through the whole store. */
export interface WalkOptions extends CallOptions {
  /** Called now and then with how far it has come. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** The same, for those that remove objects. */
export interface ClearOptions extends ChangeOptions, WalkOptions {}

/** Options of `verify`. */
export interface VerifyOptions extends WalkOptions {
  /**
   * Move corrupt objects into the directory `.quarantine` of the store; default false. Their
   * keys are absent then.
   */
  readonly quarantine?: boolean | undefined
}

/** What is swept; see {@link Bulk.sweep}. */
export interface SweepLimits {
  /**
   * What is younger stays, by the server's clock; default an hour. Below 30 minutes only where
   * no other process is at work: a live one touches its private names every ten minutes.
   */
  readonly graceMs?: number | undefined
  /** Keep at most this many bytes of object files; what was written longest ago goes. */
  readonly maxBytes?: number | undefined
  /** Keep at most this many objects; what was written longest ago goes. */
  readonly maxObjects?: number | undefined
}

/** Options of `sweep`. */
export interface SweepOptions extends WalkOptions, SweepLimits {
  /** Only say what would be removed; default false. */
  readonly dryRun?: boolean | undefined
}

/** What `verify` found. */
export interface VerifyReport {
  /** Objects that were read and are sound. */
  readonly objects: number
  /** Bytes of their values. */
  readonly bytes: number
  /** What is corrupt, and what is there though it is not the store's. */
  readonly findings: readonly Finding[]
}

/**
 * Operations over two keys or over all of them. They follow from {@link ObjectStore}, by
 * {@link bulkOf}; a backend that has better ways brings its own.
 */
export interface Bulk {
  /** Copies an object, with all it has but its version; says whether there was one. */
  copy(from: string, to: string, options?: ChangeOptions): Promise<boolean>
  /**
   * Moves an object to another key; says whether there was one. Atomic in the `raw` format
   * only: else a crash half-way leaves both keys with the value.
   */
  rename(from: string, to: string, options?: ChangeOptions): Promise<boolean>
  /** How many objects there are. Weakly consistent, like a listing. */
  count(options?: WalkOptions): Promise<number>
  /** Removes all objects and nothing else; says how many there were, expired ones included. */
  clear(options?: ClearOptions): Promise<number>
  /** Reads every object and checks everything; changes nothing, but with `quarantine`. */
  verify(options?: VerifyOptions): Promise<VerifyReport>
  /**
   * Removes what crashed processes have left and objects that expired, both once they are older
   * than the grace, and then what is beyond the limits. Any number may run at once, from any
   * host; one that is interrupted goes on when it is called again. Costs a look at each object
   * where any may have expired, or with limits; else next to nothing.
   */
  sweep(options?: SweepOptions): Promise<SweepReport>
  /**
   * Removes the store and its directory, and closes it. Files that are not the store's are left
   * alone and make it fail with `PRECONDITION_FAILED`.
   */
  destroy(options?: WalkOptions): Promise<void>
}

/** The operations that can be had of any store; the others throw `NOT_SUPPORTED`. */
export function bulkOf(objects: ObjectStore): Bulk {
  return {
    copy: (from, to, options = {}) => copyObject(objects, from, to, options),
    rename: (from, to, options = {}) => renameObject(objects, from, to, options),
    count: (options = {}) => countObjects(objects, options),
    clear: (options = {}) => clearObjects(objects, options),
    verify: () => Promise.reject(notSupported('verify')),
    sweep: () => Promise.reject(notSupported('sweep')),
    destroy: () => Promise.reject(notSupported('destroy')),
  }
}

async function copyObject(
  objects: ObjectStore,
  from: string,
  to: string,
  options: ChangeOptions,
): Promise<boolean> {
  await using object = await objects.read(from, { signal: options.signal })
  if (object === undefined) return false
  if (from === to) return true
  const attributes = attributesOf(object.info, Date.now())
  await objects.write(to, object.stream(), { ...options, ...attributes })
  return true
}

async function renameObject(
  objects: ObjectStore,
  from: string,
  to: string,
  options: ChangeOptions,
): Promise<boolean> {
  const copied = await copyObject(objects, from, to, options)
  if (copied && from !== to) await objects.remove(from, options)
  return copied
}

/** Counts what a listing gives. */
export async function countObjects(
  objects: Pick<ObjectStore, 'list'>,
  options: WalkOptions,
): Promise<number> {
  let count = 0
  for await (const _ of objects.list({ signal: options.signal })) count += 1
  return count
}

/** Removes what a listing gives; says how many there were. */
export async function clearObjects(
  objects: Pick<ObjectStore, 'list' | 'remove'>,
  options: ClearOptions,
): Promise<number> {
  const { signal, durability } = options
  let count = 0
  for await (const { key } of objects.list({ signal })) {
    if (await objects.remove(key, { signal, durability })) count += 1
  }
  return count
}

function notSupported(operation: string): StoreError {
  const message = `this kind of store cannot ${operation}; call it on the one underneath`
  return new StoreError('NOT_SUPPORTED', message, { operation })
}
