import * as nodeFs from 'node:fs'
import { Readable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { open, Store, type Job, type Queue } from '../index.js'
import { failureOf } from './support/faces.js'
import { consumer, leftPrivate, letters, lying, queuePlace, roomOf } from './support/queues.js'
import { scratchDirectory } from './support/surroundings.js'

const EMPTY = { ready: 0, delayed: 0, claimed: 0, dead: 0 }
/** What callers without types pass. */
const anything = (value: unknown): never => value as never
const LARGE = Buffer.alloc(300_000, 'large ')

async function bodiesOf(queue: Queue, count: number): Promise<string[]> {
  const bodies: string[] = []
  for await (const job of queue.consume({ pollMs: 5 })) {
    bodies.push(await job.text())
    await job.ack()
    if (bodies.length === count) break
  }
  return bodies
}

for (const fresh of [false, true]) {
  const how = fresh ? ', with directories revalidated' : ''
  await t.test(`a job goes through a queue${how}`, async (t) => {
    const { root, queue, store } = await queuePlace(t, { fresh })
    t.same(await queue.counts(), EMPTY, 'a queue that was never used is empty')
    t.equal(await queue.size(), 0)
    t.same(await letters(queue), [])
    const id = await queue.push('{"n":1}')
    t.match(id, /^[0-9a-f]{32}$/)
    t.same(await queue.counts(), { ...EMPTY, ready: 1 })
    const { next } = consumer(t, queue)
    const job = await next()
    t.equal(job.id, id)
    t.equal(job.attempts, 1)
    t.match(job.info, { key: 'jobs', sizeBytes: 7, version: id })
    t.equal(String(await job.bytes()), '{"n":1}')
    t.equal(await job.text(), '{"n":1}')
    t.same(await job.json(), { n: 1 })
    t.same(await job.stream({ start: 2, end: 2 }).toArray(), [Buffer.from('n')])
    t.same(await queue.counts(), { ...EMPTY, claimed: 1 })
    t.equal(await queue.size(), 1)
    await job.extend()
    t.match(lying(root, 'claimed'), [/\.30000\.[0-9a-f]{32}\.1$/])
    await job.ack()
    t.same(await queue.counts(), EMPTY)
    await t.rejects(job.text(), { code: 'CLOSED' }, 'a job that is settled is read no more')
    for (const again of [
      () => job.ack(),
      () => job.retry(),
      () => job.fail(''),
      () => job.extend(),
    ])
      await t.rejects(again(), { code: 'CLOSED', key: 'jobs' })
    t.equal(await store.count(), 0, 'jobs are no objects')
    t.same((await store.verify()).findings, [], 'and no strangers')
  })

  await t.test(`a job comes again after a retry, and after the last is dead${how}`, async (t) => {
    const { root, queue } = await queuePlace(t, { fresh }, { maxAttempts: 3 })
    const id = await queue.push('body')
    const { next } = consumer(t, queue)
    for (const attempt of [1, 2, 3]) {
      const job = await next()
      t.match(job, { id, attempts: attempt })
      t.equal(await job.text(), 'body')
      await job.retry()
    }
    t.same(await queue.counts(), { ...EMPTY, dead: 1 })
    const [letter] = await letters(queue)
    t.match(letter, { id, attempts: 3, reason: /given up after 3 attempts.*retry/ })
    const body = await letter!.read()
    t.equal(await body!.text(), 'body')
    await body!.close()
    t.equal(await letter!.requeue(), true)
    t.equal(await letter!.requeue(), false, 'one call does it')
    t.equal(await letter!.discard(), false)
    t.equal(await letter!.read(), undefined)
    t.same(lying(root, 'dead'), [], 'nor is its reason left')
    const again = await next()
    t.match(again, { id, attempts: 1 }, 'as if it had just been pushed')
    await again.fail('no such thing: ä')
    const [second] = await letters(queue)
    t.match(second, { id, attempts: 1, reason: 'no such thing: ä' })
    t.equal(await second!.discard(), true)
    t.equal(await second!.discard(), false)
    t.same(await queue.counts(), EMPTY)
    t.same(lying(root, 'dead'), [])
  })

  await t.test(`one job of a kind waits at a time${how}`, async (t) => {
    const { root, queue } = await queuePlace(t, { fresh })
    const { next } = consumer(t, queue)
    const push = (): Promise<string | undefined> => queue.push('b', { dedupeKey: 'k' })
    const settlings: readonly [string, (job: Job) => Promise<void>][] = [
      ['acknowledged', (job) => job.ack()],
      ['dead', (job) => job.fail('as the test wants it')],
    ]
    for (const [what, settle] of settlings) {
      const ids = await Promise.all([push(), push(), push(), push()])
      t.equal(ids.filter((id) => id !== undefined).length, 1, 'one of many')
      t.type(await queue.push('other', { dedupeKey: 'other' }), 'string')
      t.equal(await push(), undefined, 'while it waits')
      const job = await next()
      t.equal(await push(), undefined, 'while it is claimed')
      await job.retry()
      await (await next()).ack()
      t.equal(await push(), undefined, 'while it waits again')
      const last = await next()
      t.equal(last.id, job.id)
      await settle(last)
      t.same(lying(root, 'keys'), [], `its key is free once it is ${what}`)
    }
    const dead = lying(root, 'dead').sort(
      (a, b) => Number(b.endsWith('.reason')) - Number(a.endsWith('.reason')),
    )
    t.match(dead, [/\.reason$/, /^\d{15}-[0-9a-f]{32}\.\d\.[0-9a-f]{32}$/])
    const [letter] = await letters(queue)
    t.type(await push(), 'string', 'a dead job keeps nobody out')
    t.equal(await letter!.requeue(), true)
    t.equal((await queue.counts()).ready, 2)
    t.same(await leftPrivate(root), [])
  })
}

await t.test('delayed jobs come when they are due, the others in their order', async (t) => {
  const { queue } = await queuePlace(t)
  const names = Array.from({ length: 30 }, (_, index) => `job ${index}`)
  await queue.push('late', { delayMs: 2000 })
  for (const name of names) await queue.push(name)
  t.same(await queue.counts(), { ...EMPTY, ready: 30, delayed: 1 })
  const beganMs = performance.now()
  t.same(await bodiesOf(queue, 31), [...names, 'late'], 'one consumer keeps to it exactly')
  const { next } = consumer(t, queue, { pollMs: 10_000 })
  t.ok(performance.now() - beganMs > 100, 'it was late')
  await queue.push('again')
  const job = await next()
  const retriedMs = performance.now()
  await job.retry({ delayMs: 500 })
  t.same(await queue.counts(), { ...EMPTY, delayed: 1 })
  const again = await next()
  const waitedMs = performance.now() - retriedMs
  t.ok(waitedMs > 490 && waitedMs < 5000, `when it is due, whatever the poll interval: ${waitedMs}`)
  await again.ack()
})

await t.test('several consumers share the jobs, and each gets its own', async (t) => {
  const { root, queue } = await queuePlace(t)
  const count = 200
  for (let index = 0; index < count; index += 1) await queue.push(String(index))
  const order: number[] = []
  const stop = new AbortController()
  const shares = await Promise.all(
    [0, 1, 2].map(async () => {
      const store = await open(root, { durability: 'none' })
      let share = 0
      for await (const job of store.queue('jobs').consume({ pollMs: 5, signal: stop.signal })) {
        order.push(Number(await job.text()))
        await job.ack()
        share += 1
        if (order.length === count) stop.abort()
      }
      await store.close()
      return share
    }),
  )
  t.same(
    order.toSorted((a, b) => a - b),
    [...Array(count).keys()],
    'each once',
  )
  t.ok(
    shares.every((share) => share > count / 10),
    `all had work: ${shares.join(' ')}`,
  )
  const early = order.slice(0, count / 2).filter((index) => index < count / 2).length
  t.ok(early > (count / 2) * 0.8, `roughly in order: ${early} of the first half came in it`)
})

await t.test('a listing serves for many claims', async (t) => {
  let listings = 0
  const readdir = (path: string, ...values: unknown[]): void => {
    if (path.endsWith('/ready')) listings += 1
    ;(nodeFs.readdir as (...all: unknown[]) => void)(path, ...values)
  }
  const { queue } = await queuePlace(t, { fs: { ...nodeFs, readdir } })
  for (let index = 0; index < 300; index += 1) await queue.push(String(index))
  t.equal(listings, 0, 'a push needs none')
  t.equal((await bodiesOf(queue, 300)).length, 300)
  t.ok(listings <= 5, `${listings} listings for 300 jobs`)
})

await t.test('large bodies are streamed, both ways', async (t) => {
  const { root, queue } = await queuePlace(t)
  const pieces = [LARGE, LARGE, LARGE]
  await queue.push(Readable.from(pieces))
  const { next } = consumer(t, queue)
  const job = await next()
  t.equal(job.info.sizeBytes, 3 * LARGE.length)
  const read = Buffer.concat((await job.stream().toArray()) as Buffer[])
  t.ok(read.equals(Buffer.concat(pieces)))
  await job.retry()
  const again = await next()
  t.ok((await again.bytes()).equals(Buffer.concat(pieces)))
  const stream = again.stream()
  await again.ack()
  await t.rejects(stream.toArray(), { code: 'CLOSED' })
  const source = Readable.from([LARGE])
  t.type(await queue.push('first', { dedupeKey: 'k' }), 'string')
  t.equal(await queue.push(source, { dedupeKey: 'k' }), undefined)
  t.equal(source.destroyed, true, 'a stream that is not wanted is closed')
  const broken = new Error('the source broke')
  const failing = Readable.from(
    (async function* () {
      yield LARGE
      throw broken
    })(),
  )
  t.equal(await failureOf(() => queue.push(failing, { dedupeKey: 'other' })), broken)
  t.same(lying(root, 'keys').length, 1, 'and takes no key')
  t.same(await leftPrivate(root), [])
})

await t.test('as many jobs are out as were asked for, and no more', async (t) => {
  const { queue } = await queuePlace(t)
  for (let index = 0; index < 5; index += 1) await queue.push(String(index))
  const { next } = consumer(t, queue, { concurrency: 2 })
  const [first, second] = [await next(), await next()]
  let third: Job | undefined
  const waiting = next().then((job) => (third = job))
  await setTimeout(50)
  t.equal(third, undefined)
  t.same(await queue.counts(), { ...EMPTY, ready: 3, claimed: 2 })
  await second.ack()
  await waiting
  t.equal(await third!.text(), '2')
  await first.ack()
  await (await next()).ack()
  await third!.ack()
})

await t.test('jobs that are not settled are given back at the end, as they were', async (t) => {
  const { root, queue } = await queuePlace(t)
  await queue.push('a')
  await queue.push('b')
  const before = lying(root, 'ready')
  for await (const _ of queue.consume()) break
  t.same(lying(root, 'ready'), before, 'leaving the loop')
  const thrown = new Error('from the loop')
  const throwing = (async () => {
    for await (const _ of queue.consume()) throw thrown
  })()
  t.equal(await failureOf(() => throwing), thrown)
  t.same(lying(root, 'ready'), before, 'an exception')

  const stop = new AbortController()
  const seen: Job[] = []
  for await (const job of queue.consume({ concurrency: 5, signal: stop.signal })) {
    seen.push(job)
    if (seen.length === 2) stop.abort()
  }
  t.same(lying(root, 'ready'), before, 'an abort')
  await t.rejects(seen[0]!.ack(), { code: 'LEASE_LOST', key: 'jobs', operation: 'ack' })
  await t.rejects(seen[1]!.text(), { code: 'CLOSED' })
  const later = new AbortController()
  const waiting = queue.consume({ signal: later.signal })
  await (await waiting.next()).value!.ack()
  await (await waiting.next()).value!.ack()
  void setTimeout(30).then(() => later.abort())
  t.same(await waiting.next(), { done: true, value: undefined }, 'an abort ends the waiting')
  const never = queue.consume({ signal: AbortSignal.abort() })
  t.same(await never.next(), { done: true, value: undefined })
})

await t.test('a store that is closed gives back what its consumers have', async (t) => {
  const { root, store, queue } = await queuePlace(t)
  await queue.push(LARGE)
  await queue.push('b')
  const [held, idle] = [queue.consume(), store.queue('empty').consume()]
  const job = (await held.next()).value!
  const waiting = idle.next()
  await setTimeout(20)
  await store.close()
  t.same(await waiting, { done: true, value: undefined }, 'waiting ends without an error')
  t.same(await held.next(), { done: true, value: undefined })
  await t.rejects(job.ack(), { code: 'LEASE_LOST' })
  t.equal(lying(root, 'ready').length, 2)
  t.same(lying(root, 'claimed'), [])
  for (const call of [
    () => queue.push('c'),
    () => queue.counts(),
    () => queue.consume().next(),
    () => letters(queue),
    () => store.queue('jobs'),
  ]) {
    t.match(await failureOf(call), { code: 'CLOSED' })
  }
  t.same(await leftPrivate(root), [])
})

await t.test('an abort ends it even while the file system does not answer', async (t) => {
  const hanging: (() => void)[] = []
  let hangs = false
  const readdir = (path: string, ...values: unknown[]): void => {
    const go = (): void => (nodeFs.readdir as (...all: unknown[]) => void)(path, ...values)
    if (hangs && path.endsWith('/ready')) hanging.push(go)
    else go()
  }
  const { root, queue } = await queuePlace(t, { fs: { ...nodeFs, readdir } })
  await queue.push('body')
  const before = lying(root, 'ready')
  hangs = true
  const stop = new AbortController()
  void setTimeout(30).then(() => stop.abort())
  const jobs = queue.consume({ signal: stop.signal })
  const beganMs = performance.now()
  t.same(await jobs.next(), { done: true, value: undefined })
  t.ok(performance.now() - beganMs < 3000)
  hangs = false
  for (const go of hanging) go()
  while ((await queue.counts()).ready === 0) await setTimeout(5)
  await setTimeout(20)
  t.same(lying(root, 'ready'), before, 'what it claims after all is given back')
})

await t.test('what is wrong is refused, and says so', async (t) => {
  const { root, store, queue } = await queuePlace(t)
  const calls: readonly [what: string, error: object, call: () => unknown][] = [
    ['a name', { name: 'TypeError' }, () => store.queue(anything(5))],
    ['a long name', { code: 'INVALID_KEY' }, () => store.queue('x'.repeat(65_537))],
    ['options', { name: 'TypeError' }, () => store.queue('q', anything([]))],
    ['attempts', { name: 'RangeError' }, () => store.queue('q', { maxAttempts: 0 })],
    ['attempts', { name: 'RangeError' }, () => store.queue('q', { maxAttempts: 1.5 })],
    ['a body', { name: 'TypeError' }, () => queue.push(anything(5))],
    ['an option', { name: 'TypeError' }, () => queue.push('b', anything({ delay: 5 }))],
    ['a delay', { name: 'RangeError' }, () => queue.push('b', { delayMs: -1 })],
    ['a delay', { name: 'RangeError' }, () => queue.push('b', { delayMs: NaN })],
    ['a key', { name: 'TypeError' }, () => queue.push('b', { dedupeKey: anything(5) })],
    ['durability', { name: 'TypeError' }, () => queue.push('b', { durability: anything('x') })],
    ['concurrency', { name: 'RangeError' }, () => queue.consume({ concurrency: 0 })],
    ['concurrency', { name: 'TypeError' }, () => queue.consume({ concurrency: anything('2') })],
    ['a poll interval', { name: 'RangeError' }, () => queue.consume({ pollMs: 0 })],
    ['a signal', { name: 'TypeError' }, () => queue.consume({ signal: anything(5) })],
    ['counts', { name: 'TypeError' }, () => queue.counts(anything({ what: 1 }))],
    ['letters', { name: 'TypeError' }, () => queue.deadLetters(anything({ what: 1 }))],
    ['an abort', { code: 'ABORTED' }, () => queue.push('b', { signal: AbortSignal.abort() })],
    ['an abort', { code: 'ABORTED' }, () => queue.size({ signal: AbortSignal.abort() })],
  ]
  for (const [what, error, call] of calls) t.match(await failureOf(call), error, what)
  t.same(await queue.counts(), EMPTY)
  await queue.push('b')
  const job = await consumer(t, queue).next()
  await t.rejects(job.fail(anything(5)), { name: 'TypeError' })
  await t.rejects(job.retry({ delayMs: -1 }), { name: 'RangeError' })
  await t.rejects(job.retry(anything({ delay: 1 })), { name: 'TypeError' })
  t.equal(await job.text(), 'b', 'and the job is as it was')
  await job.ack()

  const raw = await open(`${await scratchDirectory(t)}/raw`, { format: 'raw' })
  t.throws(() => raw.queue('q'), { code: 'NOT_SUPPORTED', operation: 'queue' })
  await raw.close()
  const layered = new Store({ supports: store.supports } as never)
  t.throws(() => layered.queue('q'), { code: 'NOT_SUPPORTED' })
  const readOnly = await open(root, { readOnly: true })
  await t.rejects(readOnly.queue('jobs').push('b'), { code: 'ACCESS_DENIED' })
  await t.rejects(readOnly.queue('jobs').consume().next(), { code: 'ACCESS_DENIED' })
  t.same(await readOnly.queue('jobs').counts(), EMPTY)
  await readOnly.close()
})

await t.test('clear leaves queues alone, and destroy removes them', async (t) => {
  const { root, store, queue } = await queuePlace(t, { durability: 'full', dirMode: 0o2770 })
  await queue.push('a', { dedupeKey: 'k' })
  await store.set('k', 'v')
  t.equal(await store.clear(), 1)
  t.equal(await queue.size(), 1)
  await consumer(t, queue).next()
  const again = await open(root)
  await again.queue('jobs').push('b')
  await again.close()
  await store.destroy()
  t.notOk(nodeFs.existsSync(roomOf(root)))
  t.notOk(nodeFs.existsSync(root))
})
