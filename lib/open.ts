import { directoryStore } from './backends/directory.js'
import type { OpenOptions } from './backends/opening.js'
import { Store } from './store.js'

/**
 * Opens a directory as a store; makes both if they are not there. Nothing in it is ever deleted
 * by opening it.
 *
 * @param path - the directory, on a local disk or a volume shared with other hosts
 * @throws StoreError `NOT_A_STORE` for a file, a directory with other things in it, or with
 *   `create: false` one that is not there; `FORMAT_UNSUPPORTED` for a newer or another format;
 *   `NOT_SUPPORTED` where a new store is asked for on a file system without hard links
 */
export async function open(path: string, options?: OpenOptions): Promise<Store> {
  const directory = await directoryStore(path, options)
  return new Store(directory, directory, directory)
}
