import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import {
  createStorage,
  prefixStorage,
  restoreSnapshot,
  snapshot,
  type Storage,
  type StorageValue,
} from 'unstorage'
import { createStorageServer } from 'unstorage/server'
import { open } from '../../index.js'
import linkstoreDriver, { type LinkstoreDriverOptions } from '../../lib/adapters/unstorage.js'
import { scratchDirectory } from '../support/surroundings.js'

async function storageIn(
  t: Test,
  options: Partial<LinkstoreDriverOptions> = {},
): Promise<{ storage: Storage; root: string }> {
  const root = `${await scratchDirectory(t)}/store`
  const driver = linkstoreDriver({ store: root, durability: 'none', ...options })
  const storage = createStorage({ driver })
  t.teardown(() => storage.dispose())
  return { storage, root }
}

// What unstorage asks of its own drivers.

await t.test('what is set is there, and what is removed is not', async (t) => {
  const { storage } = await storageIn(t)
  t.equal(await storage.hasItem('s1:a'), false)
  t.equal(await storage.getItem('s1:a'), null)
  t.equal(await storage.getItemRaw('s1:a'), null)
  t.match(await storage.getMeta('s1:a'), {})
  await storage.setItem('s1:a', 'test_data')
  t.equal(await storage.hasItem('s1:a'), true)
  t.equal(await storage.getItem('s1:a'), 'test_data')
  await storage.setItem('s1:a', undefined as never)
  t.equal(await storage.hasItem('s1:a'), false, 'undefined removes')
  await storage.setItem('s1:a', 1)
  await storage.removeItem('s1:a')
  t.equal(await storage.hasItem('s1:a'), false)
  await storage.removeItem('s1:a')
})

await t.test('values come back as they were', async (t) => {
  const { storage } = await storageIn(t)
  for (const value of [true, false, 0, 42, 'text', '', 'ünï', [1, 'two'], { a: { b: [null] } }]) {
    await storage.setItem('value', value)
    t.same(await storage.getItem('value'), value)
  }
  await t.rejects(storage.setItem('value', () => undefined))
})

await t.test('keys that begin with another one are beside it', async (t) => {
  const { storage, root } = await storageIn(t)
  const keys = ['foo', 'foo:bar', 'foo:bar:baz', 'foobar']
  for (const key of keys) await storage.setItem(key, `at ${key}`)
  for (const key of keys) t.equal(await storage.getItem(key), `at ${key}`)
  t.same((await storage.getKeys()).sort(), [...keys].sort())
  t.same((await storage.getKeys('foo')).sort(), ['foo:bar', 'foo:bar:baz'])
  t.same(await storage.getKeys('', { maxDepth: 0 }).then((found) => found.sort()), [
    'foo',
    'foobar',
  ])
  // By itself unstorage clears what is mounted below a base, and nothing of a larger mount.
  await linkstoreDriver({ store: root }).clear?.('foo:', {})
  t.same((await storage.getKeys()).sort(), ['foo', 'foobar'])
  await storage.clear()
  t.same(await storage.getKeys(), [])
})

await t.test('many are set and read at once', async (t) => {
  const { storage } = await storageIn(t)
  const items: { key: string; value: StorageValue }[] = [
    { key: 'a', value: 'one' },
    { key: 'b:c', value: { two: 2 } },
  ]
  await storage.setItems(items)
  const found = await storage.getItems(['a', 'b:c', 'd'])
  t.same(found, [...items, { key: 'd', value: null }])
})

await t.test('raw values are bytes, or whatever can be cloned', async (t) => {
  const { storage } = await storageIn(t)
  const bytes = new Uint8Array([0, 1, 2, 255])
  await storage.setItemRaw('bytes', bytes)
  const found = await storage.getItemRaw<Buffer>('bytes')
  t.ok(Buffer.isBuffer(found))
  t.same([...(found ?? [])], [...bytes])
  await storage.setItem('text', 'as text')
  t.equal(String(await storage.getItemRaw('text')), 'as text')
  await storage.setItemRaw('text', 'raw text')
  t.equal(await storage.getItem('text'), 'raw text')
  t.ok(Buffer.isBuffer(await storage.getItemRaw('text')))
  const map = new Map<string, unknown>([
    ['at', new Date(0)],
    ['bytes', Buffer.from('b')],
  ])
  await storage.setItemRaw('map', map)
  const again = await storage.getItemRaw<typeof map>('map')
  t.same(again, map)
  t.ok(Buffer.isBuffer(again?.get('bytes')))
  await t.rejects(
    storage.setItemRaw('map', () => undefined),
    TypeError,
  )
  t.same(await storage.getItemRaw('map'), map, 'nothing was stored')
})

await t.test('meta is that of the object, and what was set beside it', async (t) => {
  const { storage } = await storageIn(t)
  const beforeMs = Date.now()
  await storage.setItem('key', 'value', { ttl: 100 })
  await storage.setMeta('key', { colour: 'blue' })
  const { size, mtime, ttl, colour } = await storage.getMeta('key')
  t.equal(size, 5)
  t.ok(mtime instanceof Date && mtime.getTime() >= beforeMs)
  t.ok(Number(ttl) > 90 && Number(ttl) <= 100, 'the seconds left')
  t.equal(colour, 'blue')
  await storage.removeItem('key', { removeMeta: true })
  t.same(await storage.getMeta('key'), {})
})

await t.test('what has a ttl expires', async (t) => {
  const { storage } = await storageIn(t, { ttl: 100 })
  await storage.setItem('short', 'value', { ttl: 0.05 })
  await storage.setItemRaw('short raw', 'value', { ttl: 0.05 })
  await storage.setItem('long', 'value')
  await sleep(80)
  t.equal(await storage.getItem('short'), null)
  t.equal(await storage.hasItem('short raw'), false)
  t.same(await storage.getKeys(), ['long'])
  t.ok(Number((await storage.getMeta('long')).ttl) > 90, 'that of the driver')
  for (const ttl of [0, -1, 'soon', NaN]) {
    await t.rejects(storage.setItem('k', 'v', { ttl }), RangeError)
  }
})

await t.test('a base keeps to itself, and other objects of the store out', async (t) => {
  const root = `${await scratchDirectory(t)}/store`
  await using store = await open(root, { durability: 'none' })
  await store.set('other', 'not of the driver')
  const storage = createStorage({ driver: linkstoreDriver({ store, base: 'nitro/' }) })
  await storage.setItem('a:b', 'value')
  t.same(await storage.getKeys(), ['a:b'])
  t.equal(String(await store.get('nitro/a:b')), 'value')
  await storage.clear()
  await storage.dispose()
  t.equal(String(await store.get('other')), 'not of the driver', 'and the store is still open')
})

await t.test('it works mounted, prefixed, in a snapshot and behind a server', async (t) => {
  const { storage } = await storageIn(t)
  const mounted = createStorage()
  const root = `${await scratchDirectory(t)}/store`
  mounted.mount('disk', linkstoreDriver({ store: root }))
  t.teardown(() => mounted.dispose())
  await mounted.setItem('disk:a', 'on disk')
  await mounted.setItem('b', 'in memory')
  t.same((await mounted.getKeys()).sort(), ['b', 'disk:a'])
  await prefixStorage(mounted, 'disk').setItem('c', 'by prefix')
  await restoreSnapshot(storage, await snapshot(mounted, 'disk'))
  t.same((await storage.getKeys()).sort(), ['a', 'c'])

  const { handle } = createStorageServer(storage) as unknown as {
    handle: Parameters<typeof createServer>[1]
  }
  const server = createServer(handle).listen(0)
  t.teardown(() => server.close())
  await once(server, 'listening')
  const url = `http://localhost:${(server.address() as AddressInfo).port}`
  t.equal(await (await fetch(`${url}/a`)).text(), 'on disk')
  await fetch(`${url}/d`, { method: 'PUT', body: 'by the server' })
  t.equal(await storage.getItem('d'), 'by the server')
})

await t.test('misuse is told at once', async (t) => {
  t.throws(() => linkstoreDriver({ store: undefined as never }), TypeError)
  const { storage, root } = await storageIn(t)
  await storage.setItem('k', 'v')
  await storage.dispose()
  await t.rejects(storage.getItem('k'), { code: 'CLOSED' })
  const another = createStorage({ driver: linkstoreDriver({ store: root }) })
  t.equal(await another.getItem('k'), 'v')
  await another.dispose()
})
