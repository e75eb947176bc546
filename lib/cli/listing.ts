import { Option } from 'commander'
import type { ObjectInfo, Store } from '../../index.js'
import { hasCode } from './failure.js'
import { counted } from './figures.js'
import { parseText } from './option-values.js'
import type { ProgressBar } from './progress-bar.js'
import type { Session } from './session.js'

/** What a command that goes through the objects is told of them. */
export interface SelectionFlags {
  readonly glob?: string
}

/** Which objects are meant. */
export interface Selection {
  /** What their keys begin with; undefined if no key can be meant. */
  readonly prefix: string | undefined
  readonly matches: (key: string) => boolean
}

/** Some objects of a store, for a command. */
export interface Objects {
  readonly session: Session
  readonly store: Store
  readonly selection: Selection
}

export const DEFAULT_SEPARATOR = '/'

/** Characters that can begin something else than themselves in a pattern. */
const SPECIAL = /[*?[\]{}()!+@\\]/

export function globOption(): Option {
  const what = "only keys that match this pattern, such as 'photos/**/*.jpg'"
  return new Option('--glob <pattern>', what).argParser(parseText)
}

export function separatorOption(): Option {
  const what = `what divides keys into directories; default: ${DEFAULT_SEPARATOR}`
  return new Option('--separator <text>', what).argParser(parseText)
}

/** Only what begins with the prefix and matches the pattern. */
export async function selectionOf(
  prefix: string | undefined,
  { glob }: SelectionFlags,
): Promise<Selection> {
  if (glob === undefined) return { prefix: prefix ?? '', matches: () => true }
  const { default: picomatch } = await import('picomatch')
  // A key is no path: nothing is hidden, no character special, and `./` at the beginning is text.
  const options = { dot: true, strictSlashes: true, nonegate: true, posix: true, flags: 's' }
  const matches = picomatch(glob.replace(/^\.\//, '\\./'), options)
  return { prefix: narrower(prefix ?? '', literalBeginning(glob)), matches: (key) => matches(key) }
}

function literalBeginning(glob: string): string {
  // What stands behind it may be all that is wanted.
  if (glob.includes('|')) return ''
  const at = glob.search(SPECIAL)
  return at === -1 ? glob : glob.slice(0, at)
}

function narrower(one: string, other: string): string | undefined {
  if (one.startsWith(other)) return one
  return other.startsWith(one) ? other : undefined
}

/**
 * Calls `each` for every selected object, in no particular order. Returns what was found to be
 * damaged: it is to be thrown when the others have been shown.
 */
export async function eachObject(
  { session, store, selection: { prefix, matches } }: Objects,
  each: (info: ObjectInfo) => void | Promise<void>,
): Promise<unknown> {
  if (prefix === undefined) return undefined
  try {
    for await (const info of store.list({ prefix, signal: session.signal })) {
      if (!matches(info.key)) continue
      const pause = each(info)
      if (pause !== undefined) await pause
    }
  } catch (error) {
    if (hasCode(error, 'CORRUPT')) return error
    throw error
  }
  return undefined
}

/** The same for what can only be shown when all are known; a bar says how far it has come. */
export async function gatherObjects(
  objects: Objects,
  add: (info: ObjectInfo) => void,
): Promise<unknown> {
  const { ProgressBar } = await import('./progress-bar.js')
  const { hashKey } = await import('../../index.js')
  const bar = new ProgressBar('listing')
  objects.session.show(bar)
  let count = 0
  const damage = await eachObject(objects, (info) => {
    add(info)
    count += 1
    if (bar.enabled) drawProgress(bar, hashKey(info.key), count)
  })
  bar.clear()
  return damage
}

/** Directories are read in the order of the hashes, so these tell how far it is. */
function drawProgress(bar: ProgressBar, hash: string, count: number): void {
  bar.update(Number.parseInt(hash.slice(0, 8), 16) / 2 ** 32, counted(count, 'object'))
}
