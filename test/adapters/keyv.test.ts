import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import suite, { keyvIteratorTests } from '@keyv/test-suite'
import { createCache } from 'cache-manager'
import { Cacheable } from 'cacheable'
import { Keyv } from 'keyv'
import { Keyv as Keyv6 } from 'keyv-6'
import t, { type Test } from 'tap'
import { open, type Store } from '../../index.js'
import { KeyvLinkstore } from '../../lib/adapters/keyv.js'
import { flipBit, objectPath } from '../format/damage.js'
import { scratchDirectory } from '../support/surroundings.js'
import { runLikeVitest } from './like-vitest.js'

async function storeIn(t: Test): Promise<{ root: string; store: Store }> {
  const root = `${await scratchDirectory(t)}/store`
  const store = await open(root, { durability: 'none' })
  t.teardown(() => store.close())
  return { root, store }
}

await t.test('the suite of Keyv', async (t) => {
  const { store } = await storeIn(t)
  // All on the same data, so that what one leaves in the way of another is seen.
  const adapter = (): KeyvLinkstore => new KeyvLinkstore(store)
  const count = await runLikeVitest(t, (vitest) => {
    suite(vitest, Keyv, adapter)
    keyvIteratorTests(vitest, Keyv, adapter)
  })
  t.ok(count >= 38, `${count} tests were run`)
})

/** What both versions of Keyv have; how they are typed differs. */
interface AnyKeyv {
  get(key: string): Promise<unknown>
  set(key: string, value: unknown, ttl?: number): Promise<unknown>
  getMany(keys: string[]): Promise<unknown[]>
  setMany(entries: { key: string; value: unknown; ttl?: number }[]): Promise<unknown>
  has(key: string): Promise<boolean>
  delete(key: string | string[]): Promise<unknown>
  clear(): Promise<void>
  disconnect(): Promise<void>
  on(event: string, listener: (error: Error) => void): unknown
  iterator?: unknown
}

interface Options {
  readonly namespace?: string
  readonly throwOnErrors?: boolean
}

const VERSIONS: Record<string, (store: KeyvLinkstore, options?: Options) => AnyKeyv> = {
  'Keyv 5': (store, options) => new Keyv({ ...options, store }),
  'Keyv 6': (store, options) => new Keyv6({ ...options, store }),
}

/** The keys that iterating gives; in Keyv 5 the iterator takes an argument that it ignores. */
async function keysOf(keyv: AnyKeyv): Promise<string[]> {
  const iterate = keyv.iterator as (nothing: undefined) => AsyncIterable<[string, unknown]>
  const keys: string[] = []
  for await (const [key] of iterate.call(keyv, undefined)) keys.push(key)
  return keys.sort()
}

for (const [version, make] of Object.entries(VERSIONS)) {
  await t.test(`${version}: values of all kinds, one and many`, async (t) => {
    const { store } = await storeIn(t)
    const keyv = make(new KeyvLinkstore(store))
    for (const value of [
      'text',
      '',
      0,
      false,
      null,
      { a: [1, { b: 'ü' }] },
      Buffer.from([0, 255]),
    ]) {
      await keyv.set('k', value)
      t.same(await keyv.get('k'), value)
      t.equal(await keyv.has('k'), true)
    }
    await keyv.setMany([
      { key: 'one', value: 1 },
      { key: 'two', value: 2, ttl: 60_000 },
    ])
    t.same(await keyv.getMany(['two', 'absent', 'one']), [2, undefined, 1])
    t.ok(await keyv.delete('k'))
    t.equal(await keyv.get('k'), undefined)
    t.same(await keysOf(keyv), ['one', 'two'])
    await keyv.delete(['one', 'two'])
    t.equal(await store.count(), 0)
  })

  await t.test(`${version}: what has a ttl expires with its object`, async (t) => {
    const { store } = await storeIn(t)
    const keyv = make(new KeyvLinkstore(store), { namespace: 'n' })
    await keyv.set('short', 1, 60)
    await keyv.set('long', 2, 60_000)
    const times: (number | undefined)[] = []
    for await (const { expiresAtMs } of store.list()) times.push(expiresAtMs)
    t.ok(times.length === 2 && times.every((time) => time! > Date.now() - 1000))
    await sleep(80)
    t.equal(await keyv.get('short'), undefined)
    t.equal(await keyv.has('short'), false)
    t.same(await keysOf(keyv), ['long'])
  })

  await t.test(`${version}: namespaces are exact`, async (t) => {
    const { store } = await storeIn(t)
    await store.set('of somebody else', 'value')
    const names = ['users', 'users2', 'users:old', 'user', 'a/b', 'a', '%', '']
    const all = names.map((namespace) => make(new KeyvLinkstore(store), { namespace }))
    for (const [index, keyv] of all.entries()) {
      await keyv.set('k', names[index])
      await keyv.set('b:k', names[index])
    }
    for (const [index, keyv] of all.entries()) t.equal(await keyv.get('b:k'), names[index])
    await all[0]!.clear()
    t.equal(await all[0]!.get('k'), undefined)
    for (const [index, keyv] of all.entries()) {
      if (index > 0) t.equal(await keyv.get('k'), names[index], `"${names[index]}" is still there`)
    }
    for (const keyv of all) await keyv.clear()
    t.same(await keysIn(store), ['of somebody else'])
  })

  await t.test(`${version}: a damaged value is a miss, and is told`, async (t) => {
    const { root, store } = await storeIn(t)
    const keyv = make(new KeyvLinkstore(root), { namespace: 'n' })
    const errors: Error[] = []
    keyv.on('error', (error) => errors.push(error))
    await keyv.set('k', 'value')
    const [key = ''] = await keysIn(store)
    const path = objectPath(root, key)
    writeFileSync(path, flipBit(readFileSync(path), 20))
    t.equal(await keyv.get('k'), undefined)
    t.match(errors, [{ code: 'CORRUPT' }])
    await keyv.set('k', 'again')
    t.equal(await keyv.get('k'), 'again')
    await keyv.disconnect()
    t.equal(await keyv.get('k').catch(() => undefined), undefined)
    t.match(errors.at(-1), { code: 'CLOSED' })
  })
}

await t.test('an adapter that several Keyvs share mixes nothing up', async (t) => {
  const { store } = await storeIn(t)
  const shared = new KeyvLinkstore(store)
  const [one, two] = ['one', 'two'].map((namespace) => new Keyv({ store: shared, namespace }))
  await one!.set('k', 1)
  await two!.set('k', 2)
  t.same([await one!.get('k'), await two!.get('k')], [1, 2], 'Keyv 5 says which it is')
  const told: unknown[] = []
  one!.on('error', (error) => told.push(error))
  await one!.clear()
  t.match(told, [TypeError], 'and not which to clear')
  t.equal(await two!.get('k'), 2)

  const shared6 = new KeyvLinkstore(store)
  const [three] = ['three', 'four'].map(
    (namespace) => new Keyv6({ store: shared6, namespace, throwOnErrors: true }),
  )
  await t.rejects(three!.set('k', 3), TypeError)
})

await t.test('what is no text is cloned, without a serializer', async (t) => {
  const { store } = await storeIn(t)
  const adapter = new KeyvLinkstore(store)
  const value = new Map([['bytes', Buffer.from('b')]])
  await adapter.set('k', { value })
  t.same(await adapter.get('k'), { value })
  t.same(await adapter.getMany(['k', 'absent']), [{ value }, undefined])
  await t.rejects(adapter.set('k', { value: () => undefined }), TypeError)
  await adapter.set('k', 'gone', 0)
  t.equal(await adapter.has('k'), false)
  t.same(await adapter.hasMany(['k', 'l']), [false, false])
  t.throws(() => new KeyvLinkstore({} as never), TypeError)
})

await t.test('cache-manager and cacheable work through it', async (t) => {
  const { root, store } = await storeIn(t)
  const cache = createCache({ stores: [new Keyv({ store: new KeyvLinkstore(root) })] })
  let made = 0
  const make = async (): Promise<number> => (made += 1)
  t.same([await cache.wrap('k', make, 60_000), await cache.wrap('k', make, 60_000)], [1, 1])
  const other = createCache({ stores: [new Keyv({ store: new KeyvLinkstore(store) })] })
  t.equal(await other.get('k'), 1, 'another process has it')
  await other.del('k')
  t.equal(await cache.wrap('k', make), 2)
  await cache.clear()
  t.equal(await store.count(), 0)
  await cache.disconnect()

  const secondary = new Keyv({ store: new KeyvLinkstore(store) })
  const cacheable = new Cacheable({ secondary })
  await cacheable.set('k', { a: 1 }, '1h')
  const fresh = new Cacheable({ secondary: new Keyv({ store: new KeyvLinkstore(store) }) })
  t.same(await fresh.get('k'), { a: 1 })
})

async function keysIn(store: Store): Promise<string[]> {
  const keys: string[] = []
  for await (const key of store.keys()) keys.push(key)
  return keys
}
