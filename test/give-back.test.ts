import { readFileSync, writeFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import {
  open,
  openSync,
  Store,
  type ObjectStore,
  type StoredObject,
  type OpenOptions,
  type StoreError,
  type WriteOptions,
} from '../index.js'
import { flipBit, objectPath } from './format/damage.js'

const LARGE = Buffer.alloc(200_000, 'large')

async function storeIn(t: Test, options?: OpenOptions): Promise<{ root: string; store: Store }> {
  const root = `${t.testdir()}/store`
  const store = await open(root, { durability: 'none', ...options })
  t.teardown(() => store.close())
  return { root, store }
}

await t.test('a large object whose value is damaged is put back by take', async (t) => {
  const { root, store } = await storeIn(t)
  using sync = openSync(root)
  await store.set('k', LARGE)
  const path = objectPath(root, 'k')
  const damaged = flipBit(readFileSync(path), 40)
  writeFileSync(path, damaged)
  await t.rejects(store.take('k'), { code: 'CORRUPT', key: 'k' })
  t.same(readFileSync(path), damaged)
  t.throws(() => sync.take('k'), { code: 'CORRUPT', key: 'k' })
  t.same(readFileSync(path), damaged)
})

await t.test('a take that is aborted while it reads has no effect', async (t) => {
  const { store } = await storeIn(t)
  await store.set('k', Buffer.alloc(8_000_000, 'large'))
  const abort = new AbortController()
  const taking = store.take('k', { signal: abort.signal })
  setTimeout(() => abort.abort(), 1)
  const taken = await taking.then(
    (value) => value?.length,
    (error: unknown) => (error as StoreError).code,
  )
  // Whichever was first: the value is given or the object is there, never neither.
  t.ok(taken === 8_000_000 || taken === 'ABORTED', String(taken))
  t.equal(await store.has('k'), taken === 'ABORTED')
})

await t.test('a value that no Buffer can hold is put back by take', async (t) => {
  const written: [string, WriteOptions | undefined][] = []
  const info = {
    key: 'k',
    sizeBytes: 2 ** 32 + 1,
    version: undefined,
    writtenAtMs: 0,
    writtenBy: undefined,
    expiresAtMs: undefined,
    contentType: 'video/mp4',
    metadata: { by: 'ops' },
  }
  let closed = 0
  const object = {
    info,
    stream: () => Readable.from(['all of it']),
    close: async () => void (closed += 1),
  } as unknown as StoredObject
  const objects = {
    take: async () => object,
    write: async (key: string, _body: unknown, options?: WriteOptions) => {
      written.push([key, options])
      return info
    },
  } as unknown as ObjectStore
  await t.rejects(new Store(objects).take('k'), RangeError)
  const attributes = { contentType: 'video/mp4', metadata: { by: 'ops' }, ifAbsent: true }
  t.same(written, [['k', attributes]])
  t.equal(closed, 1)
})

await t.test('one signal serves any number of calls, and warns of nothing', async (t) => {
  // Reads that are made at once would end before the abort.
  const { store } = await storeIn(t, { inline: false })
  const warnings: Error[] = []
  const onWarning = (warning: Error): void => void warnings.push(warning)
  process.on('warning', onWarning)
  t.teardown(() => process.off('warning', onWarning))
  const abort = new AbortController()
  const { signal } = abort
  const keys = Array.from({ length: 300 }, (_, i) => `k${i}`)
  await Promise.all(keys.map((key) => store.set(key, key, { signal })))
  const values = await Promise.all(keys.map((key) => store.get(key, { signal })))
  t.same(values.map(String), keys)
  const late = keys.map((key) => store.get(key, { signal }))
  abort.abort()
  const results = await Promise.allSettled(late)
  const aborted = results.filter(({ status }) => status === 'rejected')
  // Those beyond the first 64 had not begun.
  t.ok(aborted.length >= keys.length - 64, `${aborted.length} aborted`)
  await t.rejects(store.get('k1', { signal }), { code: 'ABORTED' })
  await new Promise((resolve) => setImmediate(resolve))
  t.same(warnings, [])
})
