/**
 * Dead jobs: those that failed, or used up their attempts. They stay until somebody looks at them.
 *
 * Requeue:
 *
 *     1  rename the dead job to one of a new      crash: it is dead, and does not say why
 *        burial, which one of many contenders
 *        can, and knows, even if NFS loses the
 *        reply: nobody else has that name
 *     2  rename it into `ready`, due now,         crash: it waits, and its reason is left for
 *        without attempts                         the sweep
 *     3  remove the reason
 *     4  flush (full)
 *
 * Discard: step 1 with a private name, which is unlinked after step 3.
 */
import { constants as fsConstants } from 'node:fs'
import { background, close, fstat, open, rename, type Operation } from '../drivers/effects.js'
import { isAbsent, looksAbsent, MAX_ATTEMPTS, restless } from './absence.js'
import type { Context, Durability } from './context.js'
import { readExactly } from './load.js'
import { openPrivate } from './pin.js'
import { nextVersion, noticeLostInstance, privateName, readOnlyError } from './private-names.js'
import { commitNames } from './publish.js'
import { always, finishBurial } from './queue-settle.js'
import {
  deadPath,
  hasArrived,
  jobObject,
  namesIn,
  parseDead,
  readyPath,
  reasonPath,
  type DeadName,
  type QueuePath,
} from './queue.js'
import { handleOf, type Handle } from './read.js'
import { removeFile } from './removal.js'

const OPEN_REASON = fsConstants.O_RDONLY | fsConstants.O_NOFOLLOW | fsConstants.O_NONBLOCK

/** The dead jobs, in the order in which they died. */
export function* deadNames(context: Context, queue: QueuePath): Operation<DeadName[]> {
  const found: DeadName[] = []
  for (const name of (yield* namesIn(context, queue.dead)).sort()) {
    const dead = parseDead(name)
    if (dead === undefined) continue
    found.push(context.readOnly === undefined ? yield* finishBurial(context, queue, dead) : dead)
  }
  return found
}

/** Why a job is dead; undefined when the job is gone, or nothing says so. */
export function* readReason(
  context: Context,
  queue: QueuePath,
  dead: DeadName,
): Operation<string | undefined> {
  const path = reasonPath(queue, dead)
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    try {
      const fd = yield* open(path, OPEN_REASON)
      try {
        const { size } = yield* fstat(fd)
        return (yield* readExactly(jobObject(queue, path), fd, 0, size)).toString('utf8')
      } finally {
        yield* close(fd)
      }
    } catch (error) {
      if (!looksAbsent(error)) throw error
      if (yield* isAbsent(context, jobObject(queue, path))) return undefined
    }
  }
  throw restless(jobObject(queue, path))
}

/** Opens a dead job; undefined when it is gone. */
export function* openDead(
  context: Context,
  queue: QueuePath,
  dead: DeadName,
): Operation<Handle | undefined> {
  const object = jobObject(queue, deadPath(queue, dead))
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const pinned = yield* openPrivate(object, object.path)
    if (pinned !== undefined) {
      return yield* handleOf(context, object, { fd: pinned.fd, privatePath: undefined })
    }
    if (yield* isAbsent(context, object)) return undefined
  }
  throw restless(object)
}

/** Lets a dead job wait again; says whether this did it. */
export function* requeue(
  context: Context,
  queue: QueuePath,
  dead: DeadName,
  durability: Durability,
): Operation<boolean> {
  const reburied = { ...dead, burial: nextVersion(context) }
  const own = yield* moveDead(context, queue, dead, always(deadPath(queue, reburied)))
  if (own === undefined) return false
  const timeMs = Math.trunc(context.now())
  const job = { ...reburied, timeMs, attempts: 0 }
  yield* moveDead(context, queue, reburied, always(readyPath(queue, job)))
  yield* removeFile(reasonPath(queue, dead))
  yield* commitNames(context, durability, [queue.ready, queue.dead])
  return true
}

/** Removes a dead job; says whether this did it. */
export function* discard(
  context: Context,
  queue: QueuePath,
  dead: DeadName,
  durability: Durability,
): Operation<boolean> {
  const aside = yield* moveDead(context, queue, dead, () => privateName(context))
  if (aside === undefined) return false
  yield* removeFile(reasonPath(queue, dead))
  yield* commitNames(context, durability, [queue.dead])
  yield* background(removeFile(aside))
  return true
}

function* moveDead(
  context: Context,
  queue: QueuePath,
  dead: DeadName,
  nameTarget: () => Operation<string>,
): Operation<string | undefined> {
  if (context.readOnly !== undefined) throw readOnlyError(context)
  const object = jobObject(queue, deadPath(queue, dead))
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const target = yield* nameTarget()
    try {
      yield* rename(object.path, target)
      return target
    } catch (error) {
      if (!looksAbsent(error)) throw error
    }
    if (yield* hasArrived(context, target)) return target
    if (yield* isAbsent(context, object)) return undefined
    yield* noticeLostInstance(context)
  }
  throw restless(object)
}
