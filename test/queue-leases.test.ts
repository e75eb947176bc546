import * as nodeFs from 'node:fs'
import { renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { hashKey, type Queue } from '../index.js'
import { ClaimWatch } from '../lib/coordination/claim-watch.js'
import { checkLease } from '../lib/coordination/visibility.js'
import { age, HOUR_MS, leaveBehind } from './support/leftovers.js'
import * as queues from './support/queues.js'
import {
  another,
  consumer,
  leftPrivate,
  letters,
  lying,
  queuePlace,
  roomOf,
} from './support/queues.js'

const EMPTY = { ready: 0, delayed: 0, claimed: 0, dead: 0 }
const LOST = { code: 'LEASE_LOST', key: 'jobs' }
const LEASE_MS = 150
const QUICK = { leaseMs: LEASE_MS }
const NOBODY = 'f'.repeat(32)

/** Leaves a job as a consumer leaves it that was killed; gives its name in `ready`. */
async function abandon(root: string, queue: Queue): Promise<string> {
  await queue.push('body')
  const [name = ''] = lying(root, 'ready')
  const claimed = `${roomOf(root)}/claimed/${name}.${LEASE_MS}.${NOBODY}.0`
  renameSync(`${roomOf(root)}/ready/${name}`, claimed)
  return name
}

await t.test('a job whose consumer died is given out again after its lease', async (t) => {
  const { root, queue } = await queuePlace(t)
  const name = await abandon(root, queue)
  const beganMs = performance.now()
  const { next } = consumer(t, queue)
  const job = await next()
  const waitedMs = performance.now() - beganMs
  t.ok(waitedMs >= LEASE_MS && waitedMs < LEASE_MS * 10, `after its lease: ${waitedMs} ms`)
  t.match(job, { attempts: 2 })
  t.match(lying(root, 'claimed'), [new RegExp(`^${name.slice(0, 48)}\\.1\\.30000\\.`)])
  await job.ack()
})

await t.test('after the last attempt it is dead', async (t) => {
  const { root, queue } = await queuePlace(t, {}, { maxAttempts: 1 })
  await abandon(root, queue)
  const { next } = consumer(t, queue)
  void next().catch(() => undefined)
  while ((await queue.counts()).dead === 0) await setTimeout(10)
  t.match(await letters(queue), [{ attempts: 1, reason: /given up after 1 attempts.*lease/ }])
})

await t.test('a lease that is extended is not over, one that is not is', async (t) => {
  const place = await queuePlace(t)
  const { queue } = place
  await queue.push('body')
  const slow = consumer(t, queue, QUICK)
  const job = await slow.next()
  const rival = consumer(t, await another(t, place), QUICK)
  let taken = false
  const waiting = rival.next().then((job) => {
    taken = true
    return job
  })
  for (let beat = 0; beat < 8; beat += 1) {
    await setTimeout(LEASE_MS / 2)
    await job.extend()
  }
  t.equal(taken, false, 'for as long as that goes on')
  const again = await waiting
  t.equal(again.id, job.id)
  t.equal(again.attempts, 2)
  for (const late of [() => job.ack(), () => job.extend(), () => job.retry(), () => job.fail('')]) {
    await t.rejects(late(), LOST, 'what comes too late is refused')
  }
  t.same(await queue.counts(), { ...EMPTY, claimed: 1 }, 'and changes nothing')
  t.same(lying(place.root, 'dead'), [])
  await again.ack()
  t.same(await queue.counts(), EMPTY)
})

for (const verb of ['ack', 'extend', 'retry', 'fail'] as const) {
  await t.test(`of a late ${verb} and a takeover one is done`, async (t) => {
    const { root, queue } = await queuePlace(t)
    await queue.push('body')
    const { next } = consumer(t, queue)
    const job = await next()
    const [name = ''] = lying(root, 'claimed')
    const ready = name.replace(/\.0\.30000.*/, '.1')
    renameSync(`${roomOf(root)}/claimed/${name}`, `${roomOf(root)}/ready/${ready}`)
    await t.rejects(verb === 'fail' ? job.fail('late') : job[verb](), LOST)
    t.same(lying(root, 'ready'), [ready])
    t.same([...lying(root, 'claimed'), ...lying(root, 'dead'), ...(await leftPrivate(root))], [])
  })
}

await t.test('a job that nobody settles holds up its consumer for its lease only', async (t) => {
  const { queue } = await queuePlace(t)
  await queue.push('forgotten')
  const { next } = consumer(t, queue, QUICK)
  const beganMs = performance.now()
  const job = await next()
  await queue.push('other')
  const second = await next()
  t.ok(performance.now() - beganMs > LEASE_MS / 2)
  t.equal(await second.text(), 'other')
  await second.ack()
  const again = await next()
  t.equal(again.id, job.id)
  await again.ack()
})

await t.test(
  'a claim is abandoned when it was the same for its lease, and not before',
  async (t) => {
    const watch = new ClaimWatch(1000)
    const claim = (name: string, beat: number, leaseMs = 1000): never =>
      ({ claim: name, beat, leaseMs }) as never
    t.equal(watch.isDue(0), true)
    t.same(watch.see([claim('a', 0), claim('b', 0), claim('c', 0, 4000)], 0, 100), [])
    t.equal(watch.isDue(349), false)
    t.equal(watch.isDue(351), true, 'four looks in a lease')
    t.same(watch.see([claim('a', 0), claim('b', 0), claim('c', 0, 4000)], 1099, 1200), [])
    const [first] = watch.see([claim('a', 0), claim('b', 1), claim('c', 0, 4000)], 1100, 1200)
    t.match(first, { claim: 'a' }, 'it was there when the first look ended and the last began')
    t.same(watch.see([claim('b', 1), claim('c', 0, 4000)], 2199, 2200), [])
    t.match(watch.see([claim('a', 0), claim('b', 1)], 2200, 2200), [{ claim: 'b' }])
    t.same(watch.see([claim('a', 0)], 3000, 3000), [], 'what was away begins anew')
  },
)

await t.test('a lease too short for the file system is refused, with the reason', async (t) => {
  const lease = (isLocal: boolean, fresh: boolean, ms: unknown): number =>
    checkLease({ isLocal, fresh }, 'leaseMs', ms)
  for (const [isLocal, fresh, least, why] of [
    [true, false, 100, /disk/],
    [true, true, 100, /disk/],
    [false, true, 1000, /not known to be local/],
    [false, false, 120_000, /fresh: false.*minute/],
  ] as const) {
    t.equal(lease(isLocal, fresh, least), least)
    t.throws(() => lease(isLocal, fresh, least - 1), { name: 'RangeError', message: why })
  }
  for (const bad of [0, -1, NaN, Infinity, 2 ** 31]) {
    t.throws(() => lease(true, true, bad), { name: 'RangeError' })
  }
  t.throws(() => lease(true, true, '100'), { name: 'TypeError' })
  t.equal(lease(true, true, 100.5), 101)
  const { queue } = await queuePlace(t)
  t.throws(() => queue.consume({ leaseMs: 99 }), { name: 'RangeError', message: /leaseMs.*100/ })
})

await t.test('a call whose reply was lost is known to be done', async (t) => {
  const network = new queues.LossyFileSystem()
  const { root, queue } = await queuePlace(t, { fs: network.fs, fresh: true })
  const { next } = consumer(t, queue)
  await queue.push('to make the queue')
  await (await next()).ack()
  const lossy = async <T>(part: string, call: () => Promise<T>): Promise<T> => {
    network.losing = part
    try {
      return await call()
    } finally {
      network.losing = undefined
      t.equal(network.lost, 1, part)
      network.lost = 0
    }
  }
  t.type(await lossy('/ready/', () => queue.push('a')), 'string')
  const job = await lossy('/claimed/', next)
  await lossy('/claimed/', () => job.extend())
  await lossy('/ready/', () => job.retry())
  const second = await next()
  t.equal(second.attempts, 2)
  await lossy('/.tmp/', () => second.ack())
  t.same(await queue.counts(), EMPTY)
  t.type(await lossy('/keys/', () => queue.push('b', { dedupeKey: 'k' })), 'string')
  const third = await next()
  await lossy('.reason', () => third.fail('it must be'))
  const [letter] = await letters(queue)
  t.match(letter, { reason: 'it must be' })
  t.equal(await lossy('/dead/', () => letter!.requeue()), true)
  await (await next()).fail('again')
  const [last] = await letters(queue)
  t.equal(await lossy('/.tmp/', () => last!.discard()), true)
  t.same([...lying(root, 'dead'), ...lying(root, 'keys'), ...(await leftPrivate(root))], [])
})

await t.test('after a call of which nobody knows whether it was done all goes on', async (t) => {
  const network = new queues.LossyFileSystem()
  const { root, queue } = await queuePlace(t, { fs: network.fs })
  const { next } = consumer(t, queue)
  network.isSoft = true
  const failing = async (part: string, call: () => Promise<unknown>): Promise<void> => {
    network.losing = part
    await t.rejects(call(), { code: 'IO' }, part)
    network.losing = undefined
  }
  await queue.push('a')
  const job = await next()
  await failing('/claimed/', () => job.extend())
  await job.extend()
  await failing('/.tmp/', () => job.ack())
  await job.ack()
  await queue.push('b')
  const other = await next()
  await failing('/dead/0', () => other.fail('first'))
  await other.fail('second')
  t.match(await letters(queue), [{ reason: 'second' }])
  t.same(await queue.counts(), { ...EMPTY, dead: 1 })
  t.same(await leftPrivate(root), [])
})

await t.test('a job that cannot be read is put among the dead', async (t) => {
  const { root, queue } = await queuePlace(t)
  await queue.push('broken')
  await queue.push('sound')
  const [name = ''] = lying(root, 'ready')
  writeFileSync(`${roomOf(root)}/ready/${name}`, 'something else')
  writeFileSync(`${roomOf(root)}/ready/not a job`, 'foreign')
  const { next } = consumer(t, queue)
  const job = await next()
  t.equal(await job.text(), 'sound')
  await job.ack()
  const [letter] = await letters(queue)
  t.match(letter, { attempts: 1, reason: /cannot be read: / })
  await t.rejects(letter!.read(), { code: 'CORRUPT' })
  t.equal(await letter!.discard(), true)
  t.same(lying(root, 'ready'), ['not a job'], 'what is not ours is left alone')
})

await t.test('a key whose job is gone keeps nobody out', async (t) => {
  const { root, queue } = await queuePlace(t)
  const push = (): Promise<string | undefined> => queue.push('body', { dedupeKey: 'k' })
  await push()
  const [name = ''] = lying(root, 'ready')
  unlinkSync(`${roomOf(root)}/ready/${name}`)
  t.equal(lying(root, 'keys').length, 1, 'an orphan')
  const ids = await Promise.all([push(), push(), push(), push()])
  t.equal(ids.filter((id) => id !== undefined).length, 1, 'one of many gets it')
  t.equal(await queue.size(), 1)
  t.same(await leftPrivate(root), [])
})

await t.test('what crashes leave in a queue goes with the sweep, and no job does', async (t) => {
  const { root, store, queue } = await queuePlace(t)
  const room = roomOf(root)
  const { next } = consumer(t, queue)
  // Killed while it acknowledged: the job has a private name, and its key still.
  await queue.push('done', { dedupeKey: 'done' })
  const dead = leaveBehind(root, {})
  const [done = ''] = lying(root, 'ready')
  renameSync(`${room}/ready/${done}`, `${dead}/1`)
  age(dead, 2 * HOUR_MS)
  t.equal(await queue.push('again', { dedupeKey: 'done' }), undefined, 'it may yet be alive')
  // Killed while it buried: the dead job has its key still.
  await queue.push('buried', { dedupeKey: 'buried' })
  const [buried = ''] = lying(root, 'ready')
  renameSync(`${room}/ready/${buried}`, `${room}/dead/${buried}.${NOBODY}`)
  // Killed before it buried: a reason of nothing, and a younger one.
  for (const [id, ageMs] of [
    ['a', 2 * HOUR_MS],
    ['b', 0],
  ] as const) {
    const path = `${room}/dead/${id.repeat(32)}.${NOBODY}.reason`
    writeFileSync(path, 'why')
    age(path, ageMs)
  }
  await queue.push('waits', { dedupeKey: 'waits' })
  await queue.push('claimed', { dedupeKey: 'claimed' })
  await next()
  const before = [...lying(root, 'ready'), ...lying(root, 'claimed')]
  age(dead, 2 * HOUR_MS)
  age(`${dead}/1`, 2 * HOUR_MS)
  const would = await store.sweep({ dryRun: true })
  t.equal(lying(root, 'keys').length, 4, 'a dry run removes nothing')
  const { abandoned } = await store.sweep()
  t.equal(abandoned.count, 4, 'the private name, its directory, the key and the reason')
  t.equal(would.abandoned.count, 3, 'the key is an orphan only after that')
  t.same([...lying(root, 'ready'), ...lying(root, 'claimed')], before)
  t.same(lying(root, 'keys'), ['waits', 'claimed'].map(hashKey).sort())
  t.same(
    lying(root, 'dead').filter((name) => name.endsWith('.reason')),
    [`${'b'.repeat(32)}.${NOBODY}.reason`],
  )
  t.equal((await letters(queue)).length, 1)
  t.type(await queue.push('again', { dedupeKey: 'done' }), 'string')
  t.type(await queue.push('again', { dedupeKey: 'buried' }), 'string')
})

await t.test('a key that was taken for an orphan is put back when it is none', async (t) => {
  let mistaken = 0
  const lstat = (path: string, ...values: unknown[]): void => {
    const done = values.at(-1) as (error: unknown, file?: nodeFs.Stats) => void
    if (values.length > 1 || !path.includes('/keys/')) {
      ;(nodeFs.lstat as (...all: unknown[]) => void)(path, ...values)
      return
    }
    nodeFs.lstat(path, (error, file) => {
      // As if another push had replaced an orphan between this look and the rename.
      if (mistaken > 0) file.nlink = 1
      mistaken -= 1
      done(error, file)
    })
  }
  const { root, queue } = await queuePlace(t, { fs: { ...nodeFs, lstat } })
  await queue.push('body', { dedupeKey: 'k' })
  const key = `${roomOf(root)}/keys/${hashKey('k')}`
  const { ino } = nodeFs.statSync(key)
  mistaken = 3
  t.equal(await queue.push('again', { dedupeKey: 'k' }), undefined)
  t.ok(mistaken <= 0, 'it was taken for one')
  t.equal(nodeFs.statSync(key).ino, ino)
  t.equal(await queue.size(), 1)
  t.same(await leftPrivate(root), [])
})
