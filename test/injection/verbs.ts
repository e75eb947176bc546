/** The verbs into which errors are injected, and the store on which each is tried. */
import { mkdirSync, renameSync, utimesSync, writeFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import {
  hashKey,
  type Durability,
  type OpenOptions,
  type Store,
  type SyncStore,
} from '../../index.js'

/** The key that each verb is about. */
export const KEY = 'k'
/** Another key whose object lies in the same shard directory. */
export const NEIGHBOUR = 'sibling 79907'
/** A key to copy and rename to, in a shard of its own. */
export const TARGET = 'target'
/** Every key that a verb here can touch. */
export const ALL_KEYS: readonly string[] = [KEY, NEIGHBOUR, TARGET]

const LARGE_BYTES = 300_000
const OLD_LARGE = Buffer.alloc(LARGE_BYTES, 'old')
const NEW_LARGE = Buffer.alloc(LARGE_BYTES, 'new')

/** One verb on one kind of store. */
export interface Verb {
  readonly title: string
  /** What it opens; undefined for a verb of a store that is open already. */
  readonly opens?: 'a new store' | 'a store'
  /** Only one of the two faces has it. */
  readonly only?: 'async'
  readonly options?: OpenOptions
  /** The value of {@link KEY} before; undefined for none. */
  readonly old?: string | Buffer | undefined
  /** What else is made before. */
  readonly prepare?: (store: SyncStore, root: string) => unknown
  /** What the store that is used does before, beside making its private directory. */
  readonly warm?: (store: Store) => unknown
  readonly isCold?: boolean
  readonly act?: (store: Store) => unknown
  /** Whether what it has not done is done by the next sweep. */
  readonly sweeps?: boolean
  /** States that a failure may leave besides the old and the new one: key to value. */
  readonly between?: readonly Readonly<Record<string, string>>[]
}

const durability: Durability = 'full'

/** A value in short; undefined as it is. */
export function digest(value: Uint8Array | string | undefined): string | undefined {
  if (value === undefined) return undefined
  const bytes = Buffer.from(value)
  return bytes.length < 100 ? String(bytes) : `${bytes.length} bytes, ${crc32(bytes)}`
}

async function valuesOf(values: AsyncIterable<unknown> | Iterable<unknown>): Promise<unknown[]> {
  const all: unknown[] = []
  for await (const value of values) all.push(value)
  return all.sort()
}

const get = async (store: Store): Promise<unknown> => digest(await store.get(KEY))
const takeAway = async (store: Store): Promise<unknown> => digest(await store.take(KEY))
const makeExpired = async (store: SyncStore): Promise<void> => {
  store.set(KEY, 'expired', { ttlMs: 1 })
  await setTimeout(3)
}

/** What a process leaves that was killed while it had moved a live object aside. */
const abandon = (_: SyncStore, root: string): void => {
  const directory = `${root}/.tmp/gone-${'f'.repeat(32)}`
  const hash = hashKey(KEY)
  const live = `${directory}/1.${hash}.live`
  mkdirSync(directory, { recursive: true })
  renameSync(`${root}/${hash.slice(0, 2)}/${hash.slice(2, 4)}/${hash.slice(4)}`, live)
  writeFileSync(`${directory}/2`, 'half')
  for (const path of [live, `${directory}/2`, directory]) utimesSync(path, 0, 0)
}

const WRITING: readonly Verb[] = [
  {
    title: 'the first set of a store',
    isCold: true,
    act: async (store) => (await store.set(KEY, 'new')).sizeBytes,
  },
  { title: 'set of a new key', act: async (store) => (await store.set(TARGET, 'new')).sizeBytes },
  {
    title: 'set of a key that is there',
    old: 'old',
    act: async (store) => (await store.set(KEY, 'new')).sizeBytes,
  },
  {
    title: 'set of a large value',
    old: OLD_LARGE,
    act: async (store) => (await store.set(KEY, NEW_LARGE)).sizeBytes,
  },
  {
    title: 'the first set with a ttl',
    old: 'old',
    act: async (store) => (await store.set(KEY, 'new', { ttlMs: 3_600_000 })).sizeBytes,
  },
  {
    title: 'set with modes of its own',
    options: { fileMode: 0o660, dirMode: 0o770 },
    act: async (store) => (await store.set(TARGET, 'new')).sizeBytes,
  },
  { title: 'add of a key that is not there', act: (store) => store.add(KEY, 'new') },
  { title: 'add of a key that is there', old: 'old', act: (store) => store.add(KEY, 'new') },
  {
    title: 'add of a key that has expired',
    prepare: makeExpired,
    act: (store) => store.add(KEY, 'new'),
  },
  {
    title: 'createWriteStream',
    only: 'async',
    old: OLD_LARGE,
    act: (store) =>
      pipeline(
        Readable.from([NEW_LARGE.subarray(0, 1000), NEW_LARGE.subarray(1000)]),
        store.createWriteStream(KEY),
      ),
  },
]

const READING: readonly Verb[] = [
  { title: 'get', old: 'old', act: get },
  { title: 'the first get of a store', isCold: true, old: 'old', act: get },
  { title: 'get of a large value', old: OLD_LARGE, act: get },
  { title: 'get of a key that is not there', act: get },
  { title: 'get by open', options: { reads: 'open' }, old: 'old', act: get },
  {
    title: 'get by open of a key that is not there',
    options: { reads: 'open' },
    act: get,
  },
  { title: 'has', old: 'old', act: (store) => store.has(KEY) },
  { title: 'stat', old: 'old', act: async (store) => (await store.stat(KEY))?.sizeBytes },
  {
    title: 'createReadStream',
    only: 'async',
    old: OLD_LARGE,
    act: async (store) => {
      const pieces = []
      for await (const piece of store.createReadStream(KEY)) pieces.push(piece as Buffer)
      return digest(Buffer.concat(pieces))
    },
  },
]

const REMOVING: readonly Verb[] = [
  { title: 'delete', old: 'old', act: (store) => store.delete(KEY) },
  {
    title: 'delete where objects expire',
    old: 'old',
    prepare: (store) => store.set(TARGET, 'old', { ttlMs: 3_600_000 }),
    act: (store) => store.delete(KEY),
  },
  { title: 'take', old: 'old', act: takeAway },
  { title: 'take of a large value', old: OLD_LARGE, act: takeAway },
  {
    title: 'clear',
    old: 'old',
    act: (store) => store.clear(),
    between: [{ [KEY]: 'old' }, { [NEIGHBOUR]: 'old' }],
  },
]

const GOING_THROUGH_ALL: readonly Verb[] = [
  { title: 'keys', old: 'old', act: (store) => valuesOf(store.keys()) },
  { title: 'count', old: 'old', act: (store) => store.count() },
  {
    title: 'count where objects expire',
    prepare: makeExpired,
    act: (store) => store.count(),
  },
  {
    title: 'verify',
    old: 'old',
    act: async (store) => {
      const { objects, findings } = await store.verify()
      return { objects, findings }
    },
  },
  {
    title: 'sweep',
    old: 'old',
    prepare: abandon,
    sweeps: true,
    act: (store) => store.sweep(),
  },
  {
    title: 'copy',
    old: 'old',
    prepare: (store) => store.set(TARGET, 'target'),
    act: (store) => store.copy(KEY, TARGET),
  },
  {
    title: 'copy of a large value',
    old: OLD_LARGE,
    act: (store) => store.copy(KEY, TARGET),
  },
  {
    title: 'rename',
    old: 'old',
    prepare: (store) => store.set(TARGET, 'target'),
    act: (store) => store.rename(KEY, TARGET),
    between: [{ [KEY]: 'old', [NEIGHBOUR]: 'old', [TARGET]: 'old' }],
  },
]

const OPENING: readonly Verb[] = [
  { title: 'open of a new store', opens: 'a new store' },
  { title: 'open of a store that is there', opens: 'a store' },
  {
    title: 'close, with an object open',
    old: OLD_LARGE,
    warm: (store) => store.read(KEY),
    act: (store) => store.close(),
  },
]

/** All of them, in the order of the page. */
export const VERBS: readonly Verb[] = [
  ...OPENING,
  ...WRITING,
  ...READING,
  ...REMOVING,
  ...GOING_THROUGH_ALL,
].map((verb) => ({ ...verb, options: { durability, ...verb.options } }))

/** The verb of a title. */
export function verbOf(title: string): Verb {
  const verb = VERBS.find((each) => each.title === title)
  if (verb === undefined) throw new Error(`there is no verb "${title}"`)
  return verb
}
