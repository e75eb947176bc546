import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { Store } from '../../index.js'
import type { ConformanceTest } from './index.js'
import { consume, rejectsWith, valueOf } from './support.js'

const TTL_MS = 60

export const verbs: readonly ConformanceTest[] = [
  {
    name: 'a key that was never written is absent to every verb',
    async run(subject) {
      const store = await subject.open()
      assert.equal(await store.read('k'), undefined)
      assert.equal(await store.stat('k'), undefined)
      assert.equal(await store.take('k'), undefined)
      assert.equal(await store.remove('k'), false)
    },
  },
  {
    name: 'a write replaces, a removal removes, and both say so',
    async run(subject) {
      const store = await subject.open()
      await store.write('k', 'one')
      await store.write('k', 'two')
      assert.equal(String(await valueOf(store, 'k')), 'two')
      assert.equal(await store.remove('k'), true)
      assert.equal(await store.remove('k'), false)
      assert.equal(await valueOf(store, 'k'), undefined)
      await store.write('k', 'three')
      assert.equal(String(await valueOf(store, 'k')), 'three')
    },
  },
  {
    name: 'what one store writes, another one on the same data reads',
    async run(subject) {
      const [one, other] = [await subject.open(), await subject.open()]
      assert.equal(await valueOf(other, 'k'), undefined)
      await one.write('k', 'one')
      assert.equal(String(await valueOf(other, 'k')), 'one')
      await other.write('k', 'other')
      assert.equal(String(await valueOf(one, 'k')), 'other')
      assert.equal(await one.remove('k'), true)
      assert.equal(await valueOf(other, 'k'), undefined)
    },
  },
  {
    name: 'take gives the value once',
    async run(subject) {
      const store = await subject.open()
      for (const value of ['small', 'large'.repeat(20_000)]) {
        await store.write('k', value)
        assert.equal(String(await consume(await store.take('k'))), value)
        assert.equal(await store.take('k'), undefined)
        assert.equal(await store.stat('k'), undefined)
      }
    },
  },
  {
    name: 'metadata and content type are kept, or refused',
    async run(subject, supports) {
      const store = await subject.open()
      const attributes = { contentType: 'text/plain', metadata: { color: 'grün', __proto__x: '' } }
      if (!supports.metadata) {
        await rejectsWith(store.write('k', '', attributes), 'NOT_SUPPORTED')
        return
      }
      const written = await store.write('k', 'v', attributes)
      const info = await store.stat('k')
      assert.deepEqual(info, written)
      assert.equal(info?.contentType, 'text/plain')
      assert.deepEqual(info.metadata, attributes.metadata)
      await store.write('k', 'v')
      assert.deepEqual((await store.stat('k'))?.metadata, {})
      assert.equal((await store.stat('k'))?.contentType, undefined)
    },
  },
  {
    name: 'each write has a version of its own, where versions are kept',
    async run(subject, supports) {
      const store = await subject.open()
      const seen = new Set<string | undefined>()
      for (let i = 0; i < 20; i += 1) seen.add((await store.write('k', 'same')).version)
      assert.equal(seen.size, supports.versions ? 20 : 1)
    },
  },
  {
    name: 'an expired object is absent to every verb, or a ttl is refused',
    async run(subject, supports) {
      const objects = await subject.open()
      const store = new Store(objects)
      if (!supports.expiry) {
        await rejectsWith(store.set('k', '', { ttlMs: 1 }), 'NOT_SUPPORTED')
        return
      }
      await store.set('kept', 'v', { ttlMs: 3_600_000 })
      for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) await store.set(key, key, { ttlMs: TTL_MS })
      assert.equal(String(await store.get('kept')), 'v')
      await sleep(TTL_MS + 5)
      assert.equal(await store.get('a'), undefined)
      assert.equal(await store.has('a'), false)
      assert.equal(await store.stat('a'), undefined)
      assert.equal(await store.read('a'), undefined)
      assert.equal(await store.delete('a'), false)
      assert.equal(await store.take('b'), undefined)
      assert.equal(await store.copy('c', 'x'), false)
      assert.equal(await store.rename('d', 'x'), false)
      assert.equal(await store.count(), 1)
      assert.equal(await store.add('e', 'new'), true)
      assert.equal(String(await store.get('e')), 'new')
      await store.set('f', 'back')
      assert.equal(String(await store.get('f')), 'back')
      if (!supports.list) return
      const keys: string[] = []
      for await (const key of store.keys()) keys.push(key)
      assert.deepEqual(keys.sort(), ['e', 'f', 'kept'])
    },
  },
  {
    name: 'copy and rename carry the value and all that belongs to it',
    async run(subject, supports) {
      const store = new Store(await subject.open())
      const attributes = { contentType: 'x/y', metadata: { a: 'b' }, ttlMs: 3_600_000 }
      await store.set('from', 'value'.repeat(30_000), supports.metadata ? attributes : {})
      const original = await store.stat('from')
      assert.equal(await store.copy('from', 'copy'), true)
      assert.equal(await store.rename('from', 'moved'), true)
      assert.equal(await store.has('from'), false)
      for (const key of ['copy', 'moved']) {
        assert.equal(String(await store.get(key)), 'value'.repeat(30_000))
        const { metadata, contentType } = (await store.stat(key)) ?? {}
        assert.deepEqual([metadata, contentType], [original?.metadata, original?.contentType])
      }
      assert.equal(await store.rename('copy', 'copy'), true)
      assert.equal(await store.has('copy'), true)
      assert.equal(await store.copy('absent', 'copy'), false)
      assert.equal(await store.rename('absent', 'copy'), false)
      assert.equal(await store.has('copy'), true)
    },
  },
]
