import type { Operation } from '../../lib/drivers/effects.js'
import { toObjectKey } from '../../lib/key.js'
import { bytesSource } from '../../lib/source.js'
import type { SweepReport } from '../../lib/protocol/sweep-sum.js'
import { ProgressMeter } from '../../lib/backends/walk.js'
import { sweepAll } from '../../lib/backends/whole-store.js'
import { clearShard } from '../../lib/protocol/clear.js'
import { locate, type Context, type ObjectPath } from '../../lib/protocol/context.js'
import { copy, rename } from '../../lib/protocol/copy.js'
import { beat } from '../../lib/protocol/heartbeat.js'
import { listShard, shardNames } from '../../lib/protocol/list.js'
import { closeHandle, readBytes, type Handle } from '../../lib/protocol/read.js'
import { removeInstance } from '../../lib/protocol/private-names.js'
import { verbsOf } from '../../lib/protocol/verbs.js'
import type { WriteHow } from '../../lib/protocol/write.js'
import { performOnCell, retentionOf, type CellVerb } from './cells.js'

/** A change that depends on what is there: it looks first, unless it has before all began. */
export type Change = { readonly key: string; readonly seen?: Seen } & (
  { readonly kind: 'swap'; readonly value: Value } | { readonly kind: 'drop' }
)

/** What there was. */
export interface Seen {
  readonly version: string
  readonly id: string
}

/** What a process is told to do. */
export type Verb =
  | {
      readonly kind: 'write' | 'add'
      readonly key: string
      readonly value: Value
      /** How many generations are kept: conditional stores. */
      readonly kept?: number
    }
  | { readonly kind: 'read' | 'stat' | 'take' | 'remove'; readonly key: string }
  | Change
  | { readonly kind: 'copy' | 'rename'; readonly key: string; readonly to: string }
  | { readonly kind: 'list' | 'clear' | 'open' | 'close' | 'beat' }
  | { readonly kind: 'sweep'; readonly graceMs: number }
  | CellVerb

/** A value: what it consists of tells which it is, and where it is torn. */
export interface Value {
  /** One character. */
  readonly id: string
  readonly sizeBytes: number
  readonly expiresAtMs: number | undefined
  /** How long it lasts from when it is written, instead. */
  readonly ttlMs?: number
}

const SMALL_BYTES = 3
/** More than one read fetches. */
const LARGE_BYTES = 70_000

/** A small value. */
export function small(id: string, expiresAtMs?: number): Value {
  return { id, sizeBytes: SMALL_BYTES, expiresAtMs }
}

/** A value that is not read in one call. */
export function large(id: string): Value {
  return { id, sizeBytes: LARGE_BYTES, expiresAtMs: undefined }
}

/** Which value these bytes are. */
export function identify(bytes: Uint8Array): string {
  const id = String.fromCharCode(bytes[0] ?? 0)
  const isWhole = bytes.length === SMALL_BYTES || bytes.length === LARGE_BYTES
  return isWhole && bytes.every((byte) => byte === bytes[0]) ? id : `torn(${bytes.length} bytes)`
}

/** The protocol's operation for a verb, and what it answers: values by their ids. */
export function* perform(context: Context, verb: Verb): Operation<unknown> {
  switch (verb.kind) {
    case 'write':
    case 'add':
      return yield* store(context, verb.key, verb.value, {
        ifAbsent: verb.kind === 'add',
        ...retentionOf(verb.kept),
      })
    case 'read':
      return yield* idOf(yield* verbsOf(context).read(context, place(context, verb.key)))
    case 'take':
      return yield* idOf(
        yield* verbsOf(context).take(context, place(context, verb.key), context.durability),
      )
    case 'stat': {
      const info = yield* verbsOf(context).stat(context, place(context, verb.key))
      // The raw format does not say which value it is.
      return info === undefined ? undefined : (info.contentType ?? true)
    }
    case 'swap':
    case 'drop':
      return yield* changeSeen(context, verb)
    case 'remove':
      return yield* verbsOf(context).remove(context, place(context, verb.key), context.durability)
    case 'copy':
    case 'rename': {
      const run = verb.kind === 'copy' ? copy : rename
      return yield* run(context, toObjectKey(verb.key), toObjectKey(verb.to), context.durability)
    }
    case 'list':
      return yield* list(context)
    case 'clear':
      return yield* clear(context)
    case 'sweep':
      return yield* sweep(context, verb.graceMs)
    case 'beat':
      return yield* beat(context)
    case 'read cell':
    case 'update cell':
      return yield* performOnCell(context, verb)
    case 'close':
      return yield* removeInstance(context)
    case 'open':
      throw new Error('a store is opened by its process')
  }
}

function place(context: Context, key: string): ReturnType<typeof locate> {
  return locate(context, toObjectKey(key))
}

function* store(
  context: Context,
  key: string,
  value: Value,
  wanted: Pick<WriteHow, 'ifAbsent' | 'ifVersion' | 'retention'>,
): Operation<boolean> {
  const { id, sizeBytes, expiresAtMs, ttlMs } = value
  const isRaw = context.format === 'raw'
  const how = {
    contentType: isRaw ? undefined : id,
    metadata: {},
    ttlMs,
    expiresAtMs,
    ...wanted,
    durability: context.durability,
  }
  const source = bytesSource(Buffer.alloc(sizeBytes, id), false)
  return (yield* verbsOf(context).write(context, toObjectKey(key), source, how)) !== undefined
}

/**
 * Looks which value there is, and replaces or removes it if it still is that: as one step in a
 * conditional store, elsewhere by a second look.
 */
function* changeSeen(context: Context, verb: Change): Operation<string> {
  const object = place(context, verb.key)
  const seen = verb.seen ?? (yield* look(context, object))
  if (seen === undefined) return 'nothing'
  const { version, id } = seen
  const isDone = context.isConditional
    ? yield* change(context, verb, version)
    : (yield* look(context, object))?.version === version && (yield* change(context, verb))
  return `${id} then ${isDone}`
}

/** Elsewhere than in conditional stores there is no version to ask for: then it is just done. */
function* change(context: Context, verb: Change, ifVersion?: string): Operation<boolean> {
  if (verb.kind === 'swap') {
    return yield* store(context, verb.key, verb.value, { ifAbsent: false, ifVersion })
  }
  const object = place(context, verb.key)
  const removing = verbsOf(context).remove(context, object, context.durability, ifVersion)
  return (yield* removing) ?? false
}

function* look(context: Context, object: ObjectPath): Operation<Seen | undefined> {
  const info = yield* verbsOf(context).stat(context, object)
  return info && { version: info.version ?? '', id: info.contentType ?? '' }
}

function* idOf(handle: Handle | undefined): Operation<string | undefined> {
  if (handle === undefined) return undefined
  try {
    return identify(yield* readBytes(handle))
  } finally {
    yield* closeHandle(handle)
  }
}

function* shards(context: Context): Operation<[string, string][]> {
  const found: [string, string][] = []
  for (const outer of yield* shardNames(context)) {
    for (const inner of yield* shardNames(context, outer)) found.push([outer, inner])
  }
  return found
}

/** Keys and values that a listing gives, such as `a=A,b=B`. */
function* list(context: Context): Operation<string> {
  const found: string[] = []
  for (const [outer, inner] of yield* shards(context)) {
    const { infos } = yield* listShard(context, outer, inner)
    for (const { key, contentType } of infos) found.push(`${key}=${contentType ?? ''}`)
  }
  return found.sort().join()
}

function* clear(context: Context): Operation<void> {
  for (const [outer, inner] of yield* shards(context)) {
    yield* clearShard(context, outer, inner, context.durability)
  }
}

/** All of a sweep, one shard after the other; says what it removed. */
function* sweep(context: Context, graceMs: number): Operation<string> {
  const tour = sweepAll(context, { graceMs }, METER)
  let result: unknown
  for (;;) {
    const step = tour.next(result)
    if (step.done === true) return tellReport(step.value)
    const task = step.value
    if ('operation' in task) result = yield* task.operation
    else {
      for (const shard of yield* shards(context)) task.use(yield* task.visit(...shard))
    }
  }
}

const METER = new ProgressMeter({})

function tellReport(report: SweepReport): string {
  return Object.entries(report)
    .filter(([, { count }]) => count > 0)
    .map(([kind, { count }]) => `${kind}: ${count}`)
    .join()
}
