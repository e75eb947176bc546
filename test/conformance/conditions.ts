import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import type { ConformanceTest } from './index.js'
import { consume, rejectsWith, valueOf } from './support.js'

const CONTENDERS = 8

export const conditions: readonly ConformanceTest[] = [
  {
    name: 'a write if absent succeeds once, and changes nothing after',
    async run(subject) {
      const store = await subject.open()
      await store.write('k', 'first', { ifAbsent: true })
      await rejectsWith(store.write('k', 'second', { ifAbsent: true }), 'PRECONDITION_FAILED')
      assert.equal(String(await valueOf(store, 'k')), 'first')
      await store.remove('k')
      await store.write('k', 'third', { ifAbsent: true })
      assert.equal(String(await valueOf(store, 'k')), 'third')
    },
  },
  {
    name: 'of many contenders to write if absent exactly one wins, and its value is there',
    async run(subject) {
      const stores = await Promise.all(Array.from({ length: CONTENDERS }, () => subject.open()))
      for (let round = 0; round < 20; round += 1) {
        const tries = stores.map((store, i) => store.write(`k${round}`, `${i}`, { ifAbsent: true }))
        const winners = (await Promise.allSettled(tries)).flatMap(({ status }, i) =>
          status === 'fulfilled' ? [i] : [],
        )
        assert.equal(winners.length, 1)
        const [one] = stores
        assert.ok(one)
        assert.equal(String(await valueOf(one, `k${round}`)), String(winners[0]))
      }
    },
  },
  {
    name: 'what depends on a version is done only over that version, or not at all',
    async run(subject, supports) {
      const store = await subject.open()
      const first = await store.write('k', 'first')
      const { version } = first
      if (!supports.conditions) {
        const ifVersion = version ?? '0'.repeat(32)
        await rejectsWith(store.write('k', 'second', { ifVersion }), 'NOT_SUPPORTED')
        await rejectsWith(store.remove('k', { ifVersion }), 'NOT_SUPPORTED')
        assert.equal(String(await valueOf(store, 'k')), 'first')
        return
      }
      const second = await store.write('k', 'second', { ifVersion: version })
      await rejectsWith(store.write('k', 'third', { ifVersion: version }), 'PRECONDITION_FAILED')
      await rejectsWith(store.remove('k', { ifVersion: version }), 'PRECONDITION_FAILED')
      assert.equal(String(await valueOf(store, 'k')), 'second')
      assert.equal(await store.remove('k', { ifVersion: second.version }), true)
      await rejectsWith(
        store.write('k', 'fourth', { ifVersion: second.version }),
        'PRECONDITION_FAILED',
      )
      await rejectsWith(store.remove('k', { ifVersion: second.version }), 'PRECONDITION_FAILED')
      assert.equal(await store.stat('k'), undefined)
    },
  },
  {
    name: 'of many contenders to replace one version exactly one wins',
    async run(subject, supports) {
      if (!supports.conditions) return
      const stores = await Promise.all(Array.from({ length: CONTENDERS }, () => subject.open()))
      for (let round = 0; round < 20; round += 1) {
        const { version } = await stores[0]!.write('k', `start ${round}`)
        const tries = stores.map((store, i) => store.write('k', `${i}`, { ifVersion: version }))
        const winners = (await Promise.allSettled(tries)).flatMap(({ status }, i) =>
          status === 'fulfilled' ? [String(i)] : [],
        )
        assert.deepEqual([String(await valueOf(stores[1]!, 'k'))], winners)
      }
    },
  },
  {
    name: 'of many contenders to take exactly one gets the object',
    async run(subject) {
      const stores = await Promise.all(Array.from({ length: CONTENDERS }, () => subject.open()))
      for (let round = 0; round < 20; round += 1) {
        await stores[0]?.write(`k${round}`, `value ${round}`)
        const taken = await Promise.all(
          stores.map(async (store) => consume(await store.take(`k${round}`))),
        )
        const got = taken.filter((value) => value !== undefined)
        assert.deepEqual(got.map(String), [`value ${round}`])
      }
    },
  },
  {
    name: 'a key that is always overwritten is never absent and never torn',
    async run(subject) {
      const [writer, reader] = [await subject.open(), await subject.open()]
      await writer.write('k', '0'.repeat(1000))
      let isDone = false
      const writing = (async () => {
        for (let i = 1; i <= 200; i += 1) await writer.write('k', String(i % 10).repeat(1000))
        isDone = true
      })()
      while (!isDone) {
        const value = String(await valueOf(reader, 'k'))
        assert.equal(value, value.charAt(0).repeat(1000))
        // A store in memory may answer without ever waiting, and the writer need a turn.
        await setImmediate()
      }
      await writing
    },
  },
]
