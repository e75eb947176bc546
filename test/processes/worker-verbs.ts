/**
 * Does every verb that changes something once per durability, with marks around it for strace.
 * A mark names the verb, the durability, and the hashes of the keys.
 *
 *     worker-verbs ROOT sync|async
 */
import { accessSync, existsSync, readdirSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import {
  hashKey,
  open,
  openSync,
  type Durability,
  type Store,
  type SyncStore,
} from '../../index.js'

const [root = '', how = ''] = process.argv.slice(2)
const isSync = how === 'sync'

/** Keys whose objects lie in shards of their own that nothing else uses. */
function* unusedKeys(): Generator<string> {
  const used = new Set<string>()
  for (let count = 0; ; count += 1) {
    const outer = hashKey(`key ${count}`).slice(0, 2)
    if (!used.has(outer)) yield `key ${count}`
    used.add(outer)
  }
}

/** Another key in the same shard as a key. */
function sibling(key: string): string {
  const shard = hashKey(key).slice(0, 4)
  for (let count = 0; ; count += 1) {
    const other = `sibling ${count}`
    if (hashKey(other).slice(0, 4) === shard) return other
  }
}

function mark(text: string): void {
  try {
    accessSync(`/mark/${text}`)
  } catch {
    // It is never there; strace sees the call.
  }
}

/** Until nothing is done in the background any more. */
async function untilQuiet(): Promise<void> {
  const privateRoot = `${root}/.tmp`
  const isBusy = (name: string): boolean => readdirSync(`${privateRoot}/${name}`).length > 0
  while (existsSync(privateRoot) && readdirSync(privateRoot).some(isBusy)) await setTimeout(1)
}

interface Verb {
  readonly prepare?: (store: SyncStore, key: string, target: string) => void
  readonly act: (store: Store, key: string, options: object, target: string) => unknown
}

const set = (store: SyncStore, key: string): unknown => store.set(key, 'old')
const both = (store: SyncStore, key: string, target: string): void => {
  store.set(key, 'old')
  store.set(target, 'old')
}

const VERBS: Record<string, Verb> = {
  'set in a new shard': { act: (store, key, options) => store.set(key, 'new', options) },
  'set of a key that is there': {
    prepare: set,
    act: (store, key, options) => store.set(key, 'new', options),
  },
  'set of a large value': {
    prepare: set,
    act: (store, key, options) => store.set(key, Buffer.alloc(400_000), options),
  },
  'add of a key that is not there': {
    prepare: (store, key) => store.set(sibling(key), 'old'),
    act: (store, key, options) => store.add(key, 'new', options),
  },
  'add of a key that is there': {
    prepare: set,
    act: (store, key, options) => store.add(key, 'new', options),
  },
  delete: { prepare: set, act: (store, key, options) => store.delete(key, options) },
  take: { prepare: set, act: (store, key, options) => store.take(key, options) },
  copy: { prepare: both, act: (store, key, options, target) => store.copy(key, target, options) },
  rename: {
    prepare: both,
    act: (store, key, options, target) => store.rename(key, target, options),
  },
  'clear of one': {
    prepare: (store, key) => {
      store.clear()
      store.set(key, 'old')
    },
    act: (store, _key, options) => store.clear(options),
  },
}

const openStore = (path: string, durability: Durability): Store | Promise<Store> =>
  // Their verbs have the same names and arguments, and whoever awaits cannot tell them apart.
  isSync ? (openSync(path, { durability }) as unknown as Store) : open(path, { durability })

async function actInMarks(name: string, act: () => unknown): Promise<void> {
  await untilQuiet()
  mark(name)
  await act()
  await untilQuiet()
  mark('end')
}

const keys = unusedKeys()
const nextKey = (): string => keys.next().value as string
using preparing = openSync(root, { durability: 'none' })
for (const durability of ['full', 'file', 'none'] as const) {
  await actInMarks(`open of a new store/${durability}`, async () => {
    await using fresh = await openStore(`${root}/../${durability}`, durability)
    await fresh.has('k')
  })
  await using store = await openStore(root, 'full')
  await store.set(nextKey(), 'warms up')
  for (const [name, { prepare, act }] of Object.entries(VERBS)) {
    const [key, target] = [nextKey(), nextKey()]
    prepare?.(preparing, key, target)
    const title = [name, durability, hashKey(key), hashKey(target)].join('/')
    await actInMarks(title, () => act(store, key, { durability }, target))
  }
}
process.stdout.write('true\n')
