/**
 * Push: a job is written whole and then joins those that wait.
 *
 *     1  stage it (stage.ts)                      crash: a private file, for the sweep
 *     2  where it has a key, take that            crash: an orphan, once that is swept; a push
 *        (queue-keys.ts)                          with the same key is refused until then
 *     3  rename it into `ready`, to a name that   crash: it is pushed
 *        nobody else has
 *     4  flush that directory, and the parents    crash: without this a power cut may undo the
 *        of directories just made (full)          push
 *
 * It is due by the clock of the host that pushes it, and compared with that of the host that
 * claims it.
 */
import { StoreError } from '../errors.js'
import { background, checkpoint, quietly, rename, type Operation } from '../drivers/effects.js'
import type { Attributes } from '../object-info.js'
import type { Source } from '../source.js'
import { exists, looksAbsent, MAX_ATTEMPTS } from './absence.js'
import type { Context, Durability } from './context.js'
import { readOnlyError } from './private-names.js'
import { commitNames } from './publish.js'
import { isKeyTaken, releaseKey, takeKey } from './queue-keys.js'
import {
  hasArrived,
  makeQueue,
  namesIn,
  parseClaimed,
  readyPath,
  type JobName,
  type QueuePath,
} from './queue.js'
import { removeFile } from './removal.js'
import { stage, type Staged } from './stage.js'

/** How a job is pushed. */
export interface PushHow {
  readonly delayMs: number
  /** The hash of the key that keeps out a second such job. */
  readonly keyHash: string | undefined
  readonly durability: Durability
}

const NO_ATTRIBUTES: Attributes = {
  contentType: undefined,
  metadata: {},
  ttlMs: undefined,
  expiresAtMs: undefined,
}

/** Pushes a job; returns its id, or undefined when there is one with its key. */
export function* push(
  context: Context,
  queue: QueuePath,
  source: Source,
  how: PushHow,
): Operation<string | undefined> {
  const { keyHash, durability } = how
  if (context.readOnly !== undefined) throw readOnlyError(context)
  if (keyHash !== undefined && (yield* isKeyTaken(context, queue, keyHash))) return undefined
  const staged = yield* stage(context, queue.key, source, NO_ATTRIBUTES, durability)
  const changed: string[] = []
  try {
    yield* checkpoint()
    if (keyHash !== undefined) {
      if (!(yield* takeKey(context, queue, keyHash, staged, changed))) {
        yield* background(removeFile(staged.path))
        return undefined
      }
      changed.push(queue.keys)
    }
    const job = jobOf(context, staged, how)
    yield* enterReady(context, queue, staged, job, changed)
    yield* commitNames(context, durability, [queue.ready, ...changed])
    return job.id
  } catch (error) {
    yield* quietly(withdraw(context, queue, keyHash, staged))
    throw error
  }
}

function jobOf(context: Context, staged: Staged, { delayMs, keyHash }: PushHow): JobName {
  const id = staged.info.version
  if (id === undefined)
    throw new StoreError('NOT_SUPPORTED', 'the raw format has no queues; use a store of envelopes')
  return { timeMs: Math.trunc(context.now() + delayMs), id, keyHash, attempts: 0 }
}

/** Step 3. */
function* enterReady(
  context: Context,
  queue: QueuePath,
  staged: Staged,
  job: JobName,
  changed: string[],
): Operation<void> {
  const path = readyPath(queue, job)
  for (let attempt = 0; ; attempt += 1) {
    try {
      yield* rename(staged.path, path)
      return
    } catch (error) {
      if (!looksAbsent(error) || attempt === MAX_ATTEMPTS) throw error
      if (yield* hasArrived(context, path)) return
      if (yield* isClaimed(context, queue, job)) return
      // More than once: another store may just replace an empty directory by one with its mode.
      changed.push(...(yield* makeQueue(context, queue)))
      if (!(yield* exists(staged.path))) throw unknownOutcome(staged, error)
    }
  }
}

/** Whether somebody has claimed a job already, though the reply of its rename was lost. */
function* isClaimed(context: Context, queue: QueuePath, { id }: JobName): Operation<boolean> {
  const names = yield* namesIn(context, queue.claimed)
  return names.some((name) => parseClaimed(name)?.id === id)
}

/** Undoes steps 1 and 2, unless the job has been published: its private name is gone then. */
function* withdraw(
  context: Context,
  queue: QueuePath,
  keyHash: string | undefined,
  staged: Staged,
): Operation<void> {
  if (!(yield* exists(staged.path))) return
  yield* releaseKey(context, queue, keyHash, staged.path)
  yield* removeFile(staged.path)
}

/** A rename was done whose reply was lost, and the job is done by now; or it was swept away. */
function unknownOutcome(staged: Staged, cause: unknown): StoreError {
  const message = 'it is not known whether the job was pushed: its private file is gone'
  return new StoreError('UNAVAILABLE', `${message}; push it again if twice does no harm`, {
    path: staged.path,
    cause,
  })
}
