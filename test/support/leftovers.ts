/** What processes leave behind that died in the middle, made by hand. */
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hashKey } from '../../index.js'

export const HOUR_MS = 60 * 60 * 1000

/** Where the object of a key lies. */
export function placeOf(root: string, key: string): string {
  const hash = hashKey(key)
  return join(root, hash.slice(0, 2), hash.slice(2, 4), hash.slice(4))
}

/** Lets a file or directory look as if it had last been touched so long ago. */
export function age(path: string, byMs: number): void {
  const atS = (Date.now() - byMs) / 1000
  utimesSync(path, atS, atS)
}

/** The directory of a process that died, with these files in it. */
export function leaveBehind(
  root: string,
  files: Record<string, string>,
  { id = 'd', ageMs = 2 * HOUR_MS } = {},
): string {
  const directory = join(root, '.tmp', `pod-7-${id.repeat(32)}`)
  mkdirSync(directory, { recursive: true })
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(directory, name), content)
    age(join(directory, name), ageMs)
  }
  age(directory, ageMs)
  return directory
}
