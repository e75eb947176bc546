import { statfs } from 'node:fs/promises'
import { availableParallelism, cpus, platform, release, totalmem } from 'node:os'
import type { Machine } from './results.js'

const FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0xef53, 'ext4'],
  [0x58465342, 'xfs'],
  [0x9123683e, 'btrfs'],
  [0x01021994, 'tmpfs'],
  [0x6969, 'nfs'],
  [0x794c7630, 'overlayfs'],
  [0x1a, 'apfs'],
])

/** Describes this machine, and the file system of a directory. */
export async function describeMachine(directory: string): Promise<Machine> {
  const { type } = await statfs(directory)
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()}`,
    fileSystem: FILE_SYSTEMS.get(type) ?? `type 0x${type.toString(16)}`,
  }
}
