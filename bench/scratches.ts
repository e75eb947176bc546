/** The directories that are measured in: nothing of them is left behind. */
import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { access, constants, mkdtemp, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Scratch } from './questions/question.js'

const FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0xef53, 'ext4'],
  [0x58465342, 'xfs'],
  [0x9123683e, 'btrfs'],
  [0x01021994, 'tmpfs'],
  [0x6969, 'nfs'],
  [0x794c7630, 'overlayfs'],
  [0x1a, 'apfs'],
])

/** Where Linux has a file system in memory. */
const MEMORY_PATH = '/dev/shm'

const SIGNALS = { SIGINT: 2, SIGTERM: 15 } as const

/** Gives a directory in memory, where that can be had, and one where TMPDIR says. */
export async function withScratches<T>(use: (scratches: Scratch[]) => Promise<T>): Promise<T> {
  const scratches: Scratch[] = []
  const stop = (signal: keyof typeof SIGNALS): never => {
    for (const { path } of scratches) rmSync(path, { recursive: true, force: true })
    process.exit(128 + SIGNALS[signal])
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
  try {
    for (const parent of await parents()) {
      const path = await mkdtemp(join(parent, 'linkstore-bench-'))
      scratches.push({ path, fileSystem: await fileSystemOf(path) })
    }
    return await use(scratches)
  } finally {
    for (const { path } of scratches) await removeTree(path)
    process.off('SIGINT', stop).off('SIGTERM', stop)
  }
}

/** A directory in a scratch that is removed after its use. */
export async function withPlace<T>(
  { path }: Scratch,
  use: (place: string) => Promise<T>,
): Promise<T> {
  const place = await mkdtemp(join(path, 'place-'))
  try {
    return await use(place)
  } finally {
    await removeTree(place)
  }
}

/** The scratch that is on a disk, where there is one. */
export function onDisk(scratches: readonly Scratch[]): Scratch {
  return scratches.find(({ fileSystem }) => fileSystem !== 'tmpfs') ?? anywhere(scratches)
}

/** The quickest scratch, for what does not depend on the file system. */
export function anywhere([first]: readonly Scratch[]): Scratch {
  if (first === undefined) throw new Error('there is no scratch directory')
  return first
}

/** Removes a directory with all that is in it, by what is quickest at it. */
export async function removeTree(path: string): Promise<void> {
  await promisify(execFile)('rm', ['-rf', path])
}

async function parents(): Promise<string[]> {
  const disk = tmpdir()
  if ((await fileSystemOf(disk)) === 'tmpfs') return [disk]
  return (await isUsableMemory()) ? [MEMORY_PATH, disk] : [disk]
}

async function isUsableMemory(): Promise<boolean> {
  try {
    await access(MEMORY_PATH, constants.W_OK)
    return (await fileSystemOf(MEMORY_PATH)) === 'tmpfs'
  } catch {
    return false
  }
}

async function fileSystemOf(path: string): Promise<string> {
  const { type } = await statfs(path)
  return FILE_SYSTEMS.get(type) ?? `type 0x${type.toString(16)}`
}
