/** This package, by its two faces. */
import { open, openSync, type OpenOptions, type SyncOpenOptions } from '../../index.js'
import type { Subject } from './subject.js'

export async function storeSubject(directory: string, options: OpenOptions): Promise<Subject> {
  // A sweep in the background would be measured as well.
  const store = await open(directory, { ...options, sweep: false })
  return {
    get: (key) => store.get(key),
    set: (key, value) => store.set(key, value),
    close: () => store.close(),
  }
}

export function syncStoreSubject(directory: string, options: SyncOpenOptions): Subject {
  const store = openSync(directory, options)
  return {
    get: (key) => store.get(key),
    set: (key, value) => store.set(key, value),
    close: () => store.close(),
  }
}
