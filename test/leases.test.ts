import { setTimeout } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { open, type Lease, type Store, type StoreError } from '../index.js'
import {
  generationsOf,
  place,
  REMOTE_FS,
  strayErrors,
  TroubledFileSystem,
  until,
} from './support/coordination.js'
import { failureOf } from './support/faces.js'
import { leftPrivate } from './support/queues.js'

const TTL_MS = 400
const QUICK = { ttlMs: TTL_MS }
/** No bound is tighter, for the machine may be busy. */
const LATE_MS = 8 * TTL_MS
const LOST = { code: 'LEASE_LOST', operation: 'lease', key: 'l' }

interface Holder {
  readonly lease: Lease
  readonly trouble: TroubledFileSystem
  readonly losses: StoreError[]
}

/** A lease whose holder can be cut off from the file system. */
async function troubledHolder(
  t: Test,
  another: (options: object) => Promise<Store>,
  how = QUICK,
): Promise<Holder> {
  const trouble = new TroubledFileSystem()
  const store = await another({ fs: trouble.fs })
  t.teardown(() => trouble.recover())
  const losses: StoreError[] = []
  const lease = await store.lease('l', { ...how, onLost: (reason) => losses.push(reason) })
  return { lease, trouble, losses }
}

await t.test('a lease is held by one, and the token rises from holder to holder', async (t) => {
  const { store, root, another } = await place(t)
  const rival = await another()
  const tokens: number[] = []
  for (const from of [store, rival, rival, store]) {
    const lease = await from.lease('l')
    t.ok(lease.isHeld)
    t.notOk(lease.signal.aborted)
    t.equal(generationsOf(root, '.leases', 'l').at(-1), lease.token, 'it is the generation')
    tokens.push(lease.token)
    await lease.release()
    await lease.release()
    t.notOk(lease.isHeld)
    t.notOk(lease.signal.aborted, 'to release is not to lose')
  }
  t.same(
    tokens,
    [...new Set(tokens)].sort((one, other) => one - other),
  )
})

await t.test('a release lets the next one in, long before the ttl', async (t) => {
  const { store, another } = await place(t)
  const first = await store.lease('l')
  let isIn = false
  const waiting = (await another()).lease('l').then((lease) => {
    isIn = true
    return lease
  })
  const local = store.lease('l')
  await setTimeout(200)
  t.equal(isIn, false)
  const beganMs = performance.now()
  await first.release()
  const second = await waiting
  t.ok(second.token > first.token)
  t.ok(performance.now() - beganMs < 5000, 'the ttl is twice that')
  await second.release()
  await (await local).release()
})

await t.test('a holder that is gone is replaced after its ttl, and not before', async (t) => {
  const { store, another } = await place(t)
  const { lease, trouble, losses } = await troubledHolder(t, another)
  trouble.trouble = 'hangs'
  const beganMs = performance.now()
  const next = await store.lease('l', { ttlMs: 5000 })
  const waitedMs = performance.now() - beganMs
  t.ok(waitedMs >= TTL_MS, `not before: ${waitedMs} ms`)
  t.ok(waitedMs < LATE_MS, `and soon: ${waitedMs} ms`)
  t.ok(next.token > lease.token)
  t.equal(losses.length, 1, 'who was replaced knew it before')
  trouble.recover()
  await next.release()
})

await t.test('a ttl is that of the holder, not of who waits', async (t) => {
  const { store, another } = await place(t)
  const { trouble } = await troubledHolder(t, another, { ttlMs: 1500 })
  trouble.trouble = 'hangs'
  const beganMs = performance.now()
  const next = await store.lease('l', { ttlMs: 100 })
  t.ok(performance.now() - beganMs >= 1500)
  trouble.recover()
  await next.release()
})

await t.test('it is renewed for as long as it is held', async (t) => {
  const { store, root, another } = await place(t)
  const losses: unknown[] = []
  const lease = await store.lease('l', { ttlMs: 1000, onLost: (reason) => losses.push(reason) })
  let isIn = false
  const waiting = (await another()).lease('l', { ttlMs: 2000 }).then((next) => {
    isIn = true
    return next
  })
  await setTimeout(3000)
  t.equal(isIn, false)
  t.ok(lease.isHeld)
  t.ok(generationsOf(root, '.leases', 'l').at(-1)! >= lease.token + 3)
  await lease.release()
  const next = await waiting
  t.ok(next.token > lease.token)
  t.same(losses, [])
  await next.release()
  t.same(await leftPrivate(root), [])
})

for (const kind of ['EIO', 'hangs'] as const) {
  await t.test(`a holder whose file system has ${kind} learns that it lost it`, async (t) => {
    const stray = strayErrors(t)
    const { store, another } = await place(t)
    const { lease, trouble, losses } = await troubledHolder(t, another)
    const lostAt = new Promise<number>((resolve) => {
      lease.signal.addEventListener('abort', () => resolve(performance.now()))
    })
    trouble.trouble = kind
    const beganMs = performance.now()
    const rival = store.lease('l', QUICK).then((next) => [next, performance.now()] as const)
    const lostMs = await lostAt
    t.ok(lostMs - beganMs <= LATE_MS)
    t.notOk(lease.isHeld)
    t.match(losses, [LOST])
    t.equal(lease.signal.reason, losses[0])
    t.match(await failureOf(() => lease.release()), LOST)
    const [next, gotMs] = await rival
    t.ok(gotMs >= lostMs, 'before anybody else got it')
    t.ok(next.token > lease.token)
    await setTimeout(TTL_MS)
    trouble.recover()
    await setTimeout(TTL_MS)
    t.ok(next.isHeld, 'what the one before does late does not harm')
    await next.release()
    t.equal(losses.length, 1, 'it is told once')
    t.same(stray, [])
  })
}

await t.test('a renewal that fails now and then is tried again', async (t) => {
  const { another } = await place(t)
  const { lease, trouble, losses } = await troubledHolder(t, another, { ttlMs: 3000 })
  trouble.trouble = 'EIO'
  await setTimeout(1500)
  trouble.recover()
  await setTimeout(3000)
  t.ok(lease.isHeld)
  t.same(losses, [])
  await lease.release()
})

await t.test('a release that fails says so; what is lost meanwhile is lost', async (t) => {
  const { another } = await place(t)
  const stray = strayErrors(t)
  const { lease, trouble } = await troubledHolder(t, another)
  trouble.trouble = 'EIO'
  await t.rejects(lease.release(), { code: 'IO' })
  t.notOk(lease.isHeld)
  trouble.recover()
  const other = await troubledHolder(t, another)
  other.trouble.trouble = 'hangs'
  await t.rejects(other.lease.release(), LOST, 'it does not wait for ever')
  t.match(other.losses, [LOST])
  t.same(stray, [])
})

await t.test('what came too late to be held is not given out', async (t) => {
  const { store, another } = await place(t)
  const trouble = new TroubledFileSystem()
  const slow = await another({ fs: trouble.fs })
  trouble.linkDelayMs = 700
  const beganMs = performance.now()
  const getting = slow.lease('l', { ttlMs: 500 })
  await setTimeout(1500)
  trouble.linkDelayMs = 0
  const lease = await getting
  t.ok(performance.now() - beganMs > 700)
  t.ok(lease.isHeld)
  await lease.release()
  t.ok((await store.lease('l')).token > lease.token)
})

await t.test('a process that stood still has lost it, and knows at once', async (t) => {
  const { another } = await place(t)
  const { lease, losses } = await troubledHolder(t, another)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, TTL_MS * 1.5)
  t.notOk(lease.isHeld, 'before any timer could tell')
  await t.rejects(lease.release(), LOST)
  t.match(losses, [LOST])
})

await t.test('so it has when its clock was set, or the machine slept', async (t) => {
  const { another } = await place(t)
  const { lease, losses } = await troubledHolder(t, another)
  const { now } = Date
  t.teardown(() => (Date.now = now))
  Date.now = () => now() + 3_600_000
  t.notOk(lease.isHeld)
  await until(() => losses.length === 1, 'it is told')
  Date.now = now
})

await t.test('what onLost throws is its own, and changes nothing', async (t) => {
  const { store, another } = await place(t)
  const thrown: unknown[] = []
  process.setUncaughtExceptionCaptureCallback((error) => void thrown.push(error))
  t.teardown(() => process.setUncaughtExceptionCaptureCallback(null))
  const trouble = new TroubledFileSystem()
  const unlucky = await another({ fs: trouble.fs })
  const error = new Error('mine')
  const onLost = (): never => {
    trouble.recover()
    throw error
  }
  const lease = await unlucky.lease('l', { ...QUICK, onLost })
  const inLine = unlucky.lease('l', QUICK)
  trouble.trouble = 'EIO'
  await until(() => lease.signal.aborted, 'it is lost')
  await t.rejects(lease.release(), LOST)
  await (await inLine).release()
  await (await store.lease('l')).release()
  t.same(thrown, [error])
})

await t.test('a ttl too short for the file system is refused, with the reason', async (t) => {
  const { store, another } = await place(t)
  const name = 'RangeError'
  await t.rejects(store.lease('l', { ttlMs: 99 }), { name, message: /at least 100.*disk/ })
  const remote = await another({ fs: REMOTE_FS, fresh: true })
  const shared = { name, message: /at least 1000.*not known to be local/ }
  await t.rejects(remote.lease('l', { ttlMs: 999 }), shared)
  await (await remote.lease('l', { ttlMs: 1000 })).release()
  const stale = await another({ fs: REMOTE_FS, fresh: false })
  const remembered = { name, message: /at least 120000.*fresh: false/ }
  await t.rejects(stale.lease('l'), remembered, 'the default, too')
  await t.rejects(
    stale.lock('l', () => 1, { ttlMs: 119_999 }),
    remembered,
  )
  for (const ttlMs of [0, -1, NaN, Infinity, 2 ** 31]) {
    await t.rejects(store.lease('l', { ttlMs }), { name })
  }
})

await t.test('what is misused is refused', async (t) => {
  const { store, root } = await place(t)
  const name = 'TypeError'
  await t.rejects(store.lease('l', { ttlMs: '1' as never }), { name })
  await t.rejects(store.lease('l', { onLost: 1 as never }), { name, message: /onLost/ })
  await t.rejects(store.lease('l', { ttl: 1 } as never), { name, message: /unknown option "ttl"/ })
  await t.rejects(store.lock('l', 1 as never), { name, message: /function/ })
  const told = { onLost: () => 1 } as never
  await t.rejects(
    store.lock('l', () => 1, told),
    { name, message: /unknown option/ },
  )
  await t.rejects(store.lease('\udc00'), { code: 'INVALID_KEY' })
  t.same(generationsOf(root, '.leases', 'l'), [])
  const readOnly = await open(root, { readOnly: true })
  await t.rejects(readOnly.lease('l'), { code: 'ACCESS_DENIED', key: 'l' })
  await readOnly.close()
})

await t.test('a signal ends the wait, also in the line within a process', async (t) => {
  const { store, another } = await place(t)
  const rival = await another()
  const held = await store.lease('l')
  const stop = new AbortController()
  const { signal } = stop
  const aborted = { code: 'ABORTED' }
  await t.rejects(store.lease('l', { signal: AbortSignal.abort() }), aborted)
  const giving = [store.lease('l', { signal }), rival.lease('l', { signal })].map((waiting) =>
    t.rejects(waiting, aborted),
  )
  const order: string[] = []
  const first = store.lease('l').then((lease) => (order.push('first'), lease))
  await setTimeout(50)
  const reached = performance.now()
  stop.abort()
  await Promise.all(giving)
  t.ok(performance.now() - reached < 5000)
  const last = store.lease('l').then((lease) => (order.push('last'), lease))
  await held.release()
  await (await first).release()
  await (await last).release()
  t.same(order, ['first', 'last'], 'the line goes on, in order')
  await (await rival.lease('l')).release()
})

await t.test('a lease has nothing to do with what else has its name', async (t) => {
  const { store } = await place(t)
  await store.cell('l').compareAndSet(0, 'a cell')
  await store.set('l', 'an object')
  const lease = await store.lease('l')
  t.equal(lease.token, 1)
  t.equal((await store.getOrCreate('l', () => 'never')).toString(), 'an object')
  t.match(await store.cell('l').read(), { value: Buffer.from('a cell'), generation: 1 })
  await lease.release()
})
