import { Skip } from './tally.js'

/** Longer names no file system of ours takes; some cut them short instead of saying so. */
const MAX_NAME_BYTES = 255

/**
 * Where a key goes within the directory of an export.
 *
 * @throws Skip for a key that would leave the directory, or that is no path
 */
export function pathOfKey(key: string, isDirectory: boolean): string {
  const path = isDirectory && key.endsWith('/') ? key.slice(0, -1) : key
  if (path === '') throw new Skip('it gives the file no name')
  if (path.includes('\0')) throw new Skip('a file name cannot have a NUL')
  if (path.startsWith('/')) throw new Skip('it is an absolute path')
  if (path.endsWith('/')) throw new Skip('it ends in a slash, but is no empty directory')
  for (const name of path.split('/')) requireName(name)
  return path
}

function requireName(name: string): void {
  if (name === '') throw new Skip('it has two slashes in a row')
  if (name === '.' || name === '..') throw new Skip(`it has "${name}" in it`)
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) {
    throw new Skip(`a file name may have ${MAX_NAME_BYTES} bytes`)
  }
}
