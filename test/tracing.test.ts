import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel'
import * as nodeFs from 'node:fs'
import { constants } from 'node:os'
import { setImmediate } from 'node:timers/promises'
import { inspect } from 'node:util'
import t from 'tap'
import {
  hashKey,
  open,
  openSync,
  type StoreError,
  type OperationMessage,
  type OperationName,
} from '../index.js'
import { traceOf } from '../lib/tracing/trace.js'
import { bothFaces, drain, failureOf } from './support/faces.js'
import { FaultyFileSystem } from './support/faults.js'
import { Recorder, type Event } from './support/recorder.js'
import { scratchDirectory } from './support/surroundings.js'
import { callsIn } from './system-calls/row.js'
import { ROWS } from './system-calls/table.js'
import { perform, VERBS, type Opener } from './system-calls/verbs.js'

const LARGE = Buffer.alloc(400_000, 'large ')
const NONE = { provedAbsent: 0, foundAfterAll: 0, stale: 0, outrun: 0 }

type SyncCall = (...values: unknown[]) => unknown

/** `node:fs` with one synchronous function that does something else the first time. */
function withFirst(name: string, first: SyncCall): object {
  const real = (nodeFs as unknown as Record<string, SyncCall>)[name]!
  let isFirst = true
  const call: SyncCall = (...values) => {
    if (!isFirst) return real(...values)
    isFirst = false
    first(...values)
    return real(...values)
  }
  return { ...nodeFs, [name]: call }
}

function fails(code: 'ENOENT' | 'ESTALE'): SyncCall {
  return () => {
    throw Object.assign(new Error(code), { code, errno: -constants.errno[code], syscall: 'link' })
  }
}

const namesOf = (messages: readonly OperationMessage[]): string[] =>
  messages.map(({ operation, outcome }) => `${operation} ${outcome ?? 'without an end'}`)

await t.test('every verb of both faces is published, with how it ended', async (t) => {
  const { root, store, sync } = await bothFaces(t)
  using recorder = new Recorder()
  const verbs: readonly [expected: string, act: (s: typeof store | typeof sync) => unknown][] = [
    ['write done', (s) => s.set('k', 'v')],
    ['read done', (s) => s.get('k')],
    ['read absent', (s) => s.get('none')],
    ['stat done', (s) => s.has('k')],
    ['stat absent', (s) => s.stat('none')],
    ['add refused', (s) => s.add('k', 'v')],
    ['add done', (s) => s.add('l', 'v')],
    ['take done', (s) => s.take('l')],
    ['take absent', (s) => s.take('l')],
    ['copy done', (s) => s.copy('k', 'l')],
    ['rename done', (s) => s.rename('l', 'm')],
    ['copy absent', (s) => s.copy('none', 'l')],
    ['remove done', (s) => s.delete('m')],
    ['remove absent', (s) => s.delete('m')],
    ['list done', (s) => drain(s.list())],
    ['count done', (s) => s.count()],
    ['verify done', (s) => s.verify()],
    ['sweep done', (s) => s.sweep()],
    ['clear done', (s) => s.clear()],
  ]
  for (const face of [store, sync]) {
    for (const [expected, act] of verbs) {
      await act(face)
      const ended = recorder.takeEnded()
      t.same(namesOf(ended), [expected])
      const [message] = ended
      t.equal(message?.isSync, face === sync)
      t.equal(message?.root, root)
      t.ok(message!.durationMs! >= 0)
      t.ok(message!.calls > 0, `${expected}: ${message!.calls} calls`)
    }
  }
})

await t.test('opening, closing, coordination and queues are published, too', async (t) => {
  using recorder = new Recorder()
  const root = `${await scratchDirectory(t)}/store`
  const store = await open(root, { durability: 'none' })
  t.same(namesOf(recorder.takeEnded()), ['open done'])
  t.equal(await store.cell('c').compareAndSet(0, 'v'), 1)
  t.match(namesOf(recorder.takeEnded()), ['cell:read done', 'cell:set done'])
  t.equal(await store.cell('c').compareAndSet(0, 'w'), undefined)
  t.ok(namesOf(recorder.takeEnded()).every((name) => name.startsWith('cell:')))
  await store.lock('l', () => undefined)
  const leases = recorder.takeEnded()
  t.ok(namesOf(leases).includes('lease:set done'))
  t.equal(leases[0]?.keyHash, hashKey('l'))
  await store.getOrCreate('flight', () => 'made')
  t.ok(namesOf(recorder.takeEnded()).includes('flight:set done'))
  await store.queue('q').push('job')
  t.same(namesOf(recorder.takeEnded()), ['queue:push done'])
  for await (const job of store.queue('q').consume()) {
    await job.ack()
    break
  }
  const jobs = namesOf(recorder.takeEnded())
  t.same(
    jobs.filter((name) => /claim|read|ack/.test(name)),
    ['queue:claim done', 'queue:read done', 'queue:ack done'],
  )
  await store.close()
  t.same(namesOf(recorder.takeEnded()), ['close done'])
  openSync(root).destroy()
  t.same(namesOf(recorder.takeEnded()), ['open done', 'destroy done', 'close done'])
})

await t.test('events come in the order of tracing channels', async (t) => {
  const { store, sync } = await bothFaces(t)
  using recorder = new Recorder()
  const eventsOf = (): Event[] => recorder.heard.splice(0).map(({ event }) => event)
  await store.set('k', 'v')
  t.same(eventsOf(), ['start', 'end', 'asyncStart', 'asyncEnd'])
  sync.set('k', 'v')
  t.same(eventsOf(), ['start', 'end'])
  await failureOf(() => store.set('k', badBody()))
  t.same(eventsOf(), ['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
  await failureOf(() => sync.set('k', (badBody as () => never)()))
  t.same(eventsOf(), ['start', 'error', 'end'], 'sync')
  await failureOf(() => store.set('k', 'v', { ifAbsent: true }))
  t.same(eventsOf(), ['start', 'end', 'asyncStart', 'asyncEnd'], 'what is refused is no error')
})

function badBody(): AsyncIterable<Uint8Array> & Iterable<Uint8Array> {
  const next = (): never => {
    throw new Error('the body failed')
  }
  const iterator = { next }
  return {
    [Symbol.asyncIterator]: () => iterator,
    [Symbol.iterator]: () => iterator,
  }
}

await t.test('one event of one operation can be listened to', async (t) => {
  const { store } = await bothFaces(t)
  const recorder = new Recorder(['read'], ['asyncEnd'])
  for (const act of [() => store.get('none'), () => store.has('none')]) await act()
  recorder[Symbol.dispose]()
  await store.get('none')
  t.equal(recorder.heard.length, 1)
})

await t.test('messages have the hash of the key, and the key nowhere', async (t) => {
  const KEY = 'ada@example.org'
  const faulty = new FaultyFileSystem()
  const { store, sync } = await bothFaces(t, { fs: faulty.fs })
  using recorder = new Recorder()
  await store.set(KEY, 'v')
  sync.get(KEY)
  await drain(store.list())
  faulty.fault = { call: 'rename', on: 'name', number: constants.errno.EIO, code: 'EIO' }
  for (const face of [store, sync]) {
    const error = (await failureOf(() => face.set(KEY, 'v'))) as StoreError
    t.equal(error.key, KEY, 'whoever called is told')
  }
  faulty.fault = undefined
  const { heard } = recorder
  const failed = heard.filter(({ event }) => event === 'error')
  t.equal(failed.length, 2)
  for (const { message } of failed) {
    t.match(message.error, { name: 'StoreError', code: 'IO', operation: 'write', key: undefined })
    t.equal(message.outcome, 'failed')
  }
  const text = inspect(heard, { depth: Infinity, showHidden: true }) + JSON.stringify(heard)
  t.notMatch(text, KEY)
  t.match(text, hashKey(KEY))
})

await t.test('bytes are those of the files, known when a stream has ended', async (t) => {
  const { store, sync } = await bothFaces(t)
  using recorder = new Recorder()
  await store.set('large', drip())
  const [written] = recorder.takeEnded()
  const footerBytes = written!.bytesWritten - LARGE.length
  t.ok(footerBytes >= 72 && footerBytes < 300, `a footer of ${footerBytes} bytes`)
  await drain(store.createReadStream('large'))
  const read = recorder.takeEnded()
  t.same(namesOf(read), ['read done', 'stream done'])
  t.ok(read[0]!.bytesRead < LARGE.length)
  t.equal(read[1]?.bytesRead, LARGE.length)
  t.equal(read[1]?.keyHash, hashKey('large'))
  t.equal((await store.get('large'))?.length, LARGE.length)
  t.equal(recorder.takeEnded()[1]?.bytesRead, LARGE.length)
  t.equal(sync.get('large')?.length, LARGE.length)
  const [whole] = recorder.takeEnded()
  t.ok(whole!.bytesRead >= LARGE.length)
  using object = sync.read('large')!
  t.equal(await drain(object.pieces()), 2)
  t.same(namesOf(recorder.takeEnded()), ['read done', 'stream done'])
  for await (const _ of store.createReadStream('large')) break
  await setImmediate()
  t.same(namesOf(recorder.takeEnded()), ['read done', 'stream done'], 'given up early')
  for await (const _ of store.list()) break
  t.same(namesOf(recorder.takeEnded()), ['list done'])
})

async function* drip(): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < LARGE.length; at += 50_000) yield LARGE.subarray(at, at + 50_000)
}

await t.test('hops are those that the documentation tells', async (t) => {
  const root = `${await scratchDirectory(t)}/store`
  for (const verb of VERBS) {
    const openIt: Opener = (path, options) => open(path, { ...options, inline: false })
    let hops: number | undefined
    await perform(verb, root, openIt, async (act) => {
      await setImmediate()
      using recorder = new Recorder()
      await act()
      hops = recorder.takeEnded().reduce((sum, message) => sum + message.hops, 0)
    })
    const { awaited } = ROWS.find((row) => row.verb === verb.title)!
    t.equal(hops, callsIn(awaited).length, verb.title)
  }
})

await t.test('calls that are made at once, and those of the sync face, are no hops', async (t) => {
  const { store, sync } = await bothFaces(t)
  await store.set('k', 'v')
  sync.get('k')
  using recorder = new Recorder(['read'])
  sync.get('k')
  t.match(recorder.takeEnded(), [{ calls: 3, hops: 0 }])
})

await t.test('a miss says that its absence was proved', async (t) => {
  const { store, sync } = await bothFaces(t)
  await store.set('k', 'v')
  using recorder = new Recorder()
  for (const face of [store, sync]) {
    await face.get('none')
    t.same(recorder.takeEnded()[0]?.retries, { ...NONE, provedAbsent: 1 })
    await face.get('k')
    t.same(recorder.takeEnded()[0]?.retries, NONE)
    await face.add('k', 'v')
    t.same(recorder.takeEnded()[0]?.retries, NONE, 'an object that is in the way was not missed')
  }
})

await t.test('an object that was missed at first is counted, and ESTALE', async (t) => {
  const root = `${await scratchDirectory(t)}/store`
  using writer = openSync(root, { durability: 'none' })
  writer.set('k', 'v')
  using recorder = new Recorder(['read'])
  for (const [code, stale] of [
    ['ENOENT', 0],
    ['ESTALE', 1],
  ] as const) {
    using store = openSync(root, { fs: withFirst('linkSync', fails(code)) })
    t.equal(store.get('k')?.toString(), 'v')
    t.same(recorder.takeEnded()[0]?.retries, { ...NONE, foundAfterAll: 1, stale })
  }
})

await t.test('a write that another was faster than is counted', async (t) => {
  const root = `${await scratchDirectory(t)}/store`
  using other = openSync(root, { conditional: true, durability: 'none' })
  const fs = withFirst('linkSync', () => other.set('k', 'theirs'))
  using store = openSync(root, { fs, durability: 'none' })
  using recorder = new Recorder(['write'])
  store.set('k', 'ours')
  t.equal(recorder.takeEnded().at(-1)?.retries.outrun, 1)
})

await t.test('a sweep says what it has removed, unless it only looked', async (t) => {
  const { store, sync } = await bothFaces(t)
  using recorder = new Recorder(['sweep'])
  for (const face of [store, sync]) {
    await store.set('k', 'v')
    await face.sweep({ maxObjects: 0, dryRun: true })
    t.equal(recorder.takeEnded()[0]?.swept, undefined)
    await face.sweep({ maxObjects: 0 })
    t.equal(recorder.takeEnded()[0]?.swept?.evicted.count, 1)
  }
})

await t.test('what subscribers bind to the start is there until the end', async (t) => {
  const { store, sync } = await bothFaces(t)
  const bound = new AsyncLocalStorage<string | undefined>()
  const own = new AsyncLocalStorage<number>()
  const { start } = tracingChannel<unknown, OperationMessage>('linkstore:write')
  start.bindStore(bound, ({ keyHash }: OperationMessage) => keyHash)
  const atEnd: unknown[] = []
  const note = (message: unknown): void =>
    void atEnd.push(bound.getStore() === (message as OperationMessage).keyHash)
  subscribe('tracing:linkstore:write:asyncEnd', note)
  const wrong: unknown[] = []
  async function* body(key: string, index: number): AsyncGenerator<Buffer> {
    for (let piece = 0; piece < 3; piece += 1) {
      if (bound.getStore() !== hashKey(key) || own.getStore() !== index) wrong.push(key)
      yield LARGE.subarray(0, 200_000)
      await setImmediate()
    }
  }
  const writes = Array.from({ length: 100 }, (_, index) =>
    own.run(index, async () => {
      // Small values wait their turn, and are woken by others.
      const key = `k${index}`
      await store.set(key, index % 10 === 0 ? body(key, index) : 'v')
      if (bound.getStore() !== undefined || own.getStore() !== index) wrong.push(`after ${key}`)
    }),
  )
  await Promise.all(writes)
  sync.set(
    's',
    (function* () {
      if (bound.getStore() !== hashKey('s')) wrong.push('sync')
      yield LARGE
    })(),
  )
  start.unbindStore(bound)
  unsubscribe('tracing:linkstore:write:asyncEnd', note)
  t.same(wrong, [])
  t.equal(atEnd.length, 100)
  t.ok(atEnd.every((isRight) => isRight === true))
})

/** Counts how often anybody asks whether a tracing channel has subscribers. */
function countingQuestions(): Disposable & { taken: () => number } {
  const prototype = Object.getPrototypeOf(tracingChannel('linkstore:test')) as object
  const real = Object.getOwnPropertyDescriptor(prototype, 'hasSubscribers')!
  let count = 0
  Object.defineProperty(prototype, 'hasSubscribers', {
    configurable: true,
    get(): unknown {
      count += 1
      return real.get?.call(this)
    },
  })
  return {
    taken: () => {
      const taken = count
      count = 0
      return taken
    },
    [Symbol.dispose]: () => Object.defineProperty(prototype, 'hasSubscribers', real),
  }
}

await t.test('where nobody listens, one question is all, and no message is made', async (t) => {
  const { root, store, sync } = await bothFaces(t)
  using questions = countingQuestions()
  const realNow = performance.now.bind(performance)
  let times = 0
  t.intercept(performance, 'now', {
    value: () => {
      times += 1
      return realNow()
    },
  })
  for (const act of [
    () => sync.set('k', 'v'),
    () => sync.get('k'),
    () => sync.get('none'),
    () => sync.count(),
    () => sync.delete('k'),
  ]) {
    times = 0
    act()
    const timesTaken = times
    t.equal(questions.taken(), 1)
    t.equal(timesTaken, 0, 'a message would have had its time taken')
  }
  for (const act of [
    () => store.set('k', 'v'),
    () => store.get('k'),
    () => store.has('none'),
    () => drain(store.keys()),
    () => store.verify(),
  ]) {
    await act()
    t.equal(questions.taken(), 1)
  }
  t.equal(traceOf('read', root, true, 'k'), undefined)
  {
    using _recorder = new Recorder(['read'] satisfies OperationName[])
    times = 0
    sync.get('k')
    const timesTaken = times
    t.equal(timesTaken, 2, 'where somebody listens its time is taken')
  }
})
