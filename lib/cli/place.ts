import { fileURLToPath } from 'node:url'
import type { ObjectStore, OpenOptions, Store } from '../../index.js'

/** Whether a store is named by an URL: any other text is a directory, with colons in it or not. */
export function isUrl(place: string): boolean {
  return /^(?:[a-z][a-z0-9+.-]*:\/\/|(?:file|memory|s3):)/i.test(place)
}

/** The directory that a store is; undefined if it is none. */
export function pathOf(place: string): string | undefined {
  if (!isUrl(place)) return place
  if (!/^file:\/\/\//i.test(place) || !URL.canParse(place)) return undefined
  return fileURLToPath(`file://${new URL(place).pathname}`)
}

/** The same, for what works on the files of a directory only. */
export function requirePath(place: string): string {
  const path = pathOf(place)
  if (path !== undefined) return path
  throw new TypeError(`${place} is no directory, and this command looks at files; name one with -d`)
}

/** Opens a store by its directory or URL; the options are those of a directory. */
export async function openStoreAt(place: string, options: OpenOptions): Promise<Store> {
  if (isUrl(place)) {
    const { openUrl } = await import('../url.js')
    const { signal, ...directory } = options
    return await openUrl(place, { directory, signal })
  }
  const { open } = await import('../../index.js')
  return await open(place, options)
}

/** The same without the face of `Store`. */
export async function openObjectsAt(place: string, options: OpenOptions): Promise<ObjectStore> {
  if (isUrl(place)) {
    const { openObjects } = await import('../url.js')
    const { signal, ...directory } = options
    return await openObjects(place, { directory, signal })
  }
  const { directoryStore } = await import('../../index.js')
  return await directoryStore(place, options)
}
