import * as nodeFs from 'node:fs'
import { dir } from 'tmp-promise'
import {
  directoryStore,
  openSync,
  type ObjectStore,
  type OpenOptions,
  type Supports,
} from '../index.js'
import type { Subject } from './conformance/index.js'
import { memoryStore } from '../lib/backends/memory.js'
import { withCache } from '../lib/layers/cached.js'
import { withCompression } from '../lib/layers/compressed.js'
import { withLimits } from '../lib/layers/limited.js'
import { withNamespace } from '../lib/layers/namespaced.js'
import { withRetries } from '../lib/layers/retrying.js'
import { withTrace } from '../lib/layers/traced.js'
import { withCodec, withIndex } from '../lib/layers/typed.js'
import { withTiers } from '../lib/layers/tiered.js'
import { createKeyring, generateIdentity, withSeal } from '../lib/layers/sealed.js'
import { FileSystem } from './simulation/file-system.js'
import { simulatedModule } from './simulation/module.js'
import { LocalMount, type Mount } from './simulation/mount.js'
import { NfsMount } from './simulation/nfs.js'
import { MOUNT_POINT } from './simulation/system-calls.js'
import { asObjectStore } from './sync-adapter.js'
import { asBytes, bytesCodec } from './typed-adapter.js'

/** One backend, or one stack of layers, that the conformance suite is run on. */
export interface Stack {
  readonly name: string
  readonly supports: Supports
  readonly factory: () => Promise<Subject>
}

const ENVELOPE: Supports = {
  list: true,
  metadata: true,
  expiry: true,
  versions: true,
  conditions: false,
  maxKeyBytes: 65_536,
}
const CONDITIONAL: Supports = { ...ENVELOPE, conditions: true }
const RAW: Supports = {
  list: false,
  metadata: false,
  expiry: false,
  versions: false,
  conditions: false,
  maxKeyBytes: 65_536,
}

function directory(name: string, options: OpenOptions, supports = ENVELOPE): Stack {
  const open = (path: string): Promise<ObjectStore> => directoryStore(path, options)
  return { name, supports, factory: () => inScratch(open) }
}

function synchronous(name: string, options: OpenOptions, supports = ENVELOPE): Stack {
  const open = async (path: string): Promise<ObjectStore> =>
    asObjectStore(openSync(path, options), supports)
  return { name, supports, factory: () => inScratch(open) }
}

/** Something over a directory. */
function overDirectory(
  name: string,
  options: OpenOptions,
  over: (inner: ObjectStore) => ObjectStore | Promise<ObjectStore>,
  supports = ENVELOPE,
): Stack {
  const open = async (path: string): Promise<ObjectStore> =>
    await over(await directoryStore(path, options))
  return { name, supports, factory: () => inScratch(open) }
}

/** Something over stores in memory that share their objects. */
function inMemory(
  name: string,
  over: (inner: ObjectStore) => ObjectStore | Promise<ObjectStore> = (inner) => inner,
  supports = CONDITIONAL,
): Stack {
  const factory = async (): Promise<Subject> => {
    const first = memoryStore()
    const open = async (): Promise<ObjectStore> => await over(memoryStore({ from: first }))
    return { open, remove: () => first.close() }
  }
  return { name, supports, factory }
}

/** Hosts that share a simulated file system, each with a mount and a store of its own. */
function simulated(
  name: string,
  mountOn: (fileSystem: FileSystem) => Mount,
  options: OpenOptions = {},
  supports = ENVELOPE,
  over: (inner: ObjectStore) => ObjectStore | Promise<ObjectStore> = (inner) => inner,
): Stack {
  const factory = (): Promise<Subject> => {
    const fileSystem = new FileSystem()
    const open = async (): Promise<ObjectStore> => {
      const fs = simulatedModule(mountOn(fileSystem), Math.random)
      return await over(await directoryStore(MOUNT_POINT, { ...options, fs }))
    }
    return Promise.resolve({ open, remove: () => Promise.resolve() })
  }
  return { name, supports, factory }
}

async function inScratch(open: (path: string) => Promise<ObjectStore>): Promise<Subject> {
  const scratch = await dir({ unsafeCleanup: true, prefix: 'linkstore-' })
  return { open: () => open(`${scratch.path}/store`), remove: () => scratch.cleanup() }
}

/** A cache in memory before each of the stores. */
const withOwnCache = (inner: ObjectStore): ObjectStore =>
  withCache(inner, { cache: memoryStore(), maxValueBytes: 500_000 })

/**
 * A write-back cache, which belongs to one store: all who open the subject at the same time share
 * it, and who opens it after it was closed finds in it what was left. What a flush changes of an
 * object, such as when it was written, it does when it is closed.
 */
function writtenBack(
  name: string,
  make: () => Promise<Subject>,
  makeCache: () => Promise<Subject>,
): Stack {
  const factory = async (): Promise<Subject> => {
    const [inner, cache] = [await make(), await makeCache()]
    let shared: Promise<ObjectStore> | undefined
    const openBoth = async (): Promise<ObjectStore> => {
      const how = { strategy: 'write-back', flushMs: 3_600_000, maxValueBytes: 500_000 } as const
      const store = withCache(await inner.open(), { ...how, cache: await cache.open() })
      const close = store.close.bind(store)
      store.close = () => {
        shared = undefined
        return close()
      }
      return store
    }
    const open = (): Promise<ObjectStore> => (shared ??= openBoth())
    const remove = async (): Promise<void> => {
      await inner.remove()
      await cache.remove()
    }
    return { open, remove }
  }
  const maxKeyBytes = 65_536 - 'entries/'.length
  return {
    name,
    supports: { ...ENVELOPE, versions: false, conditions: false, maxKeyBytes },
    factory,
  }
}

const memory = inMemory('memory')
const quickDirectory = directory('a directory', { durability: 'none' })

const withTypes = (inner: ObjectStore): ObjectStore => asBytes(withCodec(inner, bytesCodec))

/** Found by their first and by their last byte, which most values in the suite change. */
function withIndexes(inner: ObjectStore): ObjectStore {
  const ends = (bytes: Uint8Array): number[] => [...bytes.subarray(0, 1), ...bytes.subarray(-1)]
  return asBytes(withIndex(withCodec(inner, bytesCodec), { ends }))
}

/** Tiers in memory; most values in the suite go to one, some to the other. */
const TIERS_IN_MEMORY: Stack = {
  name: 'tiers in memory',
  supports: CONDITIONAL,
  factory: async () => {
    const [first, second] = [memoryStore(), memoryStore()]
    const open = async (): Promise<ObjectStore> =>
      withTiers(memoryStore({ from: first }), {
        large: memoryStore({ from: second }),
        thresholdBytes: 3,
      })
    const remove = async (): Promise<void> => {
      await first.close()
      await second.close()
    }
    return { open, remove }
  },
}

function directoryTiers(name: string, options: OpenOptions, supports: Supports): Stack {
  const open = async (path: string): Promise<ObjectStore> => {
    const large = await directoryStore(`${path}-large`, { durability: 'none' })
    return withTiers(await directoryStore(path, options), { large, thresholdBytes: 3 })
  }
  return { name, supports, factory: () => inScratch(open) }
}

const INDEXED = { ...CONDITIONAL, maxKeyBytes: 65_536 - '.linkstore-index/=/'.length }

const identity = generateIdentity()

/** A sealed store over one that may be new. */
async function sealed(inner: ObjectStore): Promise<ObjectStore> {
  await createKeyring(inner, { identity })
  return withSeal(inner, { identity })
}

/** typed(sealed(compressed(namespaced(…)))): all that changes what is stored. */
async function deep(inner: ObjectStore): Promise<ObjectStore> {
  return withTypes(await sealed(withCompression(withNamespace(inner, 'a/b'), { minBytes: 0 })))
}

/** Every backend and every stack of layers there is. */
export const stacks: readonly Stack[] = [
  directory('a directory', {}),
  directory('a directory, read by plain open', { reads: 'open', durability: 'file' }),
  directory('a directory that is revalidated as on NFS', { fresh: true, durability: 'none' }),
  directory('a directory with modes', { fileMode: 0o660, dirMode: 0o2770, durability: 'none' }),
  directory('a directory through node:fs', { fs: nodeFs, durability: 'none' }),
  directory('a conditional directory', { conditional: true, durability: 'none' }, CONDITIONAL),
  directory(
    'a conditional directory, revalidated',
    { conditional: true, fresh: true, reads: 'open', durability: 'none' },
    CONDITIONAL,
  ),
  directory('a raw directory', { format: 'raw' }, RAW),
  directory('a raw directory, revalidated', { format: 'raw', fresh: true, reads: 'open' }, RAW),
  synchronous('a synchronous directory', {}),
  synchronous('a synchronous directory, revalidated', { fresh: true, durability: 'none' }),
  synchronous('a synchronous conditional directory', { conditional: true }, CONDITIONAL),
  synchronous('a synchronous raw directory', { format: 'raw' }, RAW),
  simulated('a simulated local file system', (fileSystem) => new LocalMount(fileSystem)),
  simulated('hosts on a simulated NFS 4', (fileSystem) => new NfsMount(fileSystem, 4)),
  simulated(
    'a simulated NFS 3, conditional',
    (fileSystem) => new NfsMount(fileSystem, 3, 'none'),
    { conditional: true, fresh: true },
    CONDITIONAL,
  ),
  simulated(
    'a deep stack on a simulated NFS 4',
    (fileSystem) => new NfsMount(fileSystem, 4),
    {},
    ENVELOPE,
    deep,
  ),
  inMemory('a deep stack in memory', deep, CONDITIONAL),
  overDirectory('a deep stack in a directory', {}, deep, ENVELOPE),
  inMemory('memory'),
  inMemory('a namespace in memory', (inner) => withNamespace(inner, 'a/b'), {
    ...CONDITIONAL,
    maxKeyBytes: 65_536 - 'a%2Fb/'.length,
  }),
  inMemory('compressed in memory', (inner) => withCompression(inner, { minBytes: 0 })),
  inMemory('cached in memory', withOwnCache),
  overDirectory('a cached directory', { durability: 'none' }, withOwnCache),
  overDirectory(
    'a cached conditional directory',
    { conditional: true, durability: 'none' },
    withOwnCache,
    CONDITIONAL,
  ),
  writtenBack('written back in memory', memory.factory, memory.factory),
  writtenBack('a written-back directory', quickDirectory.factory, memory.factory),
  writtenBack('written back from a directory', memory.factory, quickDirectory.factory),
  inMemory('retried in memory', (inner) => withRetries(inner)),
  inMemory('limited in memory', (inner) =>
    withLimits(inner, { inFlight: 2, bytesPerSecond: 100_000_000 }),
  ),
  inMemory('traced in memory', (inner) => withTrace(inner, { name: 'memory' })),
  inMemory('typed values in memory', withTypes),
  overDirectory('typed values in a directory', { durability: 'none' }, withTypes),
  overDirectory('typed values in a raw directory', { format: 'raw' }, withTypes, RAW),
  inMemory('indexed values in memory', withIndexes, INDEXED),
  overDirectory(
    'indexed values in a conditional directory',
    { conditional: true, durability: 'none' },
    withIndexes,
    INDEXED,
  ),
  inMemory('sealed in memory', sealed),
  overDirectory('a sealed directory', { durability: 'none' }, sealed, ENVELOPE),
  overDirectory(
    'a sealed conditional directory',
    { conditional: true, durability: 'none' },
    sealed,
    CONDITIONAL,
  ),
  TIERS_IN_MEMORY,
  directoryTiers('tiers in directories', { durability: 'none' }, ENVELOPE),
  directoryTiers(
    'tiers in directories, the small one conditional',
    { conditional: true, durability: 'none' },
    CONDITIONAL,
  ),
]
