import { execFileSync } from 'node:child_process'
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { SEARCH_PATH } from './requirements.js'

/** A file system that the lab makes. */
export type DiskFileSystem = 'ext4' | 'xfs' | 'btrfs'

/** What a disk is made of. */
export interface DiskOptions {
  /** Not given: the disk is left empty. */
  readonly fileSystem?: DiskFileSystem | undefined
  /** Default 512, which is enough for each file system; it takes no room before it is written. */
  readonly sizeMiB?: number
  /** Further arguments of `mkfs`, such as `['-N', '100']`. */
  readonly makeOptions?: readonly string[]
}

/** Arguments of mkfs.ext4, whose files then are stamped with whole seconds: a coarse clock. */
export const WHOLE_SECONDS = ['-I', '128']

const QUIET: Readonly<Record<DiskFileSystem, readonly string[]>> = {
  ext4: ['-q', '-F'],
  xfs: ['-q', '-f'],
  btrfs: ['-q', '-f'],
}

/** A directory of the machine, empty, that is gone after the test. */
export function scratchPath(t: Test): string {
  const path = mkdtempSync(join(tmpdir(), 'linkstore-lab-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** Makes the image of a disk, for a guest to be booted with, and gives its path. */
export function makeDisk(t: Test, options: DiskOptions = {}): string {
  const path = join(scratchPath(t), 'disk.img')
  formatDisk(path, options)
  return path
}

/** Makes the image anew, empty. No guest may be using it. */
export function formatDisk(path: string, options: DiskOptions = {}): void {
  const { fileSystem, sizeMiB = 512, makeOptions = [] } = options
  const descriptor = openSync(path, 'w')
  ftruncateSync(descriptor, sizeMiB * 2 ** 20)
  closeSync(descriptor)
  if (fileSystem === undefined) return
  execFileSync(`mkfs.${fileSystem}`, [...QUIET[fileSystem], ...makeOptions, path], {
    env: { ...process.env, PATH: SEARCH_PATH },
  })
}
