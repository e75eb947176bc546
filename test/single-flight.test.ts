import * as nodeFs from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { open, type CreateOptions, type Store } from '../index.js'
import {
  generationsOf,
  place,
  strayErrors,
  TroubledFileSystem,
  until,
} from './support/coordination.js'
import { failureOf } from './support/faces.js'
import { leftPrivate } from './support/queues.js'

const LEASE_MS = 400
const QUICK = { leaseMs: LEASE_MS }

/** Something to create that takes its time, and counts how often it was. */
class Maker {
  made = 0
  running = 0
  most = 0
  readonly #ms: number

  constructor(ms = 30) {
    this.#ms = ms
  }

  readonly create = async (): Promise<string> => {
    this.made += 1
    this.running += 1
    this.most = Math.max(this.most, this.running)
    const text = `value ${this.made}`
    await setTimeout(this.#ms)
    this.running -= 1
    return text
  }
}

async function textOf(store: Store, maker: Maker, options?: CreateOptions): Promise<string> {
  return (await store.getOrCreate('k', maker.create, options)).toString()
}

/** A creator that is cut off from the file system, as if it were gone, while it creates. */
async function goneCreator(
  t: Test,
  another: (options: object) => Promise<Store>,
): Promise<TroubledFileSystem> {
  const trouble = new TroubledFileSystem()
  const store = await another({ fs: trouble.fs })
  t.teardown(() => trouble.recover())
  let isCreating = false
  const create = async ({ signal }: { signal: AbortSignal }): Promise<never> => {
    isCreating = true
    await until(() => signal.aborted, 'the lease is lost')
    throw signal.reason
  }
  void failureOf(() => store.getOrCreate('k', create, QUICK))
  await until(() => isCreating, 'it creates')
  trouble.trouble = 'hangs'
  return trouble
}

await t.test('one makes the value for all that ask in a process', async (t) => {
  const { store, root } = await place(t)
  const maker = new Maker()
  const found = await Promise.all(Array.from({ length: 20 }, () => textOf(store, maker)))
  t.same(new Set(found), new Set(['value 1']))
  t.equal(maker.made, 1)
  t.equal(await textOf(store, maker), 'value 1')
  t.equal((await store.get('k'))?.toString(), 'value 1')
  await store.delete('k')
  t.equal(await textOf(store, maker), 'value 2')
  t.same(await leftPrivate(root), [])
})

await t.test('one makes the value for all that ask over several stores', async (t) => {
  const { store, another } = await place(t)
  const stores = [store, ...(await Promise.all(Array.from({ length: 5 }, () => another())))]
  const maker = new Maker(100)
  const found = await Promise.all([...stores, ...stores].map((from) => textOf(from, maker)))
  t.same(new Set(found), new Set(['value 1']))
  t.equal(maker.made, 1)
})

await t.test('what was made just before the lease was got is not made again', async (t) => {
  const { store, another } = await place(t)
  const fs = {
    ...nodeFs,
    readdir: (path: string, ...rest: [never, never]): void => {
      const go = (): void => nodeFs.readdir(path, ...rest)
      if (path.includes('.flights')) void store.set('k', 'theirs').then(go)
      else go()
    },
  }
  const late = await another({ fs })
  const create = (): string => String(t.fail('it is made again'))
  t.equal((await late.getOrCreate('k', create)).toString(), 'theirs')
})

await t.test('those that shared a value do not share its bytes', async (t) => {
  const { store } = await place(t)
  const maker = new Maker()
  const asked = Array.from({ length: 3 }, async () => {
    const bytes = await store.getOrCreate('k', maker.create)
    const text = bytes.toString()
    bytes.fill('x')
    return text
  })
  t.same(await Promise.all(asked), ['value 1', 'value 1', 'value 1'])
})

await t.test('any body will do, and what is said about it is kept', async (t) => {
  const { store } = await place(t)
  const how = { contentType: 'text/plain', metadata: { by: 'me' }, ttlMs: 60_000 }
  const create = (): AsyncIterable<string> =>
    (async function* () {
      yield 'in '
      await setTimeout(1)
      yield 'pieces'
    })()
  const beganMs = Date.now()
  t.equal((await store.getOrCreate('k', create, how)).toString(), 'in pieces')
  const info = await store.stat('k')
  t.match(info, { contentType: 'text/plain', metadata: { by: 'me' } })
  const leftMs = info!.expiresAtMs! - beganMs
  t.ok(leftMs >= 60_000 && leftMs < 70_000)
  t.equal((await store.getOrCreate('bytes', () => new Uint8Array([7]))).length, 1)
  t.equal((await store.getOrCreate('empty', () => '', { durability: 'full' })).length, 0)
  t.equal((await store.stat('empty'))?.expiresAtMs, undefined)
})

await t.test('a value is made anew after its ttl', async (t) => {
  const { store } = await place(t)
  const maker = new Maker(1)
  const how = { ttlMs: 700 }
  t.equal(await textOf(store, maker, how), 'value 1')
  await setTimeout(800)
  t.equal(await textOf(store, maker, how), 'value 2')
})

await t.test('a stale value is given out at once while one makes the new', async (t) => {
  const { store, another } = await place(t)
  const stores = [store, await another(), await another()]
  const how = { ttlMs: 300, staleWhileRevalidateMs: 600_000 }
  let made = 0
  let finish = (): void => undefined
  const finished = new Promise<void>((resolve) => (finish = resolve))
  const create = async (): Promise<string> => {
    made += 1
    if (made > 1) await finished
    return `value ${made}`
  }
  const ask = async (from: Store): Promise<string> =>
    (await from.getOrCreate('k', create, how)).toString()
  t.equal(await ask(store), 'value 1')
  await setTimeout(350)
  const found = await Promise.all([...stores, ...stores].map(ask))
  t.same(new Set(found), new Set(['value 1']), 'while the new one is not even made')
  await until(() => made === 2, 'one makes it')
  t.same(new Set(await Promise.all(stores.map(ask))), new Set(['value 1']))
  finish()
  const isNew = async (): Promise<boolean> => (await store.get('k'))?.toString() === 'value 2'
  await until(isNew, 'it is there')
  t.equal(made, 2, 'one made it')
})

await t.test('a new value that cannot be made leaves the stale one', async (t) => {
  const { store } = await place(t)
  const stray = strayErrors(t)
  const how = { ttlMs: 100, staleWhileRevalidateMs: 600_000 }
  t.equal((await store.getOrCreate('k', () => 'old', how)).toString(), 'old')
  await setTimeout(150)
  let tries = 0
  const failing = (): never => {
    tries += 1
    throw new Error('mine')
  }
  t.equal((await store.getOrCreate('k', failing, how)).toString(), 'old')
  await until(() => tries === 1, 'it was tried')
  const isTriedAgain = async (): Promise<boolean> => {
    t.equal((await store.getOrCreate('k', failing, how)).toString(), 'old')
    return tries === 2
  }
  await until(isTriedAgain, 'it is tried again')
  t.same(stray, [])
})

await t.test('waitMs is that of each who waits, in the same process and in others', async (t) => {
  const { store, another } = await place(t)
  const rival = await another()
  const maker = new Maker(1500)
  const made = textOf(store, maker)
  await until(() => maker.running === 1, 'it is being made')
  const busy = { code: 'UNAVAILABLE', operation: 'getOrCreate', key: 'k', message: /still making/ }
  const beganMs = performance.now()
  await Promise.all([
    t.rejects(textOf(store, maker, { waitMs: 100 }), busy),
    t.rejects(textOf(rival, maker, { waitMs: 100 }), busy),
    t.rejects(textOf(rival, maker, { waitMs: 0 }), busy),
  ])
  t.ok(performance.now() - beganMs < 1200, 'before it is made')
  t.equal(await textOf(rival, maker, { waitMs: 60_000 }), 'value 1')
  t.equal(await made, 'value 1')
  t.equal(maker.made, 1)
})

await t.test('who waits longer goes on when one of its process gives up', async (t) => {
  const { store, another } = await place(t)
  const maker = new Maker(600)
  const made = textOf(await another(), maker)
  await until(() => maker.running === 1, 'it is being made')
  const brief = t.rejects(textOf(store, maker, { waitMs: 50 }), { code: 'UNAVAILABLE' })
  const patient = textOf(store, maker)
  await brief
  t.equal(await patient, 'value 1')
  await made
  t.equal(maker.made, 1)
})

await t.test(
  'what create throws is told to the one that ran it; the next takes over',
  async (t) => {
    const { store, another } = await place(t)
    const rival = await another()
    let tries = 0
    const create = async (): Promise<string> => {
      tries += 1
      const mine = tries
      await setTimeout(20)
      if (mine <= 2) throw new Error(`try ${mine}`)
      return `value ${mine}`
    }
    const asked = [store, store, store, rival, rival].map(async (from) =>
      String(await from.getOrCreate('k', create).catch((error: unknown) => error)),
    )
    const outcomes = (await Promise.all(asked)).sort()
    t.same(outcomes, ['Error: try 1', 'Error: try 2', 'value 3', 'value 3', 'value 3'])
    t.equal(tries, 3)
    await t.rejects(
      store.getOrCreate('bad', () => 5 as never),
      { name: 'TypeError' },
    )
    t.equal(await store.get('bad'), undefined)
  },
)

await t.test('when the creator is gone one that waits takes over', async (t) => {
  const stray = strayErrors(t)
  const { store, another } = await place(t)
  const beganMs = performance.now()
  const trouble = await goneCreator(t, another)
  const maker = new Maker()
  const rivals = [store, store, await another(), await another()]
  const found = await Promise.all(rivals.map((from) => textOf(from, maker, QUICK)))
  const tookMs = performance.now() - beganMs
  t.same(new Set(found), new Set(['value 1']))
  t.equal(maker.made, 1)
  t.ok(tookMs >= LEASE_MS * 0.6 && tookMs < LEASE_MS * 10, `after its lease: ${tookMs} ms`)
  trouble.recover()
  await setTimeout(50)
  t.same(stray, [])
})

await t.test('a creator that lives is not replaced, however long it takes', async (t) => {
  const { store, another } = await place(t)
  const maker = new Maker(3000)
  const how = { leaseMs: 1000 }
  const found = await Promise.all([textOf(store, maker, how), textOf(await another(), maker, how)])
  t.same(found, ['value 1', 'value 1'])
  t.equal(maker.made, 1)
})

await t.test('closing a store ends its waits, and lets another take over', async (t) => {
  const stray = strayErrors(t)
  const { store, another } = await place(t)
  const rival = await another()
  let isCreating = false
  const create = async ({ signal }: { signal: AbortSignal }): Promise<string> => {
    isCreating = true
    await until(() => signal.aborted, 'it is told to stop')
    throw signal.reason
  }
  const creating = failureOf(() => store.getOrCreate('k', create))
  await until(() => isCreating, 'it creates')
  const joined = failureOf(() => store.getOrCreate('k', create))
  const maker = new Maker()
  const taken = textOf(rival, maker)
  const waiter = await another()
  const waiting = failureOf(() => waiter.getOrCreate('k', create))
  await setTimeout(100)
  await waiter.close()
  t.match(await waiting, { code: 'CLOSED' })
  const beganMs = performance.now()
  await store.close()
  t.match(await creating, { code: 'CLOSED' })
  t.match(await joined, { code: 'CLOSED' })
  t.equal(await taken, 'value 1')
  t.ok(performance.now() - beganMs < 5000, 'the lease need not run out')
  t.match(await failureOf(() => textOf(store, maker)), { code: 'CLOSED' })
  t.same(stray, [])
})

await t.test("a signal ends its caller's wait, and nobody else's", async (t) => {
  const stray = strayErrors(t)
  const { store, another } = await place(t)
  const stop = new AbortController()
  const { signal } = stop
  const aborted = { code: 'ABORTED' }
  const maker = new Maker(600)
  await t.rejects(textOf(store, maker, { signal: AbortSignal.abort() }), aborted)
  const gone = [
    textOf(store, maker, { signal }),
    textOf(store, maker, { signal }),
    textOf(await another(), maker, { signal }),
  ].map((asked) => t.rejects(asked, aborted))
  const stays = textOf(store, maker)
  await until(() => maker.running === 1, 'it is being made')
  stop.abort()
  await Promise.all(gone)
  t.equal(maker.running, 1, 'at once')
  t.equal(await stays, 'value 1')
  t.equal(maker.made, 1)
  t.same(stray, [])
})

await t.test('what is misused is refused before anything is made', async (t) => {
  const { store, root } = await place(t)
  const create = (): string => {
    t.fail('it was called')
    return ''
  }
  const [TYPE, RANGE] = ['TypeError', 'RangeError']
  for (const [options, name] of [
    [{ ttl: 1 }, TYPE],
    [{ ifAbsent: true }, TYPE],
    [{ staleWhileRevalidateMs: 1 }, TYPE],
    [{ ttlMs: '1' }, TYPE],
    [{ ttlMs: 0 }, RANGE],
    [{ ttlMs: 1, staleWhileRevalidateMs: -1 }, RANGE],
    [{ ttlMs: 1, staleWhileRevalidateMs: '1' }, TYPE],
    [{ waitMs: -1 }, RANGE],
    [{ waitMs: NaN }, RANGE],
    [{ waitMs: '1' }, TYPE],
    [{ leaseMs: 99 }, RANGE],
    [{ leaseMs: '1' }, TYPE],
    [{ durability: 'most' }, TYPE],
    [{ metadata: { a: 1 } }, TYPE],
    [{ contentType: 1 }, TYPE],
    [{ signal: {} }, TYPE],
  ] as const) {
    const asked = store.getOrCreate('k', create, options as never)
    await t.rejects(asked, { name }, JSON.stringify(options))
  }
  await t.rejects(store.getOrCreate('k', 'x' as never), { name: TYPE, message: /function/ })
  await t.rejects(store.getOrCreate('\ud800', create), { code: 'INVALID_KEY' })
  t.same(generationsOf(root, '.flights', 'k'), [])
  const readOnly = await open(root, { readOnly: true })
  await t.rejects(readOnly.getOrCreate('k', create), { code: 'ACCESS_DENIED' })
  await store.set('k', 'there')
  t.equal((await readOnly.getOrCreate('k', create)).toString(), 'there')
  await readOnly.close()
})
