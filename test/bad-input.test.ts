import t from 'tap'
import { once } from 'node:events'
import { open, openSync } from '../index.js'
import { bothFaces, drain, failureOf, type Faces } from './support/faces.js'
import { scratchDirectory } from './support/surroundings.js'

/** What callers without types pass. */
const anything = (value: unknown): never => value as never
const MAX_KEY_BYTES = 64 * 1024
const NO_OPTIONS = [null, 5, 'text', true, [], ['ttlMs'], new Map(), new AbortController().signal]
const SAFE_NUMBERS = [-1, 0, 0.5, -Infinity, Infinity, NaN, 1e18, Number.MIN_VALUE]

type Call = readonly [name: string, call: (faces: Faces, value: never) => unknown]

/** Every verb that takes a key, with the key to be judged in each of its places. */
const KEY_VERBS: readonly Call[] = [
  ['get', ({ store }, key) => store.get(key)],
  ['has', ({ store }, key) => store.has(key)],
  ['stat', ({ store }, key) => store.stat(key)],
  ['read', ({ store }, key) => store.read(key)],
  ['set', ({ store }, key) => store.set(key, 'v')],
  ['add', ({ store }, key) => store.add(key, 'v')],
  ['delete', ({ store }, key) => store.delete(key)],
  ['take', ({ store }, key) => store.take(key)],
  ['copy from', ({ store }, key) => store.copy(key, 'k')],
  ['copy to', ({ store }, key) => store.copy('k', key)],
  ['rename from', ({ store }, key) => store.rename(key, 'k')],
  ['rename to', ({ store }, key) => store.rename('k', key)],
  ['getMany', ({ store }, key) => store.getMany([key])],
  ['setMany', ({ store }, key) => store.setMany([[key, 'v']])],
  ['deleteMany', ({ store }, key) => store.deleteMany([key])],
  ['createReadStream', ({ store }, key) => drain(store.createReadStream(key))],
  ['createWriteStream', ({ store }, key) => once(store.createWriteStream(key), 'finish')],
  ['sync get', ({ sync }, key) => sync.get(key)],
  ['sync has', ({ sync }, key) => sync.has(key)],
  ['sync stat', ({ sync }, key) => sync.stat(key)],
  ['sync read', ({ sync }, key) => sync.read(key)],
  ['sync set', ({ sync }, key) => sync.set(key, 'v')],
  ['sync add', ({ sync }, key) => sync.add(key, 'v')],
  ['sync delete', ({ sync }, key) => sync.delete(key)],
  ['sync take', ({ sync }, key) => sync.take(key)],
  ['sync copy from', ({ sync }, key) => sync.copy(key, 'k')],
  ['sync copy to', ({ sync }, key) => sync.copy('k', key)],
  ['sync rename from', ({ sync }, key) => sync.rename(key, 'k')],
  ['sync rename to', ({ sync }, key) => sync.rename('k', key)],
  ['sync getMany', ({ sync }, key) => sync.getMany([key])],
  ['sync setMany', ({ sync }, key) => sync.setMany([[key, 'v']])],
  ['sync deleteMany', ({ sync }, key) => sync.deleteMany([key])],
]

/** Every verb that takes options. */
const OPTION_VERBS: readonly Call[] = [
  ['open', ({ root }, options) => open(root, options)],
  ['get', ({ store }, options) => store.get('k', options)],
  ['has', ({ store }, options) => store.has('k', options)],
  ['stat', ({ store }, options) => store.stat('k', options)],
  ['read', ({ store }, options) => store.read('k', options)],
  ['set', ({ store }, options) => store.set('k', 'new', options)],
  ['add', ({ store }, options) => store.add('new', 'new', options)],
  ['delete', ({ store }, options) => store.delete('k', options)],
  ['take', ({ store }, options) => store.take('k', options)],
  ['getMany', ({ store }, options) => store.getMany(['k'], options)],
  ['setMany', ({ store }, options) => store.setMany([['new', 'new']], options)],
  ['deleteMany', ({ store }, options) => store.deleteMany(['k'], options)],
  ['keys', ({ store }, options) => drain(store.keys(options))],
  ['values', ({ store }, options) => drain(store.values(options))],
  ['entries', ({ store }, options) => drain(store.entries(options))],
  ['list', ({ store }, options) => drain(store.list(options))],
  ['count', ({ store }, options) => store.count(options)],
  ['copy', ({ store }, options) => store.copy('k', 'new', options)],
  ['rename', ({ store }, options) => store.rename('k', 'new', options)],
  ['clear', ({ store }, options) => store.clear(options)],
  ['verify', ({ store }, options) => store.verify(options)],
  ['destroy', ({ store }, options) => store.destroy(options)],
  ['createReadStream', ({ store }, options) => drain(store.createReadStream('k', options))],
  ['createWriteStream', ({ store }, options) => once(store.createWriteStream('k', options), 'x')],
  ['stream', async ({ store }, options) => drain((await store.read('k'))!.stream(options))],
  ['webStream', async ({ store }, options) => drain((await store.read('k'))!.webStream(options))],
  ['openSync', ({ root }, options) => openSync(root, options)],
  ['sync set', ({ sync }, options) => sync.set('k', 'new', options)],
  ['sync add', ({ sync }, options) => sync.add('new', 'new', options)],
  ['sync delete', ({ sync }, options) => sync.delete('k', options)],
  ['sync take', ({ sync }, options) => sync.take('k', options)],
  ['sync setMany', ({ sync }, options) => sync.setMany([['new', 'new']], options)],
  ['sync deleteMany', ({ sync }, options) => sync.deleteMany(['k'], options)],
  ['sync keys', ({ sync }, options) => drain(sync.keys(options))],
  ['sync values', ({ sync }, options) => drain(sync.values(options))],
  ['sync entries', ({ sync }, options) => drain(sync.entries(options))],
  ['sync list', ({ sync }, options) => drain(sync.list(options))],
  ['sync copy', ({ sync }, options) => sync.copy('k', 'new', options)],
  ['sync rename', ({ sync }, options) => sync.rename('k', 'new', options)],
  ['sync clear', ({ sync }, options) => sync.clear(options)],
  ['sync pieces', ({ sync }, options) => drain(sync.read('k')!.pieces(options))],
]

/** The verbs that write a value with options. */
const WRITES: readonly Call[] = OPTION_VERBS.filter(([name]) =>
  /(set|add|setMany|WriteStream)$/.test(name),
)

await t.test('a key with a lone surrogate, or that is too long, is INVALID_KEY', async (t) => {
  const faces = await bothFaces(t)
  faces.sync.set('k', 'old')
  const tooLong = ['x'.repeat(MAX_KEY_BYTES + 1), '😀'.repeat(MAX_KEY_BYTES / 4) + 'x']
  for (const key of ['\ud800', 'a\udc00b', '\ude00\ud83d', ...tooLong]) {
    for (const [name, call] of KEY_VERBS) {
      const error = await failureOf(() => call(faces, anything(key)))
      t.match(error, { name: 'StoreError', code: 'INVALID_KEY', retryable: false }, name)
    }
  }
  t.same([...faces.sync.entries()], [['k', Buffer.from('old')]], 'nothing was changed')
})

await t.test('a key of exactly 64 KiB is a key like any other', async (t) => {
  const { store, sync } = await bothFaces(t)
  const keys = ['x'.repeat(MAX_KEY_BYTES), '😀'.repeat(MAX_KEY_BYTES / 4)]
  const metadata = { a: 'm'.repeat(60_000) }
  for (const [index, key] of keys.entries()) {
    await store.set(key, `value ${index}`, { metadata })
    t.same(await store.get(key), Buffer.from(`value ${index}`))
    t.same(sync.get(key), await store.get(key))
    t.match(await store.stat(key), { key, metadata })
    await store.set(key, Buffer.alloc(300_000, 'large'), { metadata })
    t.same(sync.get(key), Buffer.alloc(300_000, 'large'))
    t.match(sync.stat(key), { key, metadata })
  }
  t.same([...sync.keys()].sort(), keys.sort())
  t.match(await store.verify(), { objects: 2, findings: [] })
})

await t.test('what is no string is no key', async (t) => {
  const faces = await bothFaces(t)
  for (const key of [undefined, null, 1, true, {}, ['k'], Buffer.from('k'), Symbol('k')]) {
    for (const [name, call] of KEY_VERBS) {
      t.type(await failureOf(() => call(faces, anything(key))), TypeError, name)
    }
  }
  t.equal(faces.sync.count(), 0)
})

await t.test('what is no value is refused, and the old value stays', async (t) => {
  const { store, sync } = await bothFaces(t)
  sync.set('k', 'old')
  const values = [undefined, null, 1, 1n, true, {}, Symbol('v'), () => 'v', new Date(), [1], [null]]
  for (const value of [...values, 'a\ud800', [[]], new Map([['a', 'b']])]) {
    for (const face of [store, sync]) {
      for (const verb of ['set', 'add'] as const) {
        const key = verb === 'set' ? 'k' : 'new'
        t.type(await failureOf(() => face[verb](key, anything(value))), TypeError)
      }
    }
  }
  t.same([...sync.entries()], [['k', Buffer.from('old')]])
})

await t.test(
  'an unknown option is refused by every verb, and so is what is no object',
  async (t) => {
    const faces = await bothFaces(t)
    faces.sync.set('k', 'old')
    for (const [name, call] of OPTION_VERBS) {
      for (const options of [...NO_OPTIONS, { ttl: 1 }, { Signal: undefined }]) {
        const error = await failureOf(() => call(faces, anything(options)))
        t.type(error, TypeError, `${name} ${JSON.stringify(options)}`)
      }
      if (!/stream|pieces/i.test(name)) {
        const error = await failureOf(() => call(faces, anything({ strat: 1 })))
        t.match(error, { message: /unknown option "strat"/ }, name)
      }
      if (name.includes('sync') || name === 'openSync') {
        const { signal } = new AbortController()
        const error = await failureOf(() => call(faces, anything({ signal })))
        t.match(error, { name: 'TypeError', message: /signal/ }, `${name} cannot be aborted`)
      }
    }
    t.same([...faces.sync.entries()], [['k', Buffer.from('old')]])
  },
)

await t.test('options of a wrong type or out of range are refused', async (t) => {
  const faces = await bothFaces(t)
  faces.sync.set('k', 'old')
  const tooLarge = { a: 'x'.repeat(64 * 1024 - '{"metadata":{"a":""}}'.length + 1) }
  const cases: [options: object, error: new (text: string) => Error][] = [
    ...['1', null, 1n, {}, true].map(
      (ttlMs) => [{ ttlMs }, TypeError] as [object, typeof TypeError],
    ),
    ...SAFE_NUMBERS.map((ttlMs) => [{ ttlMs }, RangeError] as [object, typeof RangeError]),
    [{ metadata: { a: 1 } }, TypeError],
    [{ metadata: { a: undefined } }, TypeError],
    [{ metadata: ['a'] }, TypeError],
    [{ metadata: 'a' }, TypeError],
    [{ metadata: null }, TypeError],
    [{ metadata: new Map([['a', 'b']]) }, TypeError],
    [{ metadata: new URLSearchParams('a=b') }, TypeError],
    [{ metadata: tooLarge }, RangeError],
    [{ contentType: 1 }, TypeError],
    [{ contentType: 'x'.repeat(64 * 1024) }, RangeError],
    [{ durability: 'some' }, TypeError],
    [{ durability: true }, TypeError],
  ]
  for (const [options, type] of cases) {
    for (const [name, call] of WRITES) {
      const error = await failureOf(() => call(faces, anything(options)))
      t.type(error, type, `${name} ${JSON.stringify(options, (_, v: unknown) => String(v))}`)
    }
  }
  for (const [name, call] of OPTION_VERBS.filter(([name]) => /^(get|take|count|set)$/.test(name))) {
    for (const signal of [null, true, {}, 'abort', new AbortController()]) {
      const error = await failureOf(() => call(faces, anything({ signal })))
      t.match(error, { name: 'TypeError', message: /^signal must be/ }, name)
    }
  }
  for (const verb of ['count', 'clear', 'verify'] as const) {
    const wrong = anything({ onProgress: 'often' })
    t.type(await failureOf(() => faces.store[verb](wrong)), TypeError, verb)
  }
  for (const verb of ['keys', 'values', 'entries', 'list'] as const) {
    for (const face of [faces.store, faces.sync]) {
      t.type(await failureOf(() => drain(face[verb](anything({ prefix: /k/ })))), TypeError, verb)
    }
  }
  t.same([...faces.sync.entries()], [['k', Buffer.from('old')]])
})

await t.test('the limits themselves are allowed', async (t) => {
  const { store, sync } = await bothFaces(t)
  const metadata = { a: 'x'.repeat(64 * 1024 - '{"metadata":{"a":""}}'.length) }
  const thousandYearsMs = 1000 * 365 * 24 * 60 * 60 * 1000
  for (const face of [store, sync]) {
    t.match(await face.set('k', 'v', { metadata }), { metadata })
    t.match(await face.stat('k'), { metadata })
    const { writtenAtMs, expiresAtMs } = await face.set('k', 'v', { ttlMs: thousandYearsMs })
    t.equal(expiresAtMs! - writtenAtMs, thousandYearsMs)
    t.match(await face.stat('k'), { expiresAtMs: expiresAtMs! })
    await face.set('short', 'v', { ttlMs: 1 })
  }
})

await t.test('metadata may be empty, have any names, and is what it was at the call', async (t) => {
  const { store, sync } = await bothFaces(t)
  const names = JSON.parse(
    '{"__proto__":"a","constructor":"b","":"","a\\ud800":"\\udc00"}',
  ) as never
  for (const face of [store, sync]) {
    await face.set('k', 'v', { metadata: names })
    t.same(Object.entries((await face.stat('k'))!.metadata), Object.entries(names))
    t.equal(await face.copy('k', 'copy'), true)
    t.same(Object.entries((await face.stat('copy'))!.metadata), Object.entries(names))
    for (const metadata of [{}, Object.create(null) as object]) {
      await face.set('k', 'v', { metadata: anything(metadata), contentType: '' })
      t.match(await face.stat('k'), { metadata: {}, contentType: '' })
    }
  }
  const metadata = { a: 'at the call' }
  const written = store.set('k', 'v', { metadata })
  metadata.a = 'later'
  t.match((await written).metadata, { a: 'at the call' })
  t.match((await store.stat('k'))?.metadata, { a: 'at the call' })
})

await t.test('a range that is not within the value is a RangeError', async (t) => {
  const faces = await bothFaces(t)
  const { store, sync } = faces
  for (const [key, sizeBytes] of [
    ['k', 5],
    ['large', 300_000],
    ['empty', 0],
  ] as const) {
    sync.set(key, Buffer.alloc(sizeBytes, 'abcde'))
    const outside = [
      { start: sizeBytes },
      { end: sizeBytes },
      { start: -1 },
      { end: -1 },
      { start: 3, end: 2 },
      { start: 0.5 },
      { end: NaN },
      { start: NaN },
      { end: Infinity },
      { start: 0, end: 2 ** 53 },
    ]
    const wrong = [{ start: '0' }, { end: null }, { start: 1n }, { end: [] }]
    for (const [ranges, type] of [
      [outside, RangeError],
      [wrong, TypeError],
    ] as const) {
      for (const range of ranges.map(anything)) {
        const object = (await store.read(key))!
        using held = sync.read(key)!
        t.throws(() => object.stream(range), type)
        t.throws(() => object.webStream(range), type)
        t.throws(() => [...held.pieces(range)], type)
        t.type(await failureOf(() => drain(store.createReadStream(key, range))), type)
        await object.close()
      }
    }
  }
  const part = store.createReadStream('k', { start: 1, end: 3 })
  t.equal(String((await part.toArray())[0]), 'bcd', 'one within it is read')
  t.equal(await drain(store.createReadStream('empty')), 0, 'nothing has no pieces')
})

await t.test('open refuses what it cannot make sense of', async (t) => {
  const root = `${await scratchDirectory(t)}/store`
  const wrong: [object, new (text: string) => Error][] = [
    [{ create: 'no' }, TypeError],
    [{ readOnly: 1 }, TypeError],
    [{ format: 'other' }, TypeError],
    [{ durability: 'most' }, TypeError],
    [{ reads: 'copy' }, TypeError],
    [{ fresh: 'always' }, TypeError],
    [{ fileMode: '600' }, TypeError],
    [{ fileMode: 0o10000 }, RangeError],
    [{ dirMode: -1 }, RangeError],
    [{ dirMode: NaN }, RangeError],
    [{ fs: 5 }, TypeError],
    [{ fs: null }, TypeError],
    [{ fs: {} }, TypeError],
  ]
  for (const [options, type] of wrong) {
    t.type(await failureOf(() => open(root, anything(options))), type)
    t.type(await failureOf(() => openSync(root, anything(options))), type)
  }
  for (const path of ['', 'a\0b', undefined, null, 5, Buffer.from(root), new URL(`file:${root}`)]) {
    t.type(await failureOf(() => open(anything(path))), TypeError)
    t.type(await failureOf(() => openSync(anything(path))), TypeError)
  }
  const none = await failureOf(() => openSync(root, { create: false }))
  t.match(none, { code: 'NOT_A_STORE' }, 'nothing was made by any of them')
})

await t.test('a closed store says so, whatever is asked of it', async (t) => {
  const faces = await bothFaces(t)
  await faces.store.set('large', Buffer.alloc(100_000))
  const object = (await faces.store.read('large'))!
  const held = faces.sync.read('large')!
  await faces.store.close()
  faces.sync.close()
  const opening = /^open/
  for (const [name, call] of [
    ...KEY_VERBS.map(([name, call]) => [name, (at: Faces) => call(at, anything('k'))] as const),
    ...OPTION_VERBS.map(([name, call]) => [name, (at: Faces) => call(at, anything({}))] as const),
  ]) {
    if (opening.test(name)) continue
    const error = await failureOf(() => call(faces))
    t.match(error, { name: 'StoreError', code: 'CLOSED', retryable: false }, name)
  }
  for (const call of [() => object.bytes(), () => drain(object.stream()), () => held.bytes()]) {
    t.match(await failureOf(call), { code: 'CLOSED' })
  }
  for (const call of [() => faces.sync.count(), () => faces.sync.verify()]) {
    t.match(await failureOf(call), { code: 'CLOSED' })
  }
  t.equal(await faces.store.close(), undefined, 'closing again is fine')
  t.equal(faces.sync.close(), undefined)
})
