/** The verbs whose calls are counted, and the store on which each is done. */
import { rmSync } from 'node:fs'
import {
  openSync,
  type Durability,
  type Format,
  type OpenOptions,
  type Store,
  type SyncStore,
  type SyncStoredObject,
} from '../../index.js'
import { KEY, NEIGHBOUR, TARGET } from '../injection/verbs.js'
import { drain } from '../support/faces.js'

/** One verb on one kind of store. */
export interface Verb {
  readonly title: string
  /** What is measured is the opening itself, of nothing or of a store that is there. */
  readonly opens?: 'nothing' | 'a store'
  readonly format?: Format
  readonly options?: OpenOptions
  /** What is there before, beside the neighbour: by default an object of {@link KEY}. */
  readonly prepare?: (store: SyncStore) => unknown
  /** What the store that is used does before. */
  readonly warm?: (store: Store) => unknown
  readonly act?: (store: Store) => unknown
}

const HOUR_MS = 3_600_000
const LARGE = Buffer.alloc(300_000, 'large')
const CACHE = { cache: { maxBytes: 1e6 } }
const BY_OPEN = { reads: 'open' } as const

const nothing = (): void => undefined
const setLarge = (store: SyncStore): unknown => store.set(KEY, LARGE)
const setBoth = (store: SyncStore): void => {
  for (const key of [KEY, TARGET]) store.set(key, 'old')
}
const get = (store: Store): unknown => store.get(KEY)
const set = (durability: Durability, key = KEY) => ({
  act: (store: Store): unknown => store.set(key, 'new', { durability }),
})
const makeExpiring = (store: SyncStore): void => {
  store.set(KEY, 'old')
  store.set(NEIGHBOUR, 'old', { ttlMs: HOUR_MS })
}

async function readRange(store: Store): Promise<void> {
  const object = (await store.read(KEY))!
  const range = { start: 100_000, end: 100_099 }
  const isSync = !('stream' in object)
  await drain(isSync ? (object as SyncStoredObject).pieces(range) : object.stream(range))
  await object.close()
}

const OPENING: readonly Verb[] = [
  { title: 'open of a new store', opens: 'nothing' },
  { title: 'open', opens: 'a store' },
  { title: 'close', act: (store) => store.close() },
]

const READING: readonly Verb[] = [
  { title: 'get', act: get },
  { title: 'get, large', prepare: setLarge, act: get },
  { title: 'get, absent', prepare: nothing, act: get },
  { title: "get with `reads: 'open'`", options: BY_OPEN, act: get },
  { title: "get with `reads: 'open'`, large", options: BY_OPEN, prepare: setLarge, act: get },
  { title: "get with `reads: 'open'`, absent", options: BY_OPEN, prepare: nothing, act: get },
  { title: 'get with `cache`, the first', options: CACHE, act: get },
  { title: 'get from memory', options: CACHE, warm: get, act: get },
  { title: 'get, raw', format: 'raw', act: get },
  { title: 'get, raw, large', format: 'raw', prepare: setLarge, act: get },
  { title: 'read, a range, and close', prepare: setLarge, act: readRange },
  { title: 'has', act: (store) => store.has(KEY) },
  { title: 'stat', act: (store) => store.stat(KEY) },
  { title: 'has or stat, absent', prepare: nothing, act: (store) => store.has(KEY) },
  { title: 'stat, raw', format: 'raw', act: (store) => store.stat(KEY) },
]

const WRITING: readonly Verb[] = [
  { title: 'set', ...set('full') },
  { title: "set with `durability: 'file'`", ...set('file') },
  { title: "set with `durability: 'none'`", ...set('none') },
  { title: 'set, large', act: (store) => store.set(KEY, LARGE) },
  { title: 'set, raw', format: 'raw', ...set('full') },
  { title: 'set with `fileMode`', options: { fileMode: 0o640 }, ...set('full') },
  { title: 'set, into a new directory', ...set('full', TARGET) },
  { title: "set with `durability: 'file'`, into a new directory", ...set('file', TARGET) },
  { title: "set with `durability: 'none'`, into a new directory", ...set('none', TARGET) },
  { title: 'add, won', prepare: nothing, act: (store) => store.add(KEY, 'new') },
  { title: 'add, lost', act: (store) => store.add(KEY, 'new') },
]

const REMOVING: readonly Verb[] = [
  { title: 'delete', act: (store) => store.delete(KEY) },
  { title: 'delete, absent', prepare: nothing, act: (store) => store.delete(KEY) },
  {
    title: 'delete, in a store with `ttlMs`',
    prepare: makeExpiring,
    act: (store) => store.delete(KEY),
  },
  { title: 'take', act: (store) => store.take(KEY) },
  { title: 'take, large', prepare: setLarge, act: (store) => store.take(KEY) },
  { title: 'take, absent', prepare: nothing, act: (store) => store.take(KEY) },
]

const SEVERAL: readonly Verb[] = [
  { title: 'copy', prepare: setBoth, act: (store) => store.copy(KEY, TARGET) },
  { title: 'rename', prepare: setBoth, act: (store) => store.rename(KEY, TARGET) },
  {
    title: 'rename, raw',
    format: 'raw',
    prepare: setBoth,
    act: (store) => store.rename(KEY, TARGET),
  },
  {
    title: 'keys, 3 objects in 2 directories',
    prepare: setBoth,
    act: (store) => drain(store.keys()),
  },
  {
    title: 'count, 3 objects in 2 directories',
    prepare: setBoth,
    act: (store) => store.count(),
  },
]

/** All of them, in the order of the table. */
export const VERBS: readonly Verb[] = [...OPENING, ...READING, ...WRITING, ...REMOVING, ...SEVERAL]

/** Opens a store through one of the faces, and as on a file system known to be local. */
export type Opener = (path: string, options: OpenOptions) => Store | Promise<Store>

/**
 * Does a verb on a store made for it, whose private directory is there already.
 *
 * @param observe - is given what is to be measured; waits until nothing goes on in the background,
 *   does it, and waits again
 */
export async function perform(
  { opens, format, options = {}, prepare, warm, act }: Verb,
  root: string,
  open: Opener,
  observe: (act: () => unknown) => Promise<void>,
): Promise<void> {
  rmSync(root, { recursive: true, force: true })
  if (opens !== 'nothing') {
    using preparing = openSync(root, { durability: 'none', format })
    preparing.set(NEIGHBOUR, 'old')
    if (prepare === undefined) preparing.set(KEY, 'old')
    else prepare(preparing)
  }
  // Whether the file system is known to be local must not depend on where the tests run.
  const openIt = (): Store | Promise<Store> => open(root, { fresh: false, ...options })
  let store: Store | undefined
  if (opens === undefined) {
    store = await openIt()
    await store.set(NEIGHBOUR, 'warms up', { durability: 'none' })
    await warm?.(store)
  }
  await observe(async () => {
    if (store === undefined) store = await openIt()
    else await act?.(store)
  })
  await store?.close()
}
