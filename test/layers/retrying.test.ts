import { Readable } from 'node:stream'
import t from 'tap'
import { Store, StoreError, type ErrorCode, type ObjectStore } from '../../index.js'
import { memoryStore } from '../../lib/backends/memory.js'
import { withRetries } from '../../lib/layers/retrying.js'

/** A store in memory whose next calls fail, so many of them. */
class Failing {
  readonly inner = memoryStore()
  left = 0
  calls = 0
  code: ErrorCode = 'UNAVAILABLE'

  get store(): ObjectStore {
    const { inner } = this
    return {
      supports: inner.supports,
      read: (key, options) => this.#call(() => inner.read(key, options)),
      stat: (key, options) => this.#call(() => inner.stat(key, options)),
      write: (key, body, options) => this.#call(() => inner.write(key, body, options)),
      remove: (key, options) => this.#call(() => inner.remove(key, options)),
      take: (key, options) => this.#call(() => inner.take(key, options)),
      list: (options) => this.#list(() => inner.list(options)),
      close: () => inner.close(),
    }
  }

  fail(times: number, code: ErrorCode = 'UNAVAILABLE'): void {
    this.left = times
    this.calls = 0
    this.code = code
  }

  async #call<T>(call: () => Promise<T>): Promise<T> {
    this.calls += 1
    if (this.left === 0) return await call()
    this.left -= 1
    throw new StoreError(this.code, 'as the test wants it')
  }

  async *#list<T>(call: () => AsyncIterable<T>): AsyncGenerator<T> {
    yield* await this.#call(async () => call())
  }
}

const QUICK = { delayMs: 1, maxDelayMs: 2 }

await t.test('what has the same effect twice is made again', async (t) => {
  const failing = new Failing()
  const store = withRetries(failing.store, QUICK)
  const calls: Record<string, () => Promise<unknown>> = {
    write: () => store.write('k', 'value'),
    read: async () => (await store.read('k'))!.close(),
    stat: () => store.stat('k'),
    list: async () => {
      for await (const info of store.list()) t.equal(info.key, 'k')
    },
    remove: () => store.remove('k'),
  }
  for (const [name, call] of Object.entries(calls)) {
    failing.fail(4)
    await call()
    t.equal(failing.calls, 5, name)
    await store.write('k', 'value')
    failing.fail(5)
    await t.rejects(call(), { code: 'UNAVAILABLE' }, `${name}, which is given up after five`)
    t.equal(failing.calls, 5)
  }
})

await t.test('what may have been done, or cannot be again, is not', async (t) => {
  const failing = new Failing()
  const store = withRetries(failing.store, QUICK)
  const { version } = await store.write('k', 'value')
  const calls: Record<string, () => Promise<unknown>> = {
    take: () => store.take('k'),
    ifAbsent: () => store.write('k', 'value', { ifAbsent: true }),
    ifVersion: () => store.write('k', 'value', { ifVersion: version }),
    'removal by version': () => store.remove('k', { ifVersion: version }),
    stream: () => store.write('k', Readable.from([Buffer.from('value')])),
  }
  for (const [name, call] of Object.entries(calls)) {
    failing.fail(1)
    await t.rejects(call(), { code: 'UNAVAILABLE' }, name)
    t.equal(failing.calls, 1)
  }
  failing.fail(1, 'CORRUPT')
  await t.rejects(store.read('k'), { code: 'CORRUPT' }, 'nor an error that stays')
  t.equal(failing.calls, 1)
})

await t.test('waits grow, and end by an abort or when the store is closed', async (t) => {
  const failing = new Failing()
  const slow = withRetries(failing.store, { delayMs: 40, attempts: 3 })
  failing.fail(2)
  const startMs = performance.now()
  await slow.stat('k')
  t.ok(performance.now() - startMs >= 20 + 40 - 2, 'half of 40 ms, then of 80 ms, at least')

  const patient = withRetries(failing.store, { delayMs: 2 ** 31 - 1, maxDelayMs: 2 ** 31 - 1 })
  failing.fail(9)
  const reason = new Error('enough')
  const abort = new AbortController()
  const aborted = patient.stat('k', { signal: abort.signal })
  setTimeout(() => abort.abort(reason), 5)
  await t.rejects(aborted, { code: 'ABORTED', cause: reason })
  failing.fail(1)
  const waiting = patient.stat('k')
  setTimeout(() => void patient.close(), 5)
  await t.rejects(waiting, { code: 'CLOSED' })
})

await t.test('what is no option is refused', async (t) => {
  const { store } = new Failing()
  t.throws(() => withRetries(store, { attempts: 0 }), RangeError)
  t.throws(() => withRetries(store, { delayMs: -1 }), RangeError)
  t.throws(() => withRetries(store, { maxDelayMs: '1' as never }), TypeError)
  t.throws(() => withRetries(store, { retries: 1 } as never), TypeError)
  t.ok(new Store(withRetries(store)))
})
