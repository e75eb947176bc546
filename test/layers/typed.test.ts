import t from 'tap'
import fc from 'fast-check'
import * as v from 'valibot'
import { z } from 'zod'
import { directoryStore, open, Store, type StoreError } from '../../index.js'
import { memoryStore } from '../../lib/backends/memory.js'
import { json, SchemaError, structured, withCodec, withIndex } from '../../lib/layers/typed.js'
import type { Codec, TypedStore } from '../../lib/layers/typed.js'
import { cbor } from '../../lib/layers/typed/cbor.js'
import { scratchDirectory } from '../support/surroundings.js'
import { runWorker } from '../support/workers.js'

await t.test('what each codec says survives does', async (t) => {
  const common = { text: 'grün \u0000', list: [1, 2.5, null], nested: { is: true } }
  const rich = { ...common, date: new Date(1_074_431_525_570), big: 2n ** 70n, none: undefined }
  const map = new Map<unknown, unknown>([
    [1, 'one'],
    ['two', new Map([['b', -5n]])],
  ])
  const cycle: { self?: unknown } = {}
  cycle.self = cycle
  const cases: [Codec<unknown>, unknown[]][] = [
    [json, [common, null, 0, '', [], false]],
    [cbor, [common, rich, map, NaN, Infinity, new Uint8Array([1, 2]), 2 ** 53, null]],
    [structured, [common, rich, map, NaN, -0, new Set([1]), Buffer.from('b'), cycle, /x/g]],
  ]
  for (const [codec, values] of cases) {
    const store = withCodec(memoryStore(), codec)
    for (const value of values) {
      const { contentType } = await store.set('k', value)
      t.equal(contentType, codec.contentType)
      t.strictSame(await store.get('k'), value)
    }
  }
  const bytes = async (value: unknown): Promise<unknown> => cbor.encode(value)
  t.same(await bytes({ b: 1, aa: 2, a: 3 }), await bytes({ a: 3, b: 1, aa: 2 }))
  t.same(
    await bytes(
      new Map([
        ['b', 1],
        ['a', 2],
      ]),
    ),
    await bytes(
      new Map([
        ['a', 2],
        ['b', 1],
      ]),
    ),
  )
  const anyMs = fc.integer({ min: -8.64e15, max: 8.64e15 })
  await fc.assert(
    fc.asyncProperty(fc.oneof(anyMs, fc.integer({ min: 0, max: 4e12 })), async (ms) => {
      const back = (await cbor.decode((await bytes(new Date(ms))) as Buffer, {} as never)) as Date
      return Math.abs(ms) > 4e12 || back.getTime() === ms
    }),
  )
})

await t.test('what a codec cannot encode is a TypeError, and the old value stays', async (t) => {
  const cases: [Codec<unknown>, unknown[]][] = [
    [json, [undefined, 1n, () => 1, cycleOf()]],
    [cbor, [undefined, () => 1, Symbol('s'), new Uint16Array(1), '\ud800', new Set(), cycleOf()]],
    [structured, [undefined, () => 1, Symbol('s'), Promise.resolve()]],
  ]
  for (const [codec, values] of cases) {
    const store = withCodec(memoryStore(), codec)
    await store.set('k', 'old')
    for (const value of values) await t.rejects(store.set('k', value), TypeError)
    await t.rejects(store.set('k', 1, { contentType: 'text/plain' }), TypeError)
    t.equal(await store.get('k'), 'old')
  }
})

function cycleOf(): unknown {
  const cycle: Record<string, unknown> = {}
  cycle['self'] = cycle
  return cycle
}

await t.test('what is not of the codec is DECODE, names its key, and take leaves it', async (t) => {
  const objects = memoryStore()
  for (const codec of [json, cbor, structured]) {
    const store = withCodec(objects, codec)
    const { contentType } = codec
    for (const how of [{}, { contentType: 'text/plain' }, { contentType, metadata: { a: 'b' } }]) {
      await objects.write('bad', '\u0001{', how)
      const readings = [() => store.get('bad'), () => store.take('bad')]
      for (const reading of [...readings, () => store.getMany(['bad'])]) {
        await t.rejects(reading(), { name: 'StoreError', code: 'DECODE', key: 'bad' })
      }
      t.match(await objects.stat('bad'), how, 'it was put back as it was')
    }
    t.ok(await store.has('bad'))
    t.ok(await store.delete('bad'))
  }
  await objects.write('k', '1', { contentType: 'Application/JSON; charset=utf-8' })
  t.equal(await withCodec(objects, json).get('k'), 1)
  const failing = withCodec(objects, {
    encode: String,
    decode: (): string => {
      throw new Error('mine')
    },
  })
  await t.rejects(failing.get('k'), { code: 'DECODE', cause: { message: 'mine' } })
})

await t.test('a schema is asked when a value is written and when it is read', async (t) => {
  const objects = memoryStore()
  const visit = z.object({
    guest: z.string().min(1),
    at: z.coerce.date(),
    count: z.number().default(1),
  })
  const visits = withCodec(objects, json, { schema: visit })
  await visits.set('1', { guest: 'Ada', at: new Date(0) })
  t.strictSame(await visits.get('1'), { guest: 'Ada', at: new Date(0), count: 1 })
  const refused = await visits.set('1', { guest: '', at: 'x' }).catch((error: unknown) => error)
  t.match(refused, { code: 'INVALID_VALUE', key: '1', operation: 'write' })
  const { cause } = refused as StoreError
  t.ok(cause instanceof SchemaError && cause.issues.length === 2 && /guest: /.test(cause.message))
  await withCodec(objects, json).set('2', { guest: 7 })
  await t.rejects(visits.get('2'), { code: 'DECODE', key: '2', cause: { name: 'SchemaError' } })

  const guests = v.objectAsync({
    name: v.pipeAsync(
      v.string(),
      v.checkAsync(async (name) => name !== ''),
    ),
  })
  const valid = withCodec(memoryStore(), structured, { schema: guests })
  t.ok(await valid.add('k', { name: 'Ada' }))
  t.notOk(await valid.add('k', { name: 'Ada' }))
  await t.rejects(valid.set('k', { name: '' }), { code: 'INVALID_VALUE' })

  // Types: what does not compile here is a failure of the build.
  const read: Promise<{ guest: string; at: Date; count: number } | undefined> = visits.get('1')
  await read
  const claimed: TypedStore<Date> = withCodec<Date>(memoryStore(), structured)
  // @ts-expect-error a Date is no text
  await claimed.set('k', 'text')
  // @ts-expect-error the schema has names
  await t.rejects(valid.set('k', { name: 1 }), { code: 'INVALID_VALUE' })
  const unknown: unknown = await withCodec(memoryStore(), json).get('k')
  t.equal(unknown, undefined)
})

await t.test('the verbs are those of a Map, and writes may depend on versions', async (t) => {
  const root = await scratchDirectory(t)
  const store = await open(`${root}/store`, { conditional: true, durability: 'none' })
  const numbers = withCodec<number>(store, json)
  t.equal(
    await numbers.setMany([
      ['a', 1],
      ['b', 2],
    ]),
    2,
  )
  t.same(
    await numbers.getMany(['b', 'none', 'a']),
    new Map([
      ['b', 2],
      ['a', 1],
    ]),
  )
  t.same((await toArray(numbers.entries())).sort(), [
    ['a', 1],
    ['b', 2],
  ])
  t.same((await toArray(numbers.values())).sort(), [1, 2])
  const seen = (await numbers.read('a'))!
  await numbers.set('a', seen.value + 1, { ifVersion: seen.info.version })
  await t.rejects(numbers.set('a', 9, { ifVersion: seen.info.version }), {
    code: 'PRECONDITION_FAILED',
  })
  t.equal(await numbers.take('a'), 2)
  t.equal(await numbers.count(), 1)
  t.equal(await numbers.clear(), 1)
  await numbers.close()
  await t.rejects(store.get('a'), { code: 'CLOSED' })
})

async function toArray<T>(items: AsyncIterable<T>): Promise<T[]> {
  const array: T[] = []
  for await (const item of items) array.push(item)
  return array
}

await t.test('an index finds, is hidden, and is put right by verify', async (t) => {
  const objects = memoryStore()
  const plain = withCodec<{ ran: string }>(objects, json)
  await plain.set('old', { ran: 'a' })
  const store = withIndex(plain, { ran: ({ ran }) => ran, length: ({ ran }) => ran.length })
  const found = async (ran: string): Promise<string[]> =>
    (await toArray(store.by('ran', ran))).map(([key]) => key).sort()
  await store.set('.linkstore-index/ran', { ran: 'a' })
  await store.set('new', { ran: 'a' })
  t.same(await found('a'), ['.linkstore-index/ran', 'new'])
  t.match(await store.verify(), { objects: 3, added: 2, removed: 0 })
  t.same(await found('a'), ['.linkstore-index/ran', 'new', 'old'])
  t.same((await toArray(store.keys())).sort(), ['.linkstore-index/ran', 'new', 'old'])
  t.equal(await store.count(), 3)
  await store.set('new', { ran: 'bb' })
  t.same([await found('a'), await found('bb')], [['.linkstore-index/ran', 'old'], ['new']])
  t.equal((await toArray(store.by('length', 2))).length, 1)
  t.same(await toArray(store.by('length', 0)), [])

  // Someone damages a posting, and an object.
  for await (const { key } of objects.list({ prefix: '.linkstore-index/ran/' })) {
    await objects.write(key, 'no posting')
  }
  await objects.write('old', 'no JSON', { contentType: 'application/json' })
  await t.rejects(found('a'), { code: 'CORRUPT' })
  const report = await store.verify()
  t.same([report.unreadable, await found('bb')], [['old'], ['new']])
  await store.clear()
  t.same(await toArray(objects.list()), [])

  const raw = await directoryStore(`${await scratchDirectory(t)}/store`)
  const advice = { code: 'NOT_SUPPORTED', message: /conditional: true/ }
  t.throws(() => withIndex(withCodec(raw, json), { a: () => 1 }), advice)
  t.throws(() => withIndex(store, { a: () => 1 }), TypeError)
  t.throws(() => withIndex(plain, {}), TypeError)
  // @ts-expect-error there is no such index
  await t.rejects(toArray(store.by('run', 1)), TypeError)
  await t.rejects(withIndex(plain, { a: () => NaN }).set('k', { ran: '' }), TypeError)
  t.throws(() => withCodec({} as never, json), TypeError)
  t.throws(() => withCodec(new Store(objects), {} as never), TypeError)
})

await t.test('processes that write the same keys at once keep the index right', async (t) => {
  const root = `${await scratchDirectory(t)}/store`
  const store = await open(root, { conditional: true, durability: 'none' })
  const workers = [1, 2, 3].map((seed) =>
    runWorker(t, 'layers/worker-indexed.js', [root, seed, 40]),
  )
  await Promise.all(workers)
  const values = withIndex(withCodec<number>(store, json), { value: (value) => value })
  for await (const [key, value] of values.entries()) {
    const keys = (await toArray(values.by('value', value))).map(([name]) => name)
    t.ok(keys.includes(key), `${key} is found under ${value}`)
  }
  t.match(await values.verify(), { added: 0, intents: 0 })
  await values.close()
})
