import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { Store } from '../../index.js'
import type { ConformanceTest } from './index.js'
import { rejectsWith } from './support.js'

const COUNT = 70
const KEYS: readonly string[] = Array.from({ length: COUNT }, (_, i) => `k${i}`)
/** What survives a power cut is another matter. */
const QUICKLY = { durability: 'none' } as const

const entry = (key: string): [string, string] => [key, `value of ${key}`]

/** The same, asynchronously. */
async function* later<T>(items: Iterable<T>): AsyncGenerator<T> {
  for (const item of items) {
    await setImmediate()
    yield item
  }
}

export const many: readonly ConformanceTest[] = [
  {
    name: 'many values are stored, read and removed by one call each, which says how many',
    async run(subject) {
      const store = new Store(await subject.open())
      const values = new Map(KEYS.map(entry))
      assert.equal(await store.setMany(values, QUICKLY), COUNT)
      const asked = ['absent', ...KEYS.toReversed(), 'k5', 'absent']
      for (const keys of [asked, later(asked)]) {
        const read = await store.getMany(keys)
        assert.deepEqual([...read.keys()], KEYS.toReversed(), 'in the order in which it was asked')
        for (const [key, value] of values) assert.equal(String(read.get(key)), value)
      }
      const removed = ['absent', ...KEYS.slice(10), 'k50']
      assert.equal(await store.deleteMany(removed, QUICKLY), COUNT - 10)
      assert.deepEqual([...(await store.getMany(KEYS)).keys()], KEYS.slice(0, 10))
      assert.equal(await store.setMany(later([entry('later')]), QUICKLY), 1)
      assert.equal(await store.deleteMany(later(['later', 'k0']), QUICKLY), 2)
      assert.equal(await store.setMany([]), 0)
      assert.equal(await store.deleteMany([]), 0)
      assert.equal((await store.getMany([])).size, 0)
    },
  },
  {
    name: 'options of many writes go for each of them, or are refused',
    async run(subject, supports) {
      const store = new Store(await subject.open())
      const options = { contentType: 'x/y', metadata: { a: 'b' }, ttlMs: 3_600_000 }
      if (!supports.metadata) {
        const error = await rejectsWith(store.setMany([entry('a')], options), 'NOT_SUPPORTED')
        assert.equal(error.key, 'a')
        return
      }
      assert.equal(await store.setMany([entry('a'), entry('b')], options), 2)
      for (const key of ['a', 'b']) {
        const info = await store.stat(key)
        assert.equal(info?.contentType, 'x/y')
        assert.deepEqual(info.metadata, { a: 'b' })
        assert.ok(info.expiresAtMs !== undefined)
      }
    },
  },
  {
    name: 'of several values with one key the last one given stays',
    async run(subject) {
      const store = new Store(await subject.open())
      const entries = Array.from({ length: 21 }, (_, i): [string, string] => [`k${i % 3}`, `${i}`])
      assert.equal(await store.setMany(entries, QUICKLY), 21)
      const read = await store.getMany(['k0', 'k1', 'k2'])
      assert.deepEqual([...read.values()].map(String), ['18', '19', '20'])
    },
  },
  {
    name: 'a failure among many calls is told with its key, and what came before is done',
    async run(subject) {
      const store = new Store(await subject.open())
      const bad = '\ud800'
      const keys = ['a', bad, 'b']
      const how = { concurrency: 1 }
      for (const call of [
        () => store.setMany(keys.map(entry), how),
        () => store.getMany(keys, how),
        () => store.deleteMany(keys, how),
      ]) {
        const error = await rejectsWith(call(), 'INVALID_KEY')
        assert.equal(error.key, bad)
        assert.match(error.message, /^(set|get|delete)Many stopped with 1 done: /)
      }
      const failure = new Error('the source broke')
      const broken = async function* (): AsyncGenerator<Uint8Array> {
        yield Buffer.alloc(100_000)
        await setImmediate()
        throw failure
      }
      const entries = [entry('a'), ['b', broken()], entry('c')] as const
      await assert.rejects(store.setMany(entries, how), (error) => error === failure)
      assert.deepEqual([...(await store.getMany(['a', 'b', 'c'])).keys()], ['a'])
    },
  },
  {
    name: 'many calls that are aborted are ABORTED, and those not begun have no effect',
    async run(subject) {
      const store = new Store(await subject.open())
      const signal = AbortSignal.abort(new Error('changed my mind'))
      const entries = KEYS.map(entry)
      for (const call of [
        () => store.setMany(entries, { signal }),
        () => store.getMany(KEYS, { signal }),
        () => store.deleteMany(KEYS, { signal }),
      ]) {
        assert.equal((await rejectsWith(call(), 'ABORTED')).cause, signal.reason)
      }
      const abort = new AbortController()
      const aborting = function* (): Generator<[string, string]> {
        yield* entries.slice(0, 5)
        abort.abort()
        yield* entries.slice(5)
      }
      const how = { ...QUICKLY, concurrency: 1, signal: abort.signal }
      await rejectsWith(store.setMany(aborting(), how), 'ABORTED')
      assert.deepEqual([...(await store.getMany(KEYS)).keys()], KEYS.slice(0, 5))
    },
  },
]
