import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { directoryStore, StoreError, type ObjectStore } from '../../index.js'
import { memoryStore } from '../../lib/backends/memory.js'
import { withCache, type WriteBackStore } from '../../lib/layers/cached.js'
import { startWorker } from '../support/workers.js'

const NEVER_MS = 2 ** 31 - 1

/** A store whose calls are counted, can be made to fail, and can be held up. */
class Watched {
  readonly inner: ObjectStore
  readonly calls: string[] = []
  isFailing = false
  /** Awaited in each call before it is made, or after. */
  before: (name: string) => Promise<void> = () => Promise.resolve()
  after: (name: string) => Promise<void> = () => Promise.resolve()

  constructor(inner: ObjectStore = memoryStore()) {
    this.inner = inner
  }

  get store(): ObjectStore {
    const { inner } = this
    return {
      supports: inner.supports,
      read: (key, options) => this.#call('read', () => inner.read(key, options)),
      stat: (key, options) => this.#call('stat', () => inner.stat(key, options)),
      write: (key, body, options) => this.#call('write', () => inner.write(key, body, options)),
      remove: (key, options) => this.#call('remove', () => inner.remove(key, options)),
      take: (key, options) => this.#call('take', () => inner.take(key, options)),
      list: (options) => inner.list(options),
      close: () => inner.close(),
    }
  }

  /** The calls since this was called last. */
  made(): string {
    return this.calls.splice(0).join()
  }

  async #call<T>(name: string, call: () => Promise<T>): Promise<T> {
    this.calls.push(name)
    if (this.isFailing) throw new StoreError('UNAVAILABLE', 'as the test wants it')
    await this.before(name)
    const result = await call()
    await this.after(name)
    return result
  }
}

async function textOf(store: ObjectStore, key: string): Promise<string | undefined> {
  await using object = await store.read(key)
  return await object?.text()
}

async function keysOf(store: ObjectStore): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list()) keys.push(key)
  return keys.sort()
}

function writeBack(inner: ObjectStore, cache: ObjectStore, maxValueBytes = 1000): WriteBackStore {
  return withCache(inner, { cache, strategy: 'write-back', flushMs: NEVER_MS, maxValueBytes })
}

await t.test('a hit costs one stat underneath, or nothing while it is fresh', async (t) => {
  const watched = new Watched()
  const store = withCache(watched.store, { cache: memoryStore() })
  await store.write('k', 'value')
  watched.made()
  t.equal(await textOf(store, 'k'), 'value')
  t.equal(watched.made(), 'stat', 'written values are cached')
  await watched.inner.write('k', 'other')
  t.equal(await textOf(store, 'k'), 'other', 'what another process wrote is seen at once')
  t.equal(watched.made(), 'stat,read')
  t.equal(await textOf(store, 'k'), 'other')
  t.equal(watched.made(), 'stat', 'and read values are cached')

  const fresh = withCache(watched.store, { cache: memoryStore(), freshMs: 200 })
  t.equal(await textOf(fresh, 'k'), 'other')
  watched.made()
  const startMs = Date.now()
  await watched.inner.write('k', 'newer')
  const found = await textOf(fresh, 'k')
  if (Date.now() - startMs < 150) t.match([found, watched.made()], ['other', ''])
  await sleep(205)
  t.equal(await textOf(fresh, 'k'), 'newer', 'no old value is believed for longer')
  t.equal((await fresh.stat('k'))?.sizeBytes, 5)
  await fresh.write('k', 'mine')
  watched.made()
  t.equal(await textOf(fresh, 'k'), 'mine', "one's own writes are seen at once")
  t.equal(watched.made(), '')
})

await t.test('a value that a slow reader found is not put over a newer one', async (t) => {
  const watched = new Watched()
  await watched.inner.write('k', 'old')
  const store = withCache(watched.store, { cache: memoryStore(), freshMs: 60_000 })
  // The write is made between the look of the reader underneath and its keeping of what it found.
  watched.after = async (name) => {
    if (name !== 'read') return
    watched.after = () => Promise.resolve()
    await store.write('k', 'new')
  }
  t.equal(await textOf(store, 'k'), 'old')
  t.equal(await textOf(store, 'k'), 'new')

  // Of two writes at the same time the one that is done last underneath is not the last to return.
  let release = (): void => undefined
  watched.after = async (name) => {
    if (name !== 'write') return
    watched.after = () => Promise.resolve()
    await new Promise<void>((resolve) => (release = resolve))
  }
  const first = store.write('k', 'first')
  await sleep(5)
  await store.write('k', 'second')
  release()
  await first
  t.equal(await textOf(store, 'k'), 'second')
})

await t.test('a cache that fails costs time and nothing else', async (t) => {
  const notices: unknown[] = []
  const listen = (notice: unknown): void => void notices.push(notice)
  subscribe('linkstore:notice', listen)
  t.teardown(() => unsubscribe('linkstore:notice', listen))
  const cache = new Watched()
  const store = withCache(memoryStore(), { cache: cache.store })
  cache.isFailing = true
  await store.write('k', 'value')
  t.equal(await textOf(store, 'k'), 'value')
  t.equal(await store.remove('k'), true)
  t.equal(await textOf(store, 'k'), undefined)
  t.ok(notices.length >= 3)
  cache.isFailing = false
  await cache.inner.write('k', 'foreign')
  await store.write('k', 'value')
  t.equal(await textOf(store, 'k'), 'value')
})

await t.test('values that are too large are not cached, however they come', async (t) => {
  for (const strategy of ['write-through', 'write-back'] as const) {
    const [watched, cache] = [new Watched(), memoryStore()]
    const store = withCache(watched.store, { cache, strategy, maxValueBytes: 1000 })
    const pieces = async function* (): AsyncGenerator<Buffer> {
      for (let i = 0; i < 64; i += 1) {
        await sleep(0)
        yield Buffer.alloc(65_536, i)
      }
    }
    await store.write('stream', pieces())
    await store.write('bytes', Buffer.alloc(1001))
    t.match(watched.made(), /^write,.*write/)
    const info = await store.stat('stream')
    t.equal(info?.sizeBytes, 64 * 65_536)
    await using object = await store.read('stream')
    const read = Buffer.concat(await object!.stream().toArray())
    t.ok(read.equals(Buffer.concat(await Readable.from(pieces()).toArray())))
    const kept = (await keysOf(cache)).filter((key) => key !== 'owner')
    t.same(kept, [], strategy)
    await store.close()
  }
})

await t.test('a write-back is acknowledged by the cache, and seen by all verbs', async (t) => {
  const watched = new Watched()
  await watched.inner.write('removed', 'value')
  await watched.inner.write('kept', 'value')
  await watched.inner.write('changed', 'value')
  const store = writeBack(watched.store, memoryStore())
  const metadata = { color: 'red' }
  await store.write('new', 'one', { metadata, contentType: 'x/y', ttlMs: 3_600_000 })
  await store.write('new', 'two', { metadata, contentType: 'x/y', ttlMs: 3_600_000 })
  await store.write('changed', 'again')
  t.equal(watched.made(), '')
  t.equal(await store.remove('removed'), true)
  t.equal(await store.remove('removed'), false)
  t.equal(await textOf(store, 'new'), 'two')
  t.equal(await textOf(store, 'removed'), undefined)
  t.equal(watched.made(), 'stat', 'only a removal asks whether there is something')
  t.same(await keysOf(store), ['changed', 'kept', 'new'])
  t.same(await keysOf(watched.inner), ['changed', 'kept', 'removed'])
  t.equal(store.unflushed, 3)
  await store.flush()
  t.equal(watched.made(), 'write,write,remove', 'the last state of each key')
  t.equal(store.unflushed, 0)
  t.same(await keysOf(watched.inner), ['changed', 'kept', 'new'])
  t.match(await watched.inner.stat('new'), { metadata, contentType: 'x/y', sizeBytes: 3 })
  const { expiresAtMs } = (await watched.inner.stat('new'))!
  t.ok(Math.abs(expiresAtMs! - Date.now() - 3_600_000) < 60_000)
  watched.made()
  t.equal(await textOf(store, 'new'), 'two')
  t.equal(watched.made(), 'stat', 'what is flushed stays cached')
  await t.rejects(store.write('k', 'v', { ifVersion: '0'.repeat(32) }), { code: 'NOT_SUPPORTED' })
  const signal = AbortSignal.abort()
  await t.rejects(store.flush({ signal }), { code: 'ABORTED' })
})

await t.test('what others must agree on is decided underneath, after a flush', async (t) => {
  const watched = new Watched()
  const store = writeBack(watched.store, memoryStore())
  await store.write('k', 'value')
  await t.rejects(store.write('k', 'other', { ifAbsent: true }), { code: 'PRECONDITION_FAILED' })
  await store.write('k', 'newer')
  await using object = await store.take('k')
  t.equal(await object!.text(), 'newer')
  t.equal(await watched.inner.stat('k'), undefined)
  await store.write('k', 'small')
  await store.write('k', Buffer.alloc(1001))
  t.equal((await watched.inner.stat('k'))?.sizeBytes, 1001)
  await store.close()
  t.equal(watched.made(), 'write,write,write,take,write,write')
})

await t.test('a change that comes while its key is flushed is flushed after it', async (t) => {
  const watched = new Watched()
  const store = writeBack(watched.store, memoryStore())
  await store.write('k', 'first')
  watched.before = async (name) => {
    if (name !== 'write') return
    watched.before = () => Promise.resolve()
    await store.write('k', 'second')
    t.equal(await textOf(store, 'k'), 'second')
  }
  await store.flush()
  t.equal(await textOf(watched.inner, 'k'), 'second')
  t.equal(await textOf(store, 'k'), 'second')
  t.equal(watched.calls.filter((name) => name === 'write').length, 2)
})

await t.test('a store underneath that fails is told of all later', async (t) => {
  const watched = new Watched()
  const cache = memoryStore()
  const how = { strategy: 'write-back', maxUnflushed: 20 } as const
  const store = withCache(watched.store, {
    ...how,
    cache: memoryStore({ from: cache }),
    flushMs: 5,
  })
  watched.isFailing = true
  for (let i = 0; i < 20; i += 1) await store.write(`k${i}`, `${i}`)
  await t.rejects(store.flush(), { code: 'UNAVAILABLE', message: /^20 of 20 keys/ })
  await t.rejects(store.write('one more', 'v'), { code: 'UNAVAILABLE' })
  t.equal(await textOf(store, 'k7'), '7')
  watched.isFailing = false
  for (let i = 0; store.unflushed > 0 && i < 2000; i += 1) await sleep(5)
  t.equal((await keysOf(watched.inner)).length, 20, 'by itself')

  watched.isFailing = true
  await store.write('k7', 'changed')
  await t.rejects(store.close(), { code: 'UNAVAILABLE', message: /^1 of 1 keys/ })
})

await t.test('an expired value is gone, and what it had replaced with it', async (t) => {
  const inner = memoryStore()
  await inner.write('k', 'old')
  const cache = memoryStore()
  const before = writeBack(inner, memoryStore({ from: cache }))
  await before.write('k', 'new', { ttlMs: 30 })
  await sleep(40)
  t.equal(await textOf(before, 'k'), undefined)
  // The next one has to learn of it from the cache.
  const store = writeBack(inner, memoryStore({ from: cache }))
  t.equal(await textOf(store, 'k'), undefined)
  t.equal(await store.stat('k'), undefined)
  t.same(await keysOf(store), [])
  await store.flush()
  t.equal(await inner.stat('k'), undefined)
})

await t.test('a cache that is opened again belongs to who opened it', async (t) => {
  const [inner, cache] = [memoryStore(), memoryStore()]
  const first = writeBack(memoryStore({ from: inner }), memoryStore({ from: cache }))
  await first.write('k', 'old')
  const second = writeBack(memoryStore({ from: inner }), memoryStore({ from: cache }))
  await second.flush()
  t.equal(await textOf(inner, 'k'), 'old', 'it flushes what was left')
  await second.write('k', 'new')
  await second.flush()
  await t.rejects(first.flush(), { code: 'LEASE_LOST' })
  await t.rejects(first.read('k'), { code: 'LEASE_LOST' })
  t.equal(await textOf(inner, 'k'), 'new')
})

await t.test('what was acknowledged is flushed by who comes after a killed process', async (t) => {
  const scratch = t.testdir()
  const [innerPath, cachePath] = [`${scratch}/inner`, `${scratch}/cache`]
  const open = (path: string): Promise<ObjectStore> => directoryStore(path, { durability: 'none' })
  const inner = await open(innerPath)
  await inner.write('old', 'value')
  for (const afterMs of [0, 15, 60]) {
    const worker = startWorker(t, 'layers/worker-cached.js', [innerPath, cachePath, 20])
    await worker.ready
    await sleep(afterMs)
    worker.process.kill('SIGKILL')
    const { stdout } = await worker.ended
    const acknowledged = Number(stdout.split('\n').at(-2))
    const store = writeBack(await open(innerPath), await open(cachePath))
    await store.close()
    for (let i = 0; i < 20; i += 1) {
      t.equal(await textOf(inner, `key ${i}`), `value ${i}`)
      t.match(await inner.stat(`key ${i}`), { metadata: { i: `${i}` }, expiresAtMs: Number })
    }
    t.equal(await inner.stat('old'), undefined)
    const counter = Number((await textOf(inner, 'counter')) ?? 0)
    if (!Number.isNaN(acknowledged)) t.ok(counter >= acknowledged, `${counter}, ${acknowledged}`)
  }
  await inner.close()
})

await t.test('what is no cache is refused', async (t) => {
  const [inner, cache] = [memoryStore(), memoryStore()]
  const raw = { ...new Watched().store, supports: { ...inner.supports, metadata: false } }
  const silent = { ...new Watched().store, supports: { ...inner.supports, list: false } }
  const plain = { ...new Watched().store, supports: { ...inner.supports, versions: false } }
  t.throws(() => withCache(inner, {} as never), TypeError)
  t.throws(() => withCache(inner, { cache: inner }), TypeError)
  t.throws(() => withCache(inner, { cache, flushMs: 5 }), TypeError)
  t.throws(() => withCache(inner, { cache, freshMs: -1 }), RangeError)
  t.throws(() => withCache(inner, { cache, strategy: 'back' as never }), TypeError)
  t.throws(() => withCache(plain, { cache }), RangeError)
  t.throws(() => withCache(inner, { cache: raw }), { code: 'NOT_SUPPORTED' })
  t.throws(() => withCache(inner, { cache: silent, strategy: 'write-back' }), {
    code: 'NOT_SUPPORTED',
  })
})
