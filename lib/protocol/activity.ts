/**
 * Activity: what a process does, told to whoever looks at the store, and the looking.
 *
 *     1  write a report under a private name       crash: a private name, for the sweep
 *     2  rename it to `activity.json` beside it    crash: it stays until the sweep
 *
 * So it is replaced whole, lies where no listing looks, tells like every private name that its
 * owner is alive, and goes with the other private names of a process that died. Whoever looks
 * changes nothing, and must not trust what it finds.
 */
import { constants as fsConstants } from 'node:fs'
import {
  close,
  fstat,
  open,
  quietly,
  read,
  rename,
  unlink,
  type Operation,
} from '../drivers/effects.js'
import { find, looksAbsent } from './absence.js'
import type { Context } from './context.js'
import { parentOf, revalidate } from './directories.js'
import { entries } from './list.js'
import {
  isInstanceName,
  noticeLostInstance,
  PRIVATE_DIRECTORY,
  readOnlyError,
} from './private-names.js'
import { stageBytes } from './stage.js'

/** What a report is called. Private names are numbers, so none is called so. */
const REPORT_NAME = 'activity.json'

/** A report is no longer. */
export const MAX_REPORT_BYTES = 64 * 1024

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fsConstants

/** Steps 1 and 2. */
export function* writeReport(context: Context, bytes: Buffer): Operation<void> {
  if (context.readOnly !== undefined) throw readOnlyError(context)
  const staged = yield* stageBytes(context, bytes, false)
  try {
    yield* rename(staged, `${parentOf(staged)}/${REPORT_NAME}`)
  } catch (error) {
    // This process was suspended and all its private names swept; the next report has a place.
    if (looksAbsent(error) && (yield* noticeLostInstance(context))) return
    yield* quietly(unlink(staged))
    throw error
  }
}

/** Removes the report of this store. */
export function* removeReport({ instance }: Context): Operation<void> {
  if (instance?.made === true) yield* quietly(unlink(`${instance.path}/${REPORT_NAME}`))
}

/** An opened store, as it is seen from outside. */
export interface FoundInstance {
  /** The name of its private directory. */
  readonly name: string
  /** When it last gave a sign of life, by the clock of the file system. */
  readonly aliveAtMs: number
  /** Private names that it has. */
  readonly names: number
  readonly report: FoundReport | undefined
}

/** What lies where a report belongs. */
export interface FoundReport {
  readonly bytes: Buffer
  readonly writtenAtMs: number
}

/** All opened stores but this one that have a private directory, with their reports. */
export function* findInstances(context: Context): Operation<FoundInstance[]> {
  const privateRoot = `${context.root}/${PRIVATE_DIRECTORY}`
  if (context.fresh) yield* revalidate(privateRoot, context.root)
  const found: FoundInstance[] = []
  for (const name of (yield* entries(privateRoot)).filter(isInstanceName)) {
    const path = `${privateRoot}/${name}`
    if (path === context.instance?.path) continue
    if (context.fresh) yield* revalidate(path, context.root)
    const own = yield* find(path)
    if (own?.isDirectory() !== true) continue
    const names = (yield* entries(path)).filter((entry) => entry !== REPORT_NAME).length
    const report = yield* readReport(`${path}/${REPORT_NAME}`)
    found.push({ name, aliveAtMs: own.mtimeMs, names, report })
  }
  return found
}

/** Undefined where there is none, and where what lies there is none. */
function* readReport(path: string): Operation<FoundReport | undefined> {
  let fd: number
  try {
    // What lies there may be another user's: no link is followed, and no pipe waited for.
    fd = yield* open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } catch {
    return undefined
  }
  try {
    const file = yield* fstat(fd)
    if (!file.isFile() || file.size > MAX_REPORT_BYTES) return undefined
    const bytes = Buffer.alloc(file.size)
    const count = yield* read(fd, bytes, 0, bytes.length, 0)
    return { bytes: bytes.subarray(0, count), writtenAtMs: file.mtimeMs }
  } catch {
    return undefined
  } finally {
    yield* quietly(close(fd))
  }
}
