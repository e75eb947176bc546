/** What processes leave behind that died in the middle, made by hand. */
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { hashKey } from '../../index.js'

export const HOUR_MS = 60 * 60 * 1000

/** Where the object of a key lies. */
export function placeOf(root: string, key: string): string {
  const hash = hashKey(key)
  return join(root, hash.slice(0, 2), hash.slice(2, 4), hash.slice(4))
}

/** What lies under private names at the moment, of all stores that are open. */
export function privateNames(root: string): string[] {
  const directory = join(root, '.tmp')
  return readdirSync(directory).flatMap((name) => readdirSync(join(directory, name)))
}

/**
 * Waits, not for ever, until so many private names are there, and tells how many are.
 *
 * @param looks - how many looks in a row must find them, 10 ms apart: some are let go of in the
 *   background, and what is about to be pinned has no name yet
 */
export async function untilPrivateNames(root: string, count: number, looks = 10): Promise<number> {
  let found = privateNames(root).length
  let inARow = 1
  for (let tries = 0; tries < 500 && (found !== count || inARow < looks); tries += 1) {
    await setTimeout(10)
    const now = privateNames(root).length
    inARow = now === found ? inARow + 1 : 1
    found = now
  }
  return found
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
