import assert from 'node:assert/strict'
import type { ConformanceTest } from './index.js'
import { gather, pattern, rejectsWith, valueOf } from './support.js'

const LARGE = 1_000_000

export const handles: readonly ConformanceTest[] = [
  {
    name: 'an opened object stays what it was, whatever becomes of its key',
    async run(subject) {
      const [store, other] = [await subject.open(), await subject.open()]
      for (const sizeBytes of [100, LARGE]) {
        const value = pattern(sizeBytes)
        await store.write('k', value)
        const object = await store.read('k')
        assert.ok(object)
        await other.write('k', pattern(sizeBytes, 2))
        await other.remove('k')
        assert.deepEqual(await object.bytes(), value)
        assert.deepEqual(await gather(object.stream()), value)
        assert.equal(object.info.sizeBytes, sizeBytes)
        await object.close()
        await object.close()
      }
    },
  },
  {
    name: 'any part of a value can be streamed, ends included',
    async run(subject) {
      const store = await subject.open()
      for (const sizeBytes of [10, LARGE]) {
        const value = pattern(sizeBytes)
        await store.write('k', value)
        await using object = await store.read('k')
        assert.ok(object)
        const last = sizeBytes - 1
        const ranges = [
          [0, 0],
          [0, last],
          [3, 7],
          [last, last],
          [last - 5, last],
        ] as const
        for (const [start, end] of ranges) {
          const expected = value.subarray(start, end + 1)
          assert.deepEqual(await gather(object.stream({ start, end })), expected)
        }
        assert.deepEqual(await gather(object.stream({ start: 4 })), value.subarray(4))
        assert.deepEqual(await gather(object.stream({ end: 4 })), value.subarray(0, 5))
        assert.deepEqual(await gather(object.webStream({ start: 1 })), value.subarray(1))
      }
    },
  },
  {
    name: 'a part outside the value is a RangeError',
    async run(subject) {
      const store = await subject.open()
      await store.write('k', '0123456789')
      await using object = await store.read('k')
      assert.ok(object)
      const ranges = [
        { start: 10 },
        { end: 10 },
        { start: -1 },
        { start: 5, end: 4 },
        { start: 0.5 },
        { start: Number.NaN },
      ]
      for (const range of ranges) assert.throws(() => object.stream(range), RangeError)
    },
  },
  {
    name: 'an opened object gives text and JSON, and says when it is none',
    async run(subject) {
      const store = await subject.open()
      await store.write('k', '{"a":[1,"ü"]}')
      await using object = await store.read('k')
      assert.equal(await object?.text(), '{"a":[1,"ü"]}')
      assert.deepEqual(await object?.json(), { a: [1, 'ü'] })
      await store.write('k', 'no json')
      await using other = await store.read('k')
      assert.ok(other)
      await rejectsWith(other.json(), 'DECODE')
    },
  },
  {
    name: 'a closed object and a closed store are CLOSED',
    async run(subject) {
      const store = await subject.open()
      await store.write('k', pattern(LARGE))
      const object = await store.read('k')
      assert.ok(object)
      await object.close()
      await rejectsWith(object.bytes(), 'CLOSED')
      await rejectsWith(gather(object.stream()), 'CLOSED')
      const open = await store.read('k')
      await store.close()
      await store.close()
      assert.ok(open)
      await rejectsWith(open.bytes(), 'CLOSED')
      await rejectsWith(store.read('k'), 'CLOSED')
      await rejectsWith(store.stat('k'), 'CLOSED')
      await rejectsWith(store.write('k', ''), 'CLOSED')
      await rejectsWith(store.remove('k'), 'CLOSED')
      await rejectsWith(store.take('k'), 'CLOSED')
      const again = await subject.open()
      assert.equal((await valueOf(again, 'k'))?.length, LARGE)
    },
  },
]
