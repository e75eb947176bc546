import { mkdtemp } from 'node:fs/promises'
import fs from 'fs-extra'
import { open, type Store } from '../../../index.js'
import { LocalFileError } from '../failure.js'
import { requireDirectory } from '../tree/places.js'

/** Makes a store in a directory, lets `work` use it, and removes it whatever happens. */
export async function withScratch<T>(
  directory: string,
  signal: AbortSignal,
  work: (store: Store, scratch: string) => Promise<T>,
): Promise<T> {
  const root = await makeScratch(await requireDirectory(directory))
  try {
    const files = `${root}/files`
    await fs.mkdir(files)
    // It must not look for what others have left while it is measured.
    const store = await open(`${root}/store`, { sweep: false, signal })
    try {
      return await work(store, files)
    } finally {
      await store.close().catch(() => undefined)
    }
  } finally {
    await fs.remove(root)
  }
}

async function makeScratch(directory: string): Promise<string> {
  try {
    return await mkdtemp(`${directory}/.linkstore-bench-`)
  } catch (error) {
    throw new LocalFileError('write to', directory, error)
  }
}
