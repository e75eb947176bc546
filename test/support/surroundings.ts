/** What a machine may lack, and directories that go with the test. */
import { spawnSync } from 'node:child_process'
import { accessSync, constants, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import type { Test } from 'tap'
import { dir } from 'tmp-promise'

// Tests say which modes they expect where nobody asked for others.
process.umask(0o022)

const MEMORY_PATH = '/dev/shm'
const TMPFS_TYPE = 0x01021994
const EXT4_TYPE = 0xef53

/** A new directory outside the project, removed with whatever is in it when the test ends. */
export async function scratchDirectory(t: Test, parent = tmpdir()): Promise<string> {
  const { path, cleanup } = await dir({
    tmpdir: parent,
    prefix: 'linkstore-test',
    unsafeCleanup: true,
    mode: 0o755,
  })
  t.teardown(cleanup)
  return path
}

/** The file systems that tests of races run on, each with the reason to leave it out. */
export const FILE_SYSTEMS = [
  {
    name: 'the local disk',
    parent: tmpdir(),
    /** Whether a link to a file that is replaced is known to fail here every so often. */
    showsRace: typeOf(tmpdir()) === EXT4_TYPE,
    skip: false,
  },
  {
    name: 'tmpfs',
    parent: MEMORY_PATH,
    showsRace: true,
    skip: typeOf(MEMORY_PATH) === TMPFS_TYPE ? false : `no tmpfs at ${MEMORY_PATH}`,
  },
] as const

/** Reasons to skip a test here; false where it can run. */
export const WITHOUT_ROOT = process.getuid?.() === 0 ? false : 'needs root'
export const WITHOUT_STRACE = runs('strace', '-o', '/dev/null', 'true') ? false : 'needs strace'
export const WITHOUT_MOUNTS =
  WITHOUT_ROOT || (runs('unshare', '-m', 'true') ? false : 'needs to make mounts')

/** The type of a file system that can be written to. */
function typeOf(path: string): number | undefined {
  try {
    accessSync(path, constants.W_OK)
    return statfsSync(path).type
  } catch {
    return undefined
  }
}

function runs(command: string, ...values: string[]): boolean {
  return spawnSync(command, values, { stdio: 'ignore' }).status === 0
}
