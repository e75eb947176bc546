/** Plain files, one per key, in one directory: what is written by hand. */
import { link, readFile, rename, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { lock } from 'proper-lockfile'
import writeFileAtomic from 'write-file-atomic'
import type { Subject } from './subject.js'

type Write = (path: string, value: Buffer) => Promise<unknown>

export function fileSubject(directory: string, write: Write): Subject {
  return {
    get: (key) => orUndefined(readFile(join(directory, key))),
    set: (key, value) => write(join(directory, key), value),
    close: () => undefined,
  }
}

export const writeFlushed: Write = (path, value) => writeFileAtomic(path, value)

export const writeUnflushed: Write = (path, value) => writeFileAtomic(path, value, { fsync: false })

/** The least that keeps readers from seeing half a file, if nobody else writes it meanwhile. */
export async function writeAndRename(path: string, value: Buffer): Promise<void> {
  await writeFile(`${path}.tmp`, value)
  await rename(`${path}.tmp`, path)
}

/** A private hard link, as linkstore makes one, by what Node offers first. */
export function linkingSubject(directory: string): Subject {
  let count = 0
  const readLinked = async (path: string): Promise<Buffer> => {
    const name = join(directory, `.private-${(count += 1)}`)
    await link(path, name)
    try {
      return await readFile(name)
    } finally {
      await unlink(name)
    }
  }
  return {
    ...fileSubject(directory, writeAndRename),
    get: (key) => orUndefined(readLinked(join(directory, key))),
  }
}

/** Each guarded by a lock: the usual way where several processes share a file. */
export function lockedSubject(directory: string): Subject {
  const locked = async <T>(path: string, use: () => Promise<T>): Promise<T> => {
    const unlock = await lock(path, { realpath: false })
    try {
      return await use()
    } finally {
      await unlock()
    }
  }
  return {
    get: (key) => {
      const path = join(directory, key)
      return orUndefined(locked(path, () => readFile(path)))
    },
    set: (key, value) => {
      const path = join(directory, key)
      return locked(path, () => writeFile(path, value))
    },
    close: () => undefined,
  }
}

async function orUndefined(reading: Promise<Buffer>): Promise<Buffer | undefined> {
  try {
    return await reading
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
