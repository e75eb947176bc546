import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { Store, type ObjectStore } from '../../index.js'
import { memoryStore } from '../../lib/backends/memory.js'
import { withLimits } from '../../lib/layers/limited.js'

/** A store in memory whose calls take a while, and how many were under way at most. */
function counted(): { store: ObjectStore; most: () => number } {
  const inner = memoryStore()
  let underWay = 0
  let most = 0
  const during = async <T>(call: () => Promise<T>): Promise<T> => {
    underWay += 1
    most = Math.max(most, underWay)
    try {
      await sleep(1)
      return await call()
    } finally {
      underWay -= 1
    }
  }
  const store: ObjectStore = {
    supports: inner.supports,
    read: (key, options) => during(() => inner.read(key, options)),
    stat: (key, options) => during(() => inner.stat(key, options)),
    write: (key, body, options) => during(() => inner.write(key, body, options)),
    remove: (key, options) => during(() => inner.remove(key, options)),
    take: (key, options) => during(() => inner.take(key, options)),
    list: (options) => inner.list(options),
    close: () => inner.close(),
  }
  return { store, most: () => most }
}

const KEYS = Array.from({ length: 30 }, (_, index) => `key ${index}`)

await t.test('no more calls are under way than may be, and all are made', async (t) => {
  const { store: inner, most } = counted()
  const store = withLimits(inner, { inFlight: 3 })
  const failing = store.write('\ud800', 'value')
  await Promise.all([
    t.rejects(failing, { code: 'INVALID_KEY' }),
    ...KEYS.map((key) => store.write(key, key)),
  ])
  await Promise.all(KEYS.map((key) => store.stat(key)))
  const taken = await Promise.all(KEYS.map((key) => store.take(key)))
  t.equal(taken.filter((object) => object !== undefined).length, KEYS.length)
  await Promise.all(KEYS.map((key) => store.remove(key)))
  t.equal(most(), 3)
})

await t.test('a value that is read while it is written does not wait for itself', async (t) => {
  const { store: inner } = counted()
  const store = new Store(withLimits(inner, { inFlight: 1 }))
  await store.set('from', 'value')
  await store.set('to', store.createReadStream('from'))
  t.equal(String(await store.get('to')), 'value')
})

await t.test('an abort ends the wait for a place, which stays free', async (t) => {
  const { store: inner, most } = counted()
  const store = withLimits(inner, { inFlight: 1 })
  const signal = AbortSignal.timeout(5)
  const tries = KEYS.map((key, index) => store.write(key, 'v', index % 2 ? { signal } : {}))
  const settled = await Promise.allSettled(tries)
  for (const [index, result] of settled.entries()) {
    if (index % 2 === 0) t.equal(result.status, 'fulfilled')
    else if (result.status === 'rejected') t.match(result.reason, { code: 'ABORTED' })
  }
  t.ok(settled.some(({ status }) => status === 'rejected'))
  t.ok(await store.write('k', 'v'))
  t.equal(most(), 1)
})

await t.test('bytes pass at the rate, written and read', async (t) => {
  const bytesPerSecond = 4_000_000
  const value = Buffer.alloc(400_000, 'v')
  const store = withLimits(memoryStore(), { bytesPerSecond })
  const read = async (key: string): Promise<Buffer> => {
    await using object = await store.read(key)
    return await object!.bytes()
  }
  const stream = async (key: string): Promise<Buffer> => {
    await using object = await store.read(key)
    return Buffer.concat(await object!.stream().toArray())
  }
  const startMs = performance.now()
  await Promise.all([store.write('a', value), store.write('b', Readable.from([value]))])
  const values = await Promise.all([read('a'), stream('a'), read('b'), stream('b')])
  // Less what may pass at once, in the beginning.
  const leastMs = ((6 * value.length) / bytesPerSecond) * 1000 - 60
  const tookMs = performance.now() - startMs
  t.ok(tookMs >= leastMs, `${tookMs} ms, at least ${leastMs}`)
  for (const found of values) t.ok(found.equals(value))
})

await t.test('a wait for the rate ends by an abort, or when the store is closed', async (t) => {
  const inner = memoryStore()
  const store = withLimits(inner, { bytesPerSecond: 1 })
  const signal = AbortSignal.timeout(5)
  await t.rejects(store.write('k', 'value', { signal }), { code: 'ABORTED' })
  t.equal(await inner.stat('k'), undefined)
  const waiting = store.write('k', 'value')
  setTimeout(() => void store.close(), 5)
  await t.rejects(waiting, { code: 'CLOSED' })
})

await t.test('what is no limit is refused', async (t) => {
  const inner = memoryStore()
  t.throws(() => withLimits(inner, { bytesPerSecond: 0 }), RangeError)
  t.throws(() => withLimits(inner, { inFlight: 1.5 }), RangeError)
  t.throws(() => withLimits(inner, { inFlight: '2' as never }), TypeError)
  t.throws(() => withLimits(inner, { bandwidth: 5 } as never), TypeError)
})
