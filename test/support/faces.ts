/** One store through both of its faces, so that a test can ask the same of each. */
import { existsSync, readdirSync } from 'node:fs'
import type { Test } from 'tap'
import { open, openSync, type OpenOptions, type Store, type SyncStore } from '../../index.js'
import { scratchDirectory } from './surroundings.js'

/** A store in a directory of its own. */
export interface Faces {
  readonly root: string
  readonly store: Store
  readonly sync: SyncStore
}

/** Opens one; it goes when the test ends. */
export async function bothFaces(t: Test, options: OpenOptions = {}): Promise<Faces> {
  const root = `${await scratchDirectory(t)}/store`
  const store = await open(root, { durability: 'none', ...options })
  const sync = openSync(root, { durability: 'none', ...options })
  t.teardown(async () => {
    await store.close()
    if (existsSync(root)) sync.close()
  })
  return { root, store, sync }
}

/** What a call that should fail fails with, at once or later; what it returned if it does not. */
export async function failureOf(call: () => unknown): Promise<unknown> {
  try {
    return `returned ${String(await call())}`
  } catch (error) {
    return error
  }
}

/** Goes through all of an iterable, synchronous or not. */
export async function drain(values: AsyncIterable<unknown> | Iterable<unknown>): Promise<number> {
  let count = 0
  for await (const _ of values) count += 1
  return count
}

/** What is left under private names: of a store at rest nothing should be. */
export function privateFiles(root: string): string[] {
  if (!existsSync(`${root}/.tmp`)) return []
  const entries = readdirSync(`${root}/.tmp`, { withFileTypes: true, recursive: true })
  return entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name)
}
