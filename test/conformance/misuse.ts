import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import type { Body, ObjectStore, WriteOptions } from '../../index.js'
import type { ConformanceTest } from './index.js'
import { rejectsWith, valueOf } from './support.js'

/** What callers without types pass. */
const anything = (value: unknown): never => value as never

async function eachVerb(
  store: ObjectStore,
  key: unknown,
  check: (promise: Promise<unknown>) => Promise<unknown>,
): Promise<void> {
  await check(store.read(anything(key)))
  await check(store.stat(anything(key)))
  await check(store.write(anything(key), 'v'))
  await check(store.remove(anything(key)))
  await check(store.take(anything(key)))
}

export const misuse: readonly ConformanceTest[] = [
  {
    name: 'what is no key is refused by every verb',
    async run(subject, { maxKeyBytes }) {
      const store = await subject.open()
      for (const key of [undefined, null, 1, {}, Buffer.from('k'), Symbol('k')]) {
        await eachVerb(store, key, (promise) => assert.rejects(promise, TypeError))
      }
      const tooLong = ['x'.repeat(maxKeyBytes + 1), 'ü'.repeat(Math.floor(maxKeyBytes / 2) + 1)]
      for (const key of ['\ud800', 'a\udc00b', ...tooLong]) {
        await eachVerb(store, key, (promise) => rejectsWith(promise, 'INVALID_KEY'))
      }
    },
  },
  {
    name: 'what is no value or no option is refused, and the old value stays',
    async run(subject) {
      const store = await subject.open()
      await store.write('k', 'old')
      for (const value of [undefined, null, 1, true, {}, [1], [null], 'lone \ud800', ['\udfff']]) {
        await assert.rejects(store.write('k', anything(value)), TypeError)
      }
      const types: unknown[] = [
        { ttl: 1 },
        { ttlMs: '5' },
        { metadata: { a: 1 } },
        { metadata: ['a'] },
        { contentType: 1 },
        { ifAbsent: 1 },
        { durability: 'some' },
        null,
      ]
      for (const options of types) {
        await assert.rejects(store.write('k', 'new', anything(options)), TypeError)
      }
      const numbers = [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e18]
      for (const ttlMs of numbers) {
        await assert.rejects(store.write('k', 'new', { ttlMs }), RangeError)
      }
      const tooLarge: WriteOptions = { metadata: { a: 'x'.repeat(64 * 1024) } }
      await assert.rejects(store.write('k', 'new', tooLarge), RangeError)
      assert.equal(String(await valueOf(store, 'k')), 'old')
    },
  },
  {
    name: 'a body that fails half-way stores nothing, and its own error comes through',
    async run(subject) {
      const store = await subject.open()
      await store.write('k', 'old')
      const failure = new Error('the source broke')
      const failing = async function* (): AsyncGenerator<Uint8Array> {
        yield Buffer.alloc(300_000)
        await new Promise((resolve) => setImmediate(resolve))
        throw failure
      }
      const bodies: Body[] = [failing(), Readable.from(failing(), { objectMode: false })]
      for (const body of bodies) {
        await assert.rejects(store.write('k', body), (error) => error === failure)
        await assert.rejects(store.write('new', failing()), (error) => error === failure)
      }
      assert.equal(String(await valueOf(store, 'k')), 'old')
      assert.equal(await store.stat('new'), undefined)
    },
  },
  {
    name: 'an aborted call is ABORTED and has no effect',
    async run(subject) {
      const store = await subject.open()
      await store.write('k', 'old')
      const signal = AbortSignal.abort(new Error('changed my mind'))
      await rejectsWith(store.write('k', 'new', { signal }), 'ABORTED')
      await rejectsWith(store.remove('k', { signal }), 'ABORTED')
      await rejectsWith(store.take('k', { signal }), 'ABORTED')
      const error = await rejectsWith(store.read('k', { signal }), 'ABORTED')
      assert.equal(error.cause, signal.reason)
      assert.equal(String(await valueOf(store, 'k')), 'old')
    },
  },
  {
    name: 'a body that never ends can be aborted, and stores nothing',
    async run(subject) {
      const store = await subject.open()
      const endless = new Readable({ read: () => undefined })
      endless.push(Buffer.alloc(100_000))
      const abort = new AbortController()
      setTimeout(() => abort.abort(), 20)
      await rejectsWith(store.write('k', endless, { signal: abort.signal }), 'ABORTED')
      assert.equal(endless.destroyed, true)
      assert.equal(await store.stat('k'), undefined)
    },
  },
]
