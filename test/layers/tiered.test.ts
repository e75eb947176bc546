import { Readable } from 'node:stream'
import t from 'tap'
import { dir } from 'tmp-promise'
import { directoryStore, Store, StoreError } from '../../index.js'
import type { Body, ObjectInfo, StoredObject } from '../../index.js'
import { memoryStore } from '../../lib/backends/memory.js'
import { withNamespace } from '../../lib/layers/namespaced.js'
import { withTiers } from '../../lib/layers/tiered.js'
import { consume, gather, pattern, valueOf } from '../conformance/support.js'
import { changed } from '../support/changed-store.js'
import { inMemory, keysOf, LARGE, OTHER, pieces, pointedTo, SMALL } from '../support/tiers.js'
import { THRESHOLD_BYTES, tiersOf, unconditional, type Tiers } from '../support/tiers.js'

await t.test('the size of a value decides where it is, in whatever form it comes', async (t) => {
  const { store, small, large } = inMemory()
  for (const sizeBytes of [0, 99, 100, 101, 5000]) {
    const value = pattern(sizeBytes)
    const forms: readonly Body[] = [
      value,
      value.toString('latin1').replaceAll(/[^ -~]/g, '.'),
      new Blob([Uint8Array.from(value)]),
      pieces(value),
      Readable.from(pieces(value), { objectMode: false }),
    ]
    for (const body of forms) {
      const info = await store.write('k', body, { contentType: 'a/b', metadata: { a: 'b' } })
      t.match(info, { key: 'k', sizeBytes, contentType: 'a/b' })
      t.same(info.metadata, { a: 'b' })
      t.same(await store.stat('k'), info)
      for await (const listed of store.list()) t.same(listed, info)
      t.same((await store.read('k'))?.info, info)
      const isLarge = sizeBytes > THRESHOLD_BYTES
      t.equal((await small.stat('k'))?.sizeBytes, isLarge ? 0 : sizeBytes)
      t.equal((await keysOf(large)).length, isLarge ? 1 : 0, 'and of the last one nothing is left')
    }
  }
})

await t.test('parts of both kinds of values can be read', async (t) => {
  const { store } = inMemory()
  for (const value of [SMALL, OTHER]) {
    await store.write('k', value)
    await using object = await store.read('k')
    const part = await gather(object!.stream({ start: 7, end: 60 }))
    t.ok(part.equals(value.subarray(7, 61)))
    t.throws(() => object!.stream({ start: value.length }), RangeError)
  }
})

await t.test('a change that is not made leaves nothing behind', async (t) => {
  const tiers = inMemory()
  const { store, large } = tiers
  await store.write('k', LARGE)
  const names = await keysOf(large)
  const conflict = { code: 'PRECONDITION_FAILED', key: 'k' }
  await t.rejects(store.write('k', OTHER, { ifAbsent: true }), conflict)
  await t.rejects(store.write('k', OTHER, { ifVersion: '0'.repeat(32) }), conflict)
  await t.rejects(store.remove('k', { ifVersion: '0'.repeat(32) }), conflict)
  const abort = new AbortController()
  const aborting = async function* (): AsyncGenerator<Buffer> {
    yield OTHER
    abort.abort()
    yield OTHER
  }
  await t.rejects(store.write('k', aborting(), { signal: abort.signal }), { code: 'ABORTED' })
  const failure = new Error('the source broke')
  let isStopped = false
  const failing = async function* (): AsyncGenerator<Buffer> {
    try {
      yield OTHER
      throw failure
    } finally {
      isStopped = true
    }
  }
  await t.rejects(store.write('k', failing()), failure)
  t.ok(isStopped)
  t.same(await keysOf(large), names)
  t.ok((await valueOf(store, 'k'))?.equals(LARGE))
})

await t.test('a large value passes through, and is stopped where the tier fails', async (t) => {
  let given = 0
  let isStopped = false
  const source = async function* (): AsyncGenerator<Buffer> {
    try {
      for (; given < 1000; given += 1) yield pattern(50)
    } finally {
      isStopped = true
    }
  }
  const failing = changed(memoryStore(), {
    write: async (_key, body) => {
      const iterator = (body as AsyncIterable<Buffer>)[Symbol.asyncIterator]()
      for (let count = 0; count < 5; count += 1) await iterator.next()
      await iterator.return?.()
      throw new StoreError('NO_SPACE', 'the tier is full')
    },
  })
  const { store, small } = tiersOf(memoryStore(), failing)
  await t.rejects(store.write('k', source()), { code: 'NO_SPACE', key: 'k', operation: 'write' })
  t.ok(isStopped)
  t.ok(given < 10, `${given} pieces were asked for`)
  t.equal(await small.stat('k'), undefined)
})

await t.test('what was refused, but only to a repetition, stays', async (t) => {
  for (const mayDepend of [true, false]) {
    const inner = memoryStore()
    let isFirst = true
    const repeated = changed(inner, {
      supports: { ...inner.supports, conditions: mayDepend },
      write: async (...given) => {
        const info = await inner.write(...given)
        if (!isFirst) return info
        isFirst = false
        throw new StoreError('PRECONDITION_FAILED', 'somebody was first')
      },
    })
    const { store } = tiersOf(repeated, memoryStore())
    await Promise.allSettled([store.write('k', LARGE)])
    t.ok((await valueOf(store, 'k'))?.equals(LARGE))
  }
})

await t.test('readers never miss a value that is always replaced, in directories', async (t) => {
  const scratch = await dir({ unsafeCleanup: true, prefix: 'linkstore-' })
  t.teardown(() => scratch.cleanup())
  for (const conditional of [false, true]) {
    const path = `${scratch.path}/${conditional}`
    const open = async (): Promise<Tiers> =>
      tiersOf(
        await directoryStore(`${path}/small`, { conditional, durability: 'none' }),
        await directoryStore(`${path}/large`, { durability: 'none' }),
      )
    const writers = [await open(), await open()]
    const reader = await open()
    const contents = [SMALL, LARGE, OTHER, pattern(200_000, 3)]
    await reader.store.write('k', LARGE)
    let isDone = false
    const writing = Promise.all(
      writers.map(async ({ store }) => {
        for (let i = 0; i < 60; i += 1) await store.write('k', contents[i % 4]!)
      }),
    ).finally(() => (isDone = true))
    let reads = 0
    while (!isDone) {
      const value = await valueOf(reader.store, 'k')
      t.ok(contents.some((content) => value?.equals(content)))
      reads += 1
    }
    await writing
    t.ok(reads > 10, `${reads} reads`)
    // Takers and writers, too.
    const taking = Promise.all(
      [...writers, reader].map(async ({ store }, i) => {
        for (let round = 0; round < 15; round += 1) {
          if (i === 0) await store.write('k', OTHER)
          else await consume(await store.take('k'))
        }
      }),
    )
    await taking
    const left = (await keysOf(reader.large)).length - (await pointedTo(reader)).length
    t.equal((await reader.store.verify({ graceMs: 0 })).orphans, left)
    t.same(await keysOf(reader.large), await pointedTo(reader))
    for (const { store } of [...writers, reader]) await store.close()
  }
})

await t.test('verify keeps what may be under way, and tells what is broken', async (t) => {
  const tiers = inMemory()
  const { store, small, large } = tiers
  for (const key of ['sound', 'gone', 'cut']) await store.write(key, LARGE)
  await store.write('inline', SMALL)
  await large.write('not of this layer', 'x')
  await large.write(`tiered/${'a'.repeat(64)}/${'b'.repeat(32)}`, OTHER)
  const nameOf = async (key: string): Promise<string> =>
    (await small.stat(key))!.metadata['linkstore-tiered']!.split(' ')[0]!
  await large.remove(await nameOf('gone'))
  await large.write(await nameOf('cut'), 'short')
  const broken = ['gone', 'cut']
  t.same(await store.verify(), { objects: 4, large: 3, orphans: 0, broken }, 'all are young')
  const seen = await store.verify({ graceMs: 0, repair: false })
  t.same(seen, { objects: 4, large: 3, orphans: 1, broken })
  t.equal((await store.verify({ graceMs: 0 })).orphans, 1)
  t.equal((await store.verify({ graceMs: 0 })).orphans, 0)
  for (const key of broken) {
    await t.rejects(store.read(key), { code: 'CORRUPT', key })
    await t.rejects(store.take(key), { code: 'CORRUPT', key }, 'and it is not taken')
    t.equal((await store.stat(key))?.sizeBytes, LARGE.length)
  }
  t.same((await store.verify({ removeBroken: true })).broken, broken)
  t.same(await keysOf(store), ['inline', 'sound'])
  await store.verify({ graceMs: 0 })
  t.same(await keysOf(large), [...(await pointedTo(tiers)), 'not of this layer'].sort())
  t.ok((await valueOf(store, 'sound'))?.equals(LARGE))
})

await t.test('where the small tier cannot be read as a whole, nothing is removed', async (t) => {
  const inner = memoryStore()
  const damaged = changed(inner, {
    async *list(): AsyncGenerator<ObjectInfo> {
      for await (const info of inner.list()) if (info.key !== 'unseen') yield info
      throw new StoreError('CORRUPT', 'one object cannot be read')
    },
  })
  const { store, small, large } = tiersOf(damaged, memoryStore())
  await store.write('unseen', LARGE)
  await t.rejects(store.verify({ graceMs: 0 }), { code: 'CORRUPT' })
  t.equal((await keysOf(large)).length, 1)
  t.ok((await valueOf(store, 'unseen'))?.equals(LARGE))
  await small.write('newer', '', { metadata: { 'linkstore-tiered': '2 elsewhere' } })
  const sound = tiersOf(inner, large).store
  await t.rejects(sound.verify({ graceMs: 0 }), { code: 'FORMAT_UNSUPPORTED' })
  t.equal((await keysOf(large)).length, 1)
})

await t.test('what is not of the layer is read as it is, or told', async (t) => {
  const { store, small, large } = inMemory()
  await small.write('before', 'there was a layer')
  t.equal(String(await valueOf(store, 'before')), 'there was a layer')
  await small.write('newer', 'abc', { metadata: { 'linkstore-tiered': '2 elsewhere' } })
  const unknown = { code: 'FORMAT_UNSUPPORTED', key: 'newer' }
  await t.rejects(store.read('newer'), unknown)
  await t.rejects(store.stat('newer'), unknown)
  await t.rejects(store.take('newer'), unknown)
  const listed: string[] = []
  const listing = (async () => {
    for await (const { key } of store.list()) listed.push(key)
  })()
  await t.rejects(listing, { code: 'FORMAT_UNSUPPORTED' })
  t.same(listed, ['before'], 'all others are listed')
  await store.write('newer', LARGE)
  t.ok((await valueOf(store, 'newer'))?.equals(LARGE), 'it can be replaced')
  const own = { metadata: { 'linkstore-tiered': 'mine' } }
  await t.rejects(store.write('k', 'v', own), TypeError)
  t.equal((await keysOf(large)).length, 1)
})

await t.test('a value that expires goes from both tiers, from the large one later', async (t) => {
  const { store, large } = inMemory()
  await store.write('k', LARGE, { ttlMs: 60_000 })
  const [name = ''] = await keysOf(large)
  const own = (await store.stat('k'))?.expiresAtMs ?? 0
  const below = (await large.stat(name))?.expiresAtMs ?? 0
  t.ok(below > own + 1_800_000)
  await store.write('for ever', LARGE, { ttlMs: 1000 * 365 * 24 * 60 * 60 * 1000 })
})

await t.test('writers know what they replace where there are conditions', async (t) => {
  for (const [small, left] of [
    [memoryStore(), 0],
    [unconditional(memoryStore()), 1],
  ] as const) {
    const { store, large } = tiersOf(small, memoryStore())
    await Promise.all([store.write('k', LARGE), store.write('k', OTHER)])
    t.equal((await keysOf(large)).length, 1 + left)
    t.equal((await store.verify({ graceMs: 0 })).orphans, left, 'elsewhere verify finds it')
  }
})

await t.test('a removal that comes too late leaves what was taken to its taker', async (t) => {
  const [shared, large] = [unconditional(memoryStore()), memoryStore()]
  const taker = tiersOf(shared, large).store
  let taken: StoredObject | undefined
  const late = changed(shared, {
    remove: async (...given) => {
      taken = await taker.take('k')
      return await shared.remove(...given)
    },
  })
  await taker.write('k', OTHER)
  t.equal(await tiersOf(late, large).store.remove('k'), false)
  t.equal((await keysOf(large)).length, 1)
  t.ok((await taken?.bytes())?.equals(OTHER))
  await taken?.close()
  t.same(await keysOf(large), [])
})

await t.test('wrong tiers and options are refused', async (t) => {
  const [small, large] = [memoryStore(), memoryStore()]
  for (const options of [
    {},
    { large: 1 },
    { large: small },
    { large, threshold: 1 },
    { large, thresholdBytes: '1' },
  ]) {
    t.throws(() => withTiers(small, options as never), TypeError)
  }
  t.throws(() => withTiers(small, { large, thresholdBytes: -1 }), RangeError)
  const bare = changed(large, { supports: { ...large.supports, list: false, metadata: false } })
  t.throws(() => withTiers(bare, { large }), { code: 'NOT_SUPPORTED' })
  t.throws(() => withTiers(small, { large: bare }), { code: 'NOT_SUPPORTED' })
  const { store } = inMemory()
  await t.rejects(store.verify({ repair: 1 } as never), TypeError)
  await t.rejects(store.verify({ signal: AbortSignal.abort() }), { code: 'ABORTED' })
  await store.close()
  await t.rejects(store.verify(), { code: 'CLOSED' })
})

await t.test('namespaces make two tiers of one store, which both stay apart', async (t) => {
  const inner = memoryStore()
  const store = new Store(
    withTiers(withNamespace(inner, 'things'), { large: withNamespace(inner, 'large') }),
  )
  await store.set('film', Buffer.alloc(200_000))
  t.equal(await store.rename('film', 'movie'), true)
  for await (const key of store.keys()) t.equal(key, 'movie')
  t.equal((await keysOf(inner)).length, 2)
  await store.clear()
  t.same(await keysOf(inner), [])
})
