/**
 * What a new user does first, on the installed package: run by `run.ts` in an empty project,
 * once for each version of Node.
 */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type * as Linkstore from '../../index.js'
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
    supports: { list: true, metadata: true, expiry: true, versions: true, conditions: false },
  })
  assert.ok(count > 20)
}

await useModule()
useRequire()
useCommands(project)
await useConformance()
checkLoading(project)
checkSourceMaps(project)
process.stdout.write(`the package works on Node ${process.version}\n`)
