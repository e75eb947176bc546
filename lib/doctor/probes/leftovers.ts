import type { Stats } from 'node:fs'
import { lstat, opendir } from 'node:fs/promises'
import type { Leftovers } from '../facts.js'
import { codeOf } from '../outcome.js'
import { isPrivateEntry, PRIVATE_DIRECTORY } from '../../protocol/private-names.js'

/** What a sweep leaves alone: private names of stores that have been active within this time. */
export const GRACE_MS = 60 * 60 * 1000
const MAX_ENTRIES = 20_000

/** What is counted. */
interface Count {
  files: number
  bytes: number
  abandonedFiles: number
  abandonedBytes: number
  oldestMs: number
  entries: number
}

/**
 * Counts the private names in a directory, changing nothing.
 *
 * @param nowMs - the time on the clock of the file system
 */
export async function leftoversOf(
  root: string,
  own: readonly string[],
  nowMs: number,
  timeMs: number,
  signal: AbortSignal,
): Promise<Leftovers> {
  const count: Count = {
    ...{ files: 0, bytes: 0, abandonedFiles: 0, abandonedBytes: 0 },
    ...{ oldestMs: Infinity, entries: 0 },
  }
  const endMs = performance.now() + timeMs
  const isOver = (): boolean => {
    signal.throwIfAborted()
    count.entries += 1
    return count.entries > MAX_ENTRIES || performance.now() > endMs
  }
  let isComplete = true
  for await (const directory of privateDirectories(root, own)) {
    isComplete &&= await countDirectory(directory, nowMs, count, isOver)
    if (!isComplete) break
  }
  const { files, bytes, abandonedFiles, abandonedBytes, oldestMs } = count
  const oldestAgeMs = oldestMs === Infinity ? undefined : Math.max(0, Math.round(nowMs - oldestMs))
  return { files, bytes, abandonedFiles, abandonedBytes, oldestAgeMs, isComplete }
}

/** Directories of private names: those in `.tmp`, and those that are about to become shards. */
async function* privateDirectories(root: string, own: readonly string[]): AsyncGenerator<string> {
  for await (const name of namesIn(root)) {
    const isOther = name !== PRIVATE_DIRECTORY && isPrivateEntry(name) && !own.includes(name)
    if (isOther) yield `${root}/${name}`
  }
  for await (const name of namesIn(`${root}/${PRIVATE_DIRECTORY}`)) {
    yield `${root}/${PRIVATE_DIRECTORY}/${name}`
  }
}

/** Counts one directory; says whether it came to its end. */
async function countDirectory(
  directory: string,
  nowMs: number,
  count: Count,
  isOver: () => boolean,
): Promise<boolean> {
  const own = await find(directory)
  if (own === undefined) return true
  let newestMs = own.mtimeMs
  const [files, bytes] = [count.files, count.bytes]
  const look = (file: Stats | undefined): void => {
    if (file?.isFile() !== true) return
    count.files += 1
    if (file.nlink === 1) {
      count.bytes += file.size
      newestMs = Math.max(newestMs, file.mtimeMs)
      count.oldestMs = Math.min(count.oldestMs, file.mtimeMs)
      return
    }
    // A second name of an object that is alive takes no room, and has the time of its writing.
    count.oldestMs = Math.min(count.oldestMs, file.ctimeMs)
  }
  let isComplete = true
  // SOS has files where others have directories.
  if (!own.isDirectory()) look(own)
  else {
    for await (const name of namesIn(directory)) {
      if (isOver()) {
        isComplete = false
        break
      }
      look(await find(`${directory}/${name}`))
    }
  }
  if (nowMs - newestMs > GRACE_MS) {
    count.abandonedFiles += count.files - files
    count.abandonedBytes += count.bytes - bytes
  }
  return isComplete
}

async function* namesIn(path: string): AsyncGenerator<string> {
  try {
    for await (const { name } of await opendir(path)) yield name
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes(codeOf(error))) throw error
  }
}

async function find(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}
