/**
 * Queues: where their jobs lie, and what the names of these say.
 *
 * A queue is a directory, found by the hash of its name as an object is, with four in it:
 * `ready`, `claimed`, `dead` and `keys`. A job is one file, an envelope whose key is the queue's
 * name, and never changes; all that does change stands in its name, so that each step in its
 * life is one rename, which exactly one of any number of contenders can do:
 *
 *     ready/<due>-<id>[-<key>].<attempts>
 *     claimed/<due>-<id>[-<key>].<attempts>.<lease>.<claim>.<beat>
 *     dead/<buried>-<id>[-<key>].<attempts>.<burial>
 *     dead/<id>.<burial>.reason
 *
 * Times are milliseconds in 15 digits, so that names sort by them. `<id>` is the version of the
 * envelope, `<key>` the hash of what keeps a second such job out (queue-keys.ts), `<attempts>`
 * counts those that came to nothing; `<claim>` and `<burial>` are new each time, so that nobody
 * else has such a name.
 *
 * Steps of making a queue, before its first job:
 *
 *     1  make its directories, `ready` last       crash: some of them; the next push goes on
 *     2  flush their parents (full)
 *
 * They are never removed while the store lives.
 */
import type { ObjectKey } from '../key.js'
import { splitHash } from '../key.js'
import type { Operation } from '../drivers/effects.js'
import { readdir } from '../drivers/effects.js'
import { exists, readIfThere, requireStore } from './absence.js'
import type { Context, ObjectPath } from './context.js'
import { makeDirectories, parentOf, revalidate } from './directories.js'
import { privateName } from './private-names.js'
import { QUEUES_NAME } from './root.js'

/** The directories of a queue. */
export interface QueueRooms {
  /** `root/.queues/aa/bb/rest` */
  readonly path: string
  readonly ready: string
  readonly claimed: string
  readonly dead: string
  readonly keys: string
}

/** A queue, and where it lies. */
export interface QueuePath extends QueueRooms {
  readonly key: ObjectKey
}

/** What the name of a job says, wherever it lies. */
export interface JobName {
  /** When it is due; of a dead one, when it was buried. */
  readonly timeMs: number
  readonly id: string
  /** The hash of its key, as long as it has one. */
  readonly keyHash: string | undefined
  /** Attempts that came to nothing. */
  readonly attempts: number
}

/** What the name of a claimed job says. */
export interface ClaimName extends JobName {
  readonly leaseMs: number
  readonly claim: string
  /** How often the lease was extended. */
  readonly beat: number
}

/** What the name of a dead job says. */
export interface DeadName extends JobName {
  readonly burial: string
}

const JOB = '(\\d{15})-([0-9a-f]{32})(?:-([0-9a-f]{64}))?\\.(\\d{1,10})'
const READY = new RegExp(`^${JOB}$`)
const CLAIMED = new RegExp(`^${JOB}\\.(\\d{1,10})\\.([0-9a-f]{32})\\.(\\d{1,10})$`)
const DEAD = new RegExp(`^${JOB}\\.([0-9a-f]{32})$`)
const REASON = /^([0-9a-f]{32}\.[0-9a-f]{32})\.reason$/

/** The latest time that a name can say: in the year 33658. */
export const MAX_TIME_MS = 999_999_999_999_999

/** Where the queue of a name lies. */
export function locateQueue(context: Context, key: ObjectKey): QueuePath {
  const path = `${context.root}/${QUEUES_NAME}/${splitHash(key.hash).join('/')}`
  return { key, ...roomsOf(path) }
}

/** The directories of the queue that lies there. */
export function roomsOf(path: string): QueueRooms {
  return {
    path,
    ready: `${path}/ready`,
    claimed: `${path}/claimed`,
    dead: `${path}/dead`,
    keys: `${path}/keys`,
  }
}

/** A job's file as an object, for whoever reads it or proves it absent. */
export function jobObject(queue: QueuePath, path: string): ObjectPath {
  const { text, hash } = queue.key
  return { key: text, hash, outer: queue.path, shard: parentOf(path), path }
}

/** The path of a job that waits. */
export function readyPath(queue: QueueRooms, job: JobName): string {
  return `${queue.ready}/${jobText(job)}`
}

/** The path of a claimed job. */
export function claimedPath(queue: QueueRooms, name: ClaimName): string {
  const { leaseMs, claim, beat } = name
  return `${queue.claimed}/${jobText(name)}.${leaseMs}.${claim}.${beat}`
}

/** The path of a dead job. */
export function deadPath(queue: QueueRooms, name: DeadName): string {
  return `${queue.dead}/${jobText(name)}.${name.burial}`
}

/** Where it stands why a job is dead. */
export function reasonPath(queue: QueueRooms, { id, burial }: DeadName): string {
  return `${queue.dead}/${id}.${burial}.reason`
}

/** What the name of a waiting job says; undefined for anything else. */
export function parseReady(name: string): JobName | undefined {
  const match = READY.exec(name)
  return match === null ? undefined : jobOf(match)
}

/** The same of a claimed one. */
export function parseClaimed(name: string): ClaimName | undefined {
  const match = CLAIMED.exec(name)
  if (match === null) return undefined
  const [leaseMs, claim = '', beat] = match.slice(5)
  return { ...jobOf(match), leaseMs: Number(leaseMs), claim, beat: Number(beat) }
}

/** The same of a dead one. */
export function parseDead(name: string): DeadName | undefined {
  const match = DEAD.exec(name)
  return match === null ? undefined : { ...jobOf(match), burial: match[5] ?? '' }
}

/** The burial, as `<id>.<burial>`, that the name of a reason is about. */
export function parseReason(name: string): string | undefined {
  return REASON.exec(name)?.[1]
}

/**
 * What is in a directory of a queue now; nothing where the queue has not been made. A directory
 * that changes while it is read may give a name twice, so each is given once.
 */
export function* namesIn(context: Context, directory: string): Operation<string[]> {
  if (context.fresh) yield* revalidate(directory, context.root)
  const names = yield* readIfThere(directory, readdir)
  if (names !== undefined) return [...new Set(names)]
  yield* requireStore(context)
  return []
}

/**
 * Whether what was renamed has got there, to a name that is new: if it has, the rename was done,
 * and NFS lost the reply.
 */
export function* hasArrived(context: Context, path: string): Operation<boolean> {
  if (context.fresh) yield* revalidate(parentOf(path), context.root)
  return yield* exists(path)
}

/** Makes what there is not yet of a queue; returns the directories that gained an entry. */
export function* makeQueue(context: Context, queue: QueuePath): Operation<string[]> {
  yield* requireStore(context)
  const staging = yield* privateName(context)
  const inner = parentOf(queue.path)
  const outer = parentOf(inner)
  const { claimed, dead, keys, ready } = queue
  const paths = [parentOf(outer), outer, inner, queue.path, claimed, dead, keys, ready]
  const changed = yield* makeDirectories(context, paths, staging)
  if (context.fresh) yield* revalidate(ready, context.root)
  return changed
}

function jobText({ timeMs, id, keyHash, attempts }: JobName): string {
  const key = keyHash === undefined ? '' : `-${keyHash}`
  return `${String(timeMs).padStart(15, '0')}-${id}${key}.${attempts}`
}

function jobOf(match: RegExpExecArray): JobName {
  const [, timeMs, id = '', keyHash, attempts] = match
  return { timeMs: Number(timeMs), id, keyHash, attempts: Number(attempts) }
}
