import * as nodeFs from 'node:fs'
import { linkSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { open, openSync, type OpenOptions } from '../index.js'
import { ValueCache } from '../lib/protocol/value-cache.js'
import { bothFaces, type Faces } from './support/faces.js'
import { placeOf, privateNames, untilPrivateNames } from './support/leftovers.js'
import { scratchDirectory } from './support/surroundings.js'

const CACHE: OpenOptions = { cache: { maxBytes: 100_000 } }

/** What a store with a cache reads, and how often it opened files for that. */
async function watched(t: Test): Promise<Faces & { readonly opened: () => number }> {
  let count = 0
  const openFile = (...values: unknown[]): unknown => {
    count += 1
    return (nodeFs.openSync as (...all: unknown[]) => unknown)(...values)
  }
  const root = `${await scratchDirectory(t)}/store`
  const store = await open(root, { durability: 'none' })
  const sync = openSync(root, {
    ...CACHE,
    durability: 'none',
    fs: { ...nodeFs, openSync: openFile },
  })
  t.teardown(() => {
    sync.close()
    return store.close()
  })
  const opened = (): number => {
    const before = count
    count = 0
    return before
  }
  return { root, store, sync, opened }
}

await t.test('what is kept is read without opening it, until it is changed', async (t) => {
  const { store, sync, opened } = await watched(t)
  await store.set('k', 'first', { metadata: { of: 'k' } })
  t.equal(String(sync.get('k')), 'first')
  opened()
  t.equal(String(sync.get('k')), 'first')
  t.same(sync.stat('k')?.metadata, { of: 'k' })
  t.equal(opened(), 0, 'from memory')
  await store.set('k', 'second')
  t.equal(String(sync.get('k')), 'second')
  t.equal(opened(), 1)
  sync.set('k', 'third')
  t.equal(String(sync.get('k')), 'third')
  await store.delete('k')
  t.equal(sync.get('k'), undefined)
  t.equal(sync.stat('k'), undefined)
  await store.set('k', 'again')
  t.equal(String(sync.take('k')), 'again')
  t.equal(sync.get('k'), undefined)
})

await t.test('what a caller does to a value is not what others read', async (t) => {
  const { store, sync } = await bothFaces(t, CACHE)
  for (const face of [store, sync]) {
    await face.set('k', 'value')
    for (let read = 0; read < 3; read += 1) (await face.get('k'))?.fill(0)
    t.equal(String(await face.get('k')), 'value')
  }
})

await t.test('what expires is absent, from memory too', async (t) => {
  const { store } = await bothFaces(t, CACHE)
  await store.set('k', 'v', { ttlMs: 1000 })
  t.equal(String(await store.get('k')), 'v')
  t.equal(String(await store.get('k')), 'v')
  await setTimeout(1100)
  t.equal(await store.get('k'), undefined)
  t.equal(await store.has('k'), false)
})

await t.test('it keeps to its limits, and each value has one link', async (t) => {
  const root = join(await scratchDirectory(t), 'store')
  const store = await open(root, { durability: 'none', cache: { maxBytes: 5000, maxValues: 10 } })
  for (let count = 0; count < 30; count += 1) await store.set(`k${count}`, Buffer.alloc(400))
  for (let round = 0; round < 2; round += 1) {
    for (let count = 0; count < 30; count += 1) await store.get(`k${count}`)
  }
  t.equal(await untilPrivateNames(root, 10), 10, 'as many values')
  for (let count = 0; count < 6; count += 1) {
    await store.set(`large${count}`, Buffer.alloc(1200))
    await store.get(`large${count}`)
  }
  t.equal(await untilPrivateNames(root, 4), 4, 'as many bytes')
  await store.set('too large', Buffer.alloc(2000))
  await store.get('too large')
  t.equal(await untilPrivateNames(root, 4), 4)
  t.equal(statSync(placeOf(root, 'large5')).nlink, 2)
  await store.close()
  t.same(readdirSync(join(root, '.tmp')), [], 'closing removes them')
})

await t.test('what nobody asks for is dropped the second time', async (t) => {
  const store = await open(join(await scratchDirectory(t), 'store'), { durability: 'none' })
  t.teardown(() => store.close())
  const kept = new ValueCache({ maxBytes: 1000, maxValues: 10 })
  const file = { dev: 1, ino: 1, mtimeMs: 1, nlink: 2 }
  for (const hash of ['a', 'b']) {
    const info = await store.set(hash, hash)
    const object = { key: hash, hash, outer: '', shard: '', path: '' }
    const facts = { object, info, privatePath: hash, instanceId: '', file }
    kept.put(hash, { ...facts, bytes: Buffer.from(hash) })
  }
  t.same(kept.takeUnused(), [], 'both have just been read')
  kept.get('a')
  t.same(
    kept.takeUnused().map(({ object }) => object.hash),
    ['b'],
  )
  t.same([kept.size, kept.bytes, kept.placeOf('b')], [1, 1, undefined])
})

await t.test('what cannot be kept is read all the same, and nothing stays open', async (t) => {
  const root = join(await scratchDirectory(t), 'store')
  const open = new Set<number>()
  let fails = false
  const fs = {
    ...nodeFs,
    openSync: (...values: Parameters<typeof nodeFs.openSync>) => {
      const fd = nodeFs.openSync(...values)
      open.add(fd)
      return fd
    },
    closeSync: (fd: number) => {
      nodeFs.closeSync(fd)
      open.delete(fd)
    },
    fstatSync: (...values: Parameters<typeof nodeFs.fstatSync>) => {
      if (!fails) return nodeFs.fstatSync(...values)
      throw Object.assign(new Error('EIO'), { code: 'EIO', errno: -5 })
    },
  }
  const sync = openSync(root, { ...CACHE, durability: 'none', fs })
  t.teardown(() => sync.close())
  sync.set('k', 'value')
  fails = true
  t.equal(String(sync.get('k')), 'value')
  t.equal(open.size, 0)
  t.same(privateNames(root), [])
})

await t.test('a file with many names gets none that stays', async (t) => {
  const { root, store, sync, opened } = await watched(t)
  await store.set('k', 'value')
  sync.get('k')
  for (let count = 0; count < 70; count += 1)
    linkSync(placeOf(root, 'k'), join(root, `.tmp/n${count}`))
  opened()
  for (let read = 0; read < 3; read += 1) t.equal(String(sync.get('k')), 'value')
  t.equal(opened(), 3, 'nothing is kept')
  t.equal(statSync(placeOf(root, 'k')).nlink, 71)
})

await t.test('who lost its private names believes nothing that it kept', async (t) => {
  const { root, store, sync } = await watched(t)
  await store.set('k', 'old')
  sync.get('k')
  // As a sweep would, after hours of silence; and the number is given to another file.
  const [instance = ''] = readdirSync(join(root, '.tmp'))
  rmSync(join(root, '.tmp', instance), { recursive: true })
  t.equal(String(sync.get('k')), 'old')
  await store.set('k', 'new')
  t.equal(String(sync.get('k')), 'new')
})

await t.test('a file of the same number, but of another time, is another file', async (t) => {
  const { root, store, sync, opened } = await watched(t)
  await store.set('k', 'value')
  sync.get('k')
  utimesSync(placeOf(root, 'k'), 1, 1)
  opened()
  t.equal(String(sync.get('k')), 'value')
  t.equal(opened(), 1, 'it is read again')
})

await t.test('a store that is moved away is not there any more', async (t) => {
  const { root, store, sync } = await bothFaces(t, CACHE)
  await store.set('k', 'value')
  sync.get('k')
  renameSync(root, `${root}-away`)
  t.throws(() => sync.get('k'), { code: 'UNAVAILABLE' })
  renameSync(`${root}-away`, root)
  t.equal(String(sync.get('k')), 'value')
})

await t.test('bad limits are refused', async (t) => {
  const root = join(await scratchDirectory(t), 'store')
  for (const cache of [{}, { maxBytes: '1' }, { maxBytes: 1, size: 2 }, 5]) {
    await t.rejects(open(root, { cache: cache as never }), TypeError)
  }
  for (const cache of [{ maxBytes: 0 }, { maxBytes: 1, maxValues: 0 }]) {
    await t.rejects(open(root, { cache }), RangeError)
  }
  const conditional = open(root, { conditional: true, ...CACHE })
  await t.rejects(conditional, { code: 'NOT_SUPPORTED' })
})
