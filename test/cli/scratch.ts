import type { Test } from 'tap'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { openSync, type SyncSetOptions } from '../../index.js'
import { linkstore, type How, type Outcome } from './command.js'

/** What a terminal would act on, or hide. */
export const HARMFUL = /[\p{Cc}\p{Cf}]/u
/** More than fits into a pipe, or into one read. */
export const FIVE_MEGABYTES = Buffer.alloc(
  5_000_000,
  Uint8Array.from({ length: 256 }, (_, i) => i),
)

// Trees are expected with the modes that are usual.
process.umask(0o022)

/** More than an import or export reads at once. */
export const LARGE = Buffer.alloc(700_000, 'large ')

/** A scratch directory. */
export interface Scratch {
  readonly dir: string
  /** Where a tree goes that is imported. */
  readonly tree: string
  /** Where an export may go; it is not there. */
  readonly out: string
  /** Where the store goes; it is not there. */
  readonly store: string
  /** Runs the command there, on that store. */
  readonly run: (words: readonly string[], how?: How) => Promise<Outcome>
}

/** Makes a scratch directory, with a tree in it if that is asked for. */
export function scratch(t: Test, content: Parameters<Test['testdir']>[0] = {}): Scratch {
  const dir = t.testdir(content)
  const store = join(dir, 'store')
  const env = { LINKSTORE_DIR: store }
  return {
    dir,
    tree: join(dir, 'tree'),
    out: join(dir, 'out'),
    store,
    run: (words, how = {}) => linkstore(words, { cwd: dir, env, ...how }),
  }
}

/** Stores values, all with the same options. */
export function fill(
  store: string,
  values: Readonly<Record<string, string>>,
  options: SyncSetOptions = {},
): void {
  const objects = openSync(store, { durability: 'none' })
  for (const [key, value] of Object.entries(values)) objects.set(key, value, options)
  objects.close()
}

/** Private names that are left in a store. */
export function leftovers(store: string): string[] {
  return existsSync(join(store, '.tmp')) ? readdirSync(join(store, '.tmp')) : []
}

/** Checks each case, two at a time: starting a process is most of what they do. */
export async function eachCase<T>(
  cases: readonly T[],
  check: (one: T) => Promise<void>,
): Promise<void> {
  const left = [...cases]
  const work = async (): Promise<void> => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) await check(one)
  }
  await Promise.all([work(), work()])
}

/** What a command says when it fails: one line, harmless, that begins with its name. */
export function isOneLine(text: string): boolean {
  return /^linkstore: [^\n]+\n$/.test(text) && !HARMFUL.test(text.slice(0, -1))
}

/** Waits until something is so, but not for ever. */
export async function until(isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 10_000; i += 1) {
    if (isSo()) return
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  throw new Error('it did not happen within twenty seconds')
}
