import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dir } from 'tmp-promise'

/** Does some work in a new directory that goes afterwards. */
export async function inScratch<T>(work: (path: string) => Promise<T>): Promise<T> {
  // In memory where there is some to be had: what is flushed there costs nothing.
  const parent = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
  const { path, cleanup } = await dir({
    tmpdir: parent,
    prefix: 'linkstore-test',
    unsafeCleanup: true,
  })
  try {
    return await work(path)
  } finally {
    await cleanup()
  }
}
