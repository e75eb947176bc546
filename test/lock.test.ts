import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { open, type Lease, type Store } from '../index.js'
import {
  generationsOf,
  place,
  strayErrors,
  TroubledFileSystem,
  until,
} from './support/coordination.js'
import { failureOf } from './support/faces.js'
import { scratchDirectory } from './support/surroundings.js'

const QUICK = { ttlMs: 400 }
const LOST = { code: 'LEASE_LOST', operation: 'lease', key: 'l' }

await t.test('lock returns what the function does, and releases what it held', async (t) => {
  const { store, root } = await place(t)
  const token = await store.lock('l', (lease) => lease.token)
  t.equal(await store.lock('l', () => Promise.resolve('done'), QUICK), 'done')
  const error = new Error('mine')
  await t.rejects(
    store.lock('l', () => Promise.reject(error)),
    error,
  )
  await t.rejects(
    store.lock('l', () => {
      throw error
    }),
    error,
  )
  const stopped = AbortSignal.abort()
  await t.rejects(
    store.lock('l', () => t.fail('it runs'), { signal: stopped }),
    { code: 'ABORTED' },
  )
  const next = await store.lease('l')
  t.ok(next.token > token)
  await next.release()
  await store.lock('l', () => store.lock('other', () => undefined))
  t.ok(generationsOf(root, '.leases', 'other').length > 0)
})

await t.test('lock says when the lease was lost while the function ran', async (t) => {
  const { another } = await place(t)
  const stray = strayErrors(t)
  const trouble = new TroubledFileSystem()
  const store = await another({ fs: trouble.fs })
  t.teardown(() => trouble.recover())
  let seen: unknown
  const work = async (lease: Lease): Promise<void> => {
    trouble.trouble = 'EIO'
    await until(() => lease.signal.aborted, 'it is lost')
    seen = lease.signal.reason
  }
  await t.rejects(store.lock('l', work, QUICK), LOST)
  t.match(seen, LOST)
  trouble.recover()
  const error = new Error('mine')
  const failing = async (lease: Lease): Promise<void> => {
    await work(lease)
    throw error
  }
  await t.rejects(store.lock('l', failing, QUICK), error)
  t.same(stray, [])
})

await t.test('await using gives it back', async (t) => {
  const { store } = await place(t)
  let held: Lease
  {
    await using lease = await store.lease('l')
    held = lease
    t.ok(held.isHeld)
  }
  t.notOk(held.isHeld)
  await (await store.lease('l')).release()
})

await t.test('closing a store gives back what it holds, and ends its waits', async (t) => {
  const { store, another } = await place(t)
  const stray = strayErrors(t)
  const rival = await another()
  const lease = await store.lease('l')
  const other = await rival.lease('other')
  const closed = { code: 'CLOSED' }
  const waits: Promise<unknown>[] = [
    store.lease('l'),
    store.lease('other'),
    store.lock('other', () => 1),
  ]
  const rejected = waits.map((waiting) => t.rejects(waiting, closed))
  await setTimeout(50)
  const beganMs = performance.now()
  await store.close()
  await Promise.all(rejected)
  await t.rejects(store.lease('l'), closed)
  t.notOk(lease.isHeld)
  await lease.release()
  t.match(lease.signal.reason, closed, 'whoever is at work learns it')
  await (await rival.lease('l')).release()
  t.ok(performance.now() - beganMs < 5000, 'nobody waits for the ttl')
  await other.release()
  t.same(stray, [])
})

await t.test('closing a store while a lock is held tells who holds it', async (t) => {
  const { store } = await place(t)
  const closed = { code: 'CLOSED' }
  let told: unknown
  const work = async (lease: Lease): Promise<string> => {
    const closing = store.close()
    await until(() => lease.signal.aborted, 'it is told')
    told = lease.signal.reason
    await closing
    return 'done, but not alone'
  }
  await t.rejects(store.lock('l', work), closed)
  t.match(told, closed)
})

await t.test('a lease that was just being got is not left behind by closing', async (t) => {
  const { store, another } = await place(t)
  const trouble = new TroubledFileSystem()
  const brief = await another({ fs: trouble.fs })
  trouble.linkDelayMs = 300
  const got = failureOf(() => brief.lease('l', { ttlMs: 60_000 }))
  await setTimeout(100)
  await brief.close()
  t.match(await got, { code: 'CLOSED' })
  const signal = AbortSignal.timeout(20_000)
  await (await store.lease('l', { signal })).release()
})

await t.test('who holds a lease again and again leaves it to one who waits', async (t) => {
  const { store, another } = await place(t)
  const rival = await another()
  let isOver = false
  let turns = 0
  const busy = (async () => {
    while (!isOver) {
      await store.lock('l', () => setTimeout(10))
      turns += 1
    }
  })()
  let between = 0
  for (let round = 0; round < 10; round += 1) {
    await setTimeout(40)
    const before = turns
    await rival.lock('l', () => {
      between += turns - before
    })
  }
  isOver = true
  await busy
  t.comment(`${between} turns while the other waited ten times`)
  t.ok(between <= 35, 'soon')
})

await t.test('destroying a store gives back what it holds', async (t) => {
  const store = await open(`${await scratchDirectory(t)}/store`)
  const lease = await store.lease('l')
  await store.destroy()
  t.notOk(lease.isHeld)
  await lease.release()
})

for (const kind of ['in one process', 'over eight stores'] as const) {
  await t.test(`eight contenders ${kind} all get their turns`, async (t) => {
    const { store, another } = await place(t)
    const isOne = kind === 'in one process'
    const stores = await Promise.all(
      Array.from({ length: 8 }, () => (isOne ? Promise.resolve(store) : another())),
    )
    const turns = new Array<number>(8).fill(0)
    let holders = 0
    let lastToken = 0
    const isDone = (): boolean => turns.every((count) => count >= 3)
    const limitMs = performance.now() + 30_000
    const contend = async (from: Store, index: number): Promise<void> => {
      while (!isDone() && performance.now() < limitMs) {
        await from.lock('l', async ({ token }) => {
          holders += 1
          t.equal(holders, 1, `alone, with token ${token}`)
          t.ok(token > lastToken)
          lastToken = token
          await setTimeout(2)
          holders -= 1
          turns[index]! += 1
        })
      }
    }
    await Promise.all(stores.map(contend))
    t.ok(isDone(), `each had three turns: ${turns.join(' ')}`)
    t.ok(Math.max(...turns) <= 40, 'and none had too many')
    t.comment(turns.join(' '))
  })
}
