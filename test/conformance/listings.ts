import assert from 'node:assert/strict'
import { Store, type ObjectInfo } from '../../index.js'
import type { ConformanceTest } from './index.js'
import { rejectsWith } from './support.js'

async function all(infos: AsyncIterable<ObjectInfo>): Promise<ObjectInfo[]> {
  const gathered: ObjectInfo[] = []
  for await (const info of infos) gathered.push(info)
  return gathered
}

const COUNT = 60

export const listings: readonly ConformanceTest[] = [
  {
    name: 'a listing gives every key once, with what stat says of it, or is refused',
    async run(subject, supports) {
      const store = await subject.open()
      if (!supports.list) {
        await store.write('k', 'v')
        await rejectsWith(all(store.list()), 'NOT_SUPPORTED')
        return
      }
      assert.deepEqual(await all(store.list()), [])
      for (let i = 0; i < COUNT; i += 1) await store.write(`${i % 2 ? 'odd' : 'even'}/${i}`, `${i}`)
      const infos = await all(store.list())
      assert.equal(new Set(infos.map(({ key }) => key)).size, COUNT)
      assert.equal(infos.length, COUNT)
      for (const info of infos) assert.deepEqual(info, await store.stat(info.key))
      const odd = await all(store.list({ prefix: 'odd/' }))
      assert.equal(odd.length, COUNT / 2)
      assert.ok(odd.every(({ key }) => key.startsWith('odd/')))
    },
  },
  {
    name: 'keys that stay are listed once each, whatever comes and goes meanwhile',
    async run(subject, supports) {
      if (!supports.list) return
      const [store, other] = [await subject.open(), await subject.open()]
      const kept = Array.from({ length: COUNT }, (_, i) => `kept ${i}`)
      for (const key of kept) await store.write(key, '')
      let isDone = false
      const changing = (async () => {
        for (let i = 0; !isDone; i += 1) {
          await other.write(`other ${i % 9}`, '')
          await other.write(kept[i % COUNT] ?? '', 'again')
          await other.remove(`other ${(i + 5) % 9}`)
        }
      })()
      for (let round = 0; round < 5; round += 1) {
        const keys = (await all(store.list({ prefix: 'kept' }))).map(({ key }) => key)
        assert.deepEqual(keys.sort(), [...kept].sort())
      }
      isDone = true
      await changing
    },
  },
  {
    name: 'the face counts, iterates and clears',
    async run(subject, supports) {
      if (!supports.list) return
      const store = new Store(await subject.open())
      assert.equal(await store.count(), 0)
      await store.set('a', '1')
      await store.set('b', '2')
      assert.equal(await store.count(), 2)
      const entries = new Map<string, string>()
      for await (const [key, value] of store) entries.set(key, String(value))
      assert.deepEqual([...entries].sort(), [
        ['a', '1'],
        ['b', '2'],
      ])
      const seen: string[] = []
      for await (const value of store.values({ prefix: 'b' })) seen.push(String(value))
      assert.deepEqual(seen, ['2'])
      assert.equal(await store.clear(), 2)
      assert.equal(await store.count(), 0)
      assert.equal(await store.get('a'), undefined)
    },
  },
]
