/**
 * What a new user does first, on the installed package: run by `run.ts` in an empty project,
 * once for each version of Node.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import * as zlib from 'node:zlib'
import type * as Linkstore from '../../index.js'
import type * as BlobAdapter from '../../lib/adapters/abstract-blob-store.js'
import type * as KeyvAdapter from '../../lib/adapters/keyv.js'
import type * as StorageAdapter from '../../lib/adapters/unstorage.js'
import type * as Memory from '../../lib/backends/memory.js'
import type * as Compressed from '../../lib/layers/compressed.js'
import type * as Namespaced from '../../lib/layers/namespaced.js'
import type * as Sealed from '../../lib/layers/sealed.js'
import type * as Typed from '../../lib/layers/typed.js'
import type * as Conformance from '../conformance/index.js'
import { useCommands } from './commands.js'
import { checkLoading, checkSourceMaps } from './loading.js'

const project = process.cwd()
const require = createRequire(join(project, 'smoke.js'))

/** Imports a package as a module of the project would. */
async function load<T>(specifier: string): Promise<T> {
  return (await import(pathToFileURL(require.resolve(specifier)).href)) as T
}

async function useModule(): Promise<void> {
  const { open, StoreError } = await load<typeof Linkstore>('linkstore')
  const directory = join(project, 'module')
  const store = await open(directory)
  await store.set('greeting', 'hello', { ttlMs: 60_000, metadata: { language: 'en' } })
  assert.equal(String(await store.get('greeting')), 'hello')
  assert.equal(await store.add('greeting', 'again'), false)
  await assert.rejects(store.get('\ud800'), StoreError)
  await store.close()
  assert.deepEqual(readdirSync(join(directory, '.tmp')), [])
}

function useRequire(): void {
  const { openSync } = require('linkstore') as typeof Linkstore
  using store = openSync(join(project, 'require'), { format: 'raw' })
  store.set('k', 'v')
  assert.equal(String(store.get('k')), 'v')
}

/** The suite compares errors with a StoreError it has imported itself: there must be one only. */
async function useConformance(): Promise<void> {
  const { directoryStore } = await load<typeof Linkstore>('linkstore')
  const { conformance } = await load<typeof Conformance>('linkstore/conformance')
  let count = 0
  await conformance({
    test: (_, body) => body(),
    factory: () => {
      count += 1
      const path = join(project, 'conformance', `${count}`)
      const open = (): Promise<Linkstore.ObjectStore> =>
        directoryStore(path, { durability: 'none' })
      return Promise.resolve({ open, remove: async () => (await directoryStore(path)).destroy() })
    },
    supports: {
      list: true,
      metadata: true,
      expiry: true,
      versions: true,
      conditions: false,
      maxKeyBytes: 65_536,
    },
  })
  assert.ok(count > 20)
}

/** As far as it goes without the packages that the adapters are for. */
async function useAdapters(): Promise<void> {
  const { KeyvLinkstore } = await load<typeof KeyvAdapter>('linkstore/keyv')
  const keyv = new KeyvLinkstore(join(project, 'adapters'), { durability: 'none' })
  await keyv.set('k', { value: 1 })
  assert.deepEqual(await keyv.get('k'), { value: 1 })
  await keyv.disconnect()
  const { LinkstoreBlobStore } = await load<typeof BlobAdapter>('linkstore/abstract-blob-store')
  const blobs = new LinkstoreBlobStore(join(project, 'adapters'))
  const writer = blobs.createWriteStream('k')
  writer.end('value')
  await once(writer, 'close')
  await blobs.close()
  const { default: driver } = await load<typeof StorageAdapter>('linkstore/unstorage')
  const storage = driver({ store: join(project, 'adapters') })
  assert.equal(await storage.getItem('k'), 'value')
  await storage.dispose?.()
}

/** Layers from the package itself, which are parts of its library and not copies. */
async function useLayers(): Promise<void> {
  const { memoryStore } = await load<typeof Memory>('linkstore/memory')
  const { withNamespace } = await load<typeof Namespaced>('linkstore/namespaced')
  const { withCompression } = await load<typeof Compressed>('linkstore/compressed')
  const { createKeyring, generateIdentity, withSeal } =
    await load<typeof Sealed>('linkstore/sealed')
  const { structured, withCodec } = await load<typeof Typed>('linkstore/typed')
  const { StoreError } = await load<typeof Linkstore>('linkstore')
  const identity = generateIdentity()
  const inner = withNamespace(memoryStore(), 'a')
  await createKeyring(inner, { identity })
  const sealed = withCompression(withSeal(inner, { identity }))
  const store = withCodec<Map<string, Date>>(sealed, structured)
  const value = new Map([['now', new Date(0)]])
  await store.set('k', value)
  assert.deepEqual(await store.get('k'), value)
  await assert.rejects(store.get('\ud800'), StoreError)
  await store.close()

  const objects = memoryStore()
  // Only some versions of Node have it.
  if (!('zstdCompress' in zlib)) {
    assert.throws(() => withCompression(objects, { algorithm: 'zstd' }), StoreError)
    return
  }
  const compressed = withCompression(objects, { algorithm: 'zstd' })
  const large = Buffer.alloc(1_000_000, 'large')
  await compressed.write('k', large)
  assert.ok(((await objects.stat('k'))?.sizeBytes ?? Infinity) < 10_000)
  const object = await compressed.read('k')
  assert.deepEqual(await object?.bytes(), large)
}

await useModule()
await useAdapters()
await useLayers()
useRequire()
useCommands(project)
await useConformance()
checkLoading(project)
checkSourceMaps(project)
process.stdout.write(`the package works on Node ${process.version}\n`)
