import t from 'tap'
import { directoryStore, Store, StoreError } from '../../index.js'
import { memoryStore } from '../../lib/backends/memory.js'
import { withNamespace } from '../../lib/layers/namespaced.js'
import { scratchDirectory } from '../support/surroundings.js'

async function keysOf(store: Store): Promise<string[]> {
  const keys: string[] = []
  for await (const key of store.keys()) keys.push(key)
  return keys.sort()
}

await t.test('no namespace sees, lists or clears what is not its own', async (t) => {
  const objects = memoryStore()
  const whole = new Store(objects)
  const names = ['a', 'ab', 'a/b', 'a%2Fb', 'A', 'ä', ' ', '..']
  const stores = names.map((name) => new Store(withNamespace(objects, name)))
  await whole.set('a', 'of the whole')
  for (const [index, store] of stores.entries()) await store.set('key', `${index}`)
  for (const [index, store] of stores.entries()) {
    t.equal(String(await store.get('key')), `${index}`)
    t.same(await keysOf(store), ['key'])
  }
  t.equal(await stores[0]!.clear(), 1)
  t.equal(await whole.count(), names.length)
  t.equal(String(await whole.get('a')), 'of the whole')
})

await t.test('a namespace within another one is a part of it', async (t) => {
  const outer = withNamespace(memoryStore(), 'a')
  const inner = new Store(withNamespace(outer, 'b'))
  await inner.set('key', 'value')
  t.same(await keysOf(new Store(outer)), ['b/key'])
})

await t.test('errors name the key that the caller knows', async (t) => {
  const root = await scratchDirectory(t)
  const objects = await directoryStore(`${root}/store`, { format: 'raw' })
  const store = withNamespace(objects, 'a')
  t.same(store.supports, { ...objects.supports, maxKeyBytes: 65_534 })
  const refused = await store.write('key', 'v', { ttlMs: 1 }).catch((error: unknown) => error)
  t.match(refused, { code: 'NOT_SUPPORTED', key: 'key' })
  await store.write('key', 'no json')
  const object = await store.read('key')
  t.match(await object!.json().catch((error: unknown) => error), { code: 'DECODE', key: 'key' })
  await object!.close()
  const long = await store.read('x'.repeat(65_535)).catch((error: unknown) => error)
  t.match(long, { code: 'INVALID_KEY', message: /may have 65534 bytes/ })
  await store.close()
  await t.rejects(store.read('key'), { code: 'CLOSED', key: 'key' })
})

await t.test('what is no name is refused', async (t) => {
  const objects = memoryStore()
  t.throws(() => withNamespace(objects, ''), TypeError)
  t.throws(() => withNamespace(objects, 1 as never), TypeError)
  t.throws(() => withNamespace(objects, '\ud800'), StoreError)
})

await t.test(
  'stores in memory share objects, or do not, and forget what has expired',
  async (t) => {
    const first = memoryStore()
    const [one, same, other] = [first, memoryStore({ from: first }), memoryStore()]
    await one.write('k', 'v')
    t.ok(await same.stat('k'))
    t.notOk(await other.stat('k'))
    await one.close()
    t.ok(await same.stat('k'), 'each is closed by itself')
    t.throws(() => memoryStore({ from: {} as never }), TypeError)
    t.throws(() => memoryStore({ form: first } as never), TypeError)

    // What nobody asks for any more must go, too: seen by what the process holds.
    const sizeBytes = 100_000
    const before = process.memoryUsage().arrayBuffers
    for (let index = 0; index < 3000; index += 1) {
      await other.write(`key ${index}`, Buffer.alloc(sizeBytes), { ttlMs: 1 })
    }
    const held = process.memoryUsage().arrayBuffers - before
    t.ok(held < 2500 * sizeBytes, `${held} bytes are held of ${3000 * sizeBytes}`)
  },
)
