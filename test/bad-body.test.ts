import t from 'tap'
import * as nodeFs from 'node:fs'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { ReadableStream } from 'node:stream/web'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { open, openSync, type Body, type SyncBody } from '../index.js'
import { bothFaces, failureOf, privateFiles } from './support/faces.js'
import { scratchDirectory } from './support/surroundings.js'

const anything = (value: unknown): never => value as never
const LARGE_BYTES = 1024 * 1024
const MAX_IN_FLIGHT = 64
const PROMPT_MS = 500

/** A body that gives so many bytes and then fails. */
async function* failing(failure: unknown, sizeBytes: number): AsyncGenerator<Buffer> {
  if (sizeBytes > 0) yield Buffer.alloc(sizeBytes)
  await setImmediate()
  throw failure
}

function* failingNow(failure: unknown, sizeBytes: number): Generator<Buffer> {
  if (sizeBytes > 0) yield Buffer.alloc(sizeBytes)
  throw failure
}

function webStreamOf(...pieces: unknown[]): ReadableStream {
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece)
      controller.close()
    },
  })
}

await t.test("a body's own error comes through, and nothing is stored", async (t) => {
  const { root, store, sync } = await bothFaces(t)
  const missing = `${root}/../no such file`
  await store.set('k', 'old')
  const refused = Object.assign(new Error('refused'), {
    errno: -13,
    code: 'EACCES',
    syscall: 'open',
  })
  for (const failure of [new Error('the source broke'), refused, 'text', { code: 'ESTALE' }]) {
    for (const sizeBytes of [0, 10, LARGE_BYTES]) {
      const bodies: (() => Body)[] = [
        () => failing(failure, sizeBytes),
        () => Readable.from(failing(failure, sizeBytes)),
        () => Readable.toWeb(Readable.from(failing(failure, sizeBytes))),
        () => anything(failingNow(failure, sizeBytes)),
      ]
      for (const body of failure instanceof Error ? bodies : [bodies[0]!, bodies[3]!]) {
        t.equal(await failureOf(() => store.set('k', body())), failure)
        t.equal(await failureOf(() => store.add('new', body())), failure)
      }
      for (const verb of ['set', 'add'] as const) {
        t.equal(await failureOf(() => sync[verb]('k', failingNow(failure, sizeBytes))), failure)
      }
    }
  }
  const absent = await failureOf(() => store.set('k', nodeFs.createReadStream(missing)))
  t.match(absent, { code: 'ENOENT', path: missing }, 'a file that is not there is not the store')
  const early = new Readable({ read: () => undefined })
  const failure = new Error('before anybody asked')
  const writing = failureOf(() => store.set('k', early))
  early.destroy(failure)
  t.equal(await writing, failure, 'nor does it end the process')
  t.same([...sync.entries()], [['k', Buffer.from('old')]])
  t.same(privateFiles(root), [])
})

await t.test('a body may throw anything at all', async (t) => {
  const { root, store, sync } = await bothFaces(t)
  for (const failure of [undefined, null, 0, '', false]) {
    const error = await failureOf(() => store.set('k', failing(failure, 10)))
    t.match(error, { name: 'TypeError', message: /without saying why/ })
    t.equal(await failureOf(() => sync.set('k', failingNow(failure, 10))), failure)
  }
  const careless = { [Symbol.asyncIterator]: () => ({ next: () => anything(undefined) }) }
  t.type(await failureOf(() => store.set('k', careless)), TypeError)
  const throwing = {
    [Symbol.asyncIterator]: () => ({
      next: () => {
        throw new RangeError('at once')
      },
    }),
  }
  t.match(await failureOf(() => store.set('k', throwing)), { message: 'at once' })
  t.equal(sync.count(), 0)
  t.same(privateFiles(root), [])
})

await t.test('a piece that is neither bytes nor text is refused', async (t) => {
  const { root, store, sync } = await bothFaces(t)
  await store.set('k', 'old')
  const good = Buffer.from('good')
  const wrong = [1, null, undefined, {}, [1], new ArrayBuffer(2), true, 'a\ud800', '\udc00']
  for (const piece of wrong) {
    const pieces = [good, piece]
    const bodies: Body[] = [anything(pieces), webStreamOf(...pieces)]
    if (piece !== null && piece !== undefined) bodies.push(Readable.from(pieces))
    for (const body of bodies) {
      t.type(await failureOf(() => store.set('k', body)), TypeError)
      if (body instanceof Readable) t.equal(body.destroyed, true, 'the stream is let go')
    }
    t.type(await failureOf(() => sync.set('k', anything(pieces))), TypeError)
  }
  const halves = Readable.from(['\ud83d', '\ude00'])
  t.type(await failureOf(() => store.set('k', halves)), TypeError, 'a pair in two pieces is lone')
  t.same([...sync.entries()], [['k', Buffer.from('old')]])
  t.same(privateFiles(root), [])
})

await t.test('a stream that was read before does not become an empty value', async (t) => {
  const { store, sync } = await bothFaces(t)
  await store.set('k', 'old')
  const spent = Readable.from([Buffer.from('value')])
  await store.set('first', spent)
  const web = webStreamOf(Buffer.from('value'))
  await store.set('second', web)
  const response = new Response('value')
  await response.text()
  for (const body of [spent, web, anything(response.body)] as Body[]) {
    t.type(await failureOf(() => store.set('k', body)), TypeError)
  }
  const destroyed = new Readable({ read: () => undefined })
  destroyed.destroy()
  t.match(await failureOf(() => store.set('k', destroyed)), { code: 'ERR_STREAM_PREMATURE_CLOSE' })
  const locked = webStreamOf(Buffer.from('value'))
  locked.getReader()
  t.type(await failureOf(() => store.set('k', locked)), TypeError)
  t.same(sync.get('k'), Buffer.from('old'))
  const half = webStreamOf(Buffer.from('head'), Buffer.from('rest'))
  const reader = half.getReader()
  await reader.read()
  reader.releaseLock()
  await store.set('k', half)
  t.same(sync.get('k'), Buffer.from('rest'), 'what is left of one is a value')
  await store.set('k', Readable.from([]))
  t.same(sync.get('k'), Buffer.alloc(0), 'and one that has always been empty is')
})

await t.test('the synchronous face refuses what it would have to wait for', async (t) => {
  const { root, sync } = await bothFaces(t)
  const stream = Readable.from([Buffer.from('value')])
  const bodies = [stream, webStreamOf('value'), new Blob(['value']), failing(new Error('x'), 1)]
  for (const body of bodies) {
    const error = await failureOf(() => sync.set('k', body as unknown as SyncBody))
    t.match(error, { name: 'TypeError', message: /synchronous/ })
  }
  t.equal(stream.destroyed, true)
  t.equal(sync.has('k'), false)
  t.same(privateFiles(root), [])
})

/** `node:fs`, with a function that is called before each write. */
function fsWith(beforeWrite: () => void): object {
  const intrude = (work: unknown): unknown => {
    const call = work as (...values: unknown[]) => unknown
    return (...values: unknown[]) => {
      beforeWrite()
      return call(...values)
    }
  }
  const { write, writev, writeSync, writevSync } = nodeFs
  return {
    ...nodeFs,
    write: intrude(write),
    writev: intrude(writev),
    writeSync: intrude(writeSync),
    writevSync: intrude(writevSync),
  }
}

await t.test('a large value that is changed while it is written is not stored', async (t) => {
  const root = `${await scratchDirectory(t)}/store`
  let intrude = (): void => undefined
  const fs = fsWith(() => intrude())
  await using store = await open(root, { durability: 'none', fs })
  using sync = openSync(root, { durability: 'none', fs })
  await store.set('k', 'old')
  for (const face of [store, sync]) {
    for (const at of [0, LARGE_BYTES / 2, LARGE_BYTES - 1]) {
      const value = Buffer.alloc(LARGE_BYTES, 'value')
      let writes = 0
      intrude = () => {
        writes += 1
        if (writes === 1) value[at]! ^= 1
      }
      const written = await failureOf(() => face.set('k', value))
      intrude = () => undefined
      const stored = (await store.get('k'))!
      // The first piece has been copied when the first write begins.
      if (at === 0) t.same(stored, Buffer.alloc(LARGE_BYTES, 'value'), 'it came too late to matter')
      else t.match(written, { name: 'TypeError', message: /changed while it was written/ })
      await store.set('k', 'old')
    }
  }
  const value = Buffer.alloc(LARGE_BYTES, 'value')
  const written = store.set('k', value)
  value.fill('other')
  await t.rejects(written, TypeError, 'nor one that is changed before the first byte is written')
  const { buffer } = new Uint8Array(LARGE_BYTES).fill(7)
  const writing = store.set('k', buffer)
  structuredClone(buffer, { transfer: [buffer] })
  await t.rejects(writing, TypeError, 'nor one that was given away')
  t.same(sync.get('k'), Buffer.from('old'))
  t.same(privateFiles(root), [])
})

await t.test('a small value is what it was at the call', async (t) => {
  const { store } = await bothFaces(t)
  for (const sizeBytes of [1, 1000, 64 * 1024]) {
    const value = Buffer.alloc(sizeBytes, 'v')
    const written = store.set('k', value)
    value.fill('x')
    await written
    t.same(await store.get('k'), Buffer.alloc(sizeBytes, 'v'))
  }
})

await t.test('a body that never ends is aborted at once, and its source let go', async (t) => {
  const { root, store } = await bothFaces(t)
  await store.set('k', 'old')
  let returned = false
  let canceled: unknown
  const endless = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise<never>(() => undefined),
      return: () => {
        returned = true
        return Promise.resolve({ done: true as const, value: undefined })
      },
    }),
  }
  const readable = new Readable({ read: () => undefined })
  readable.push(Buffer.alloc(LARGE_BYTES))
  const web = new ReadableStream({ cancel: (reason) => void (canceled = reason) })
  const generator = (async function* (): AsyncGenerator<Buffer> {
    for (;;) {
      yield Buffer.alloc(1000)
      await setImmediate()
    }
  })()
  const destroyed = finished(readable).catch(() => undefined)
  for (const body of [endless, readable, web, generator]) {
    const abort = new AbortController()
    const reason = new Error('changed my mind')
    const { signal } = abort
    const writing = failureOf(() => store.set('k', body, { signal }))
    await setTimeout(30)
    const startedMs = performance.now()
    abort.abort(reason)
    t.match(await writing, { name: 'StoreError', code: 'ABORTED', cause: reason, key: 'k' })
    t.ok(performance.now() - startedMs < PROMPT_MS, 'promptly')
  }
  await destroyed
  await setImmediate()
  t.equal(returned, true)
  t.match(canceled, { code: 'ABORTED' })
  t.match(await generator.next(), { done: true })
  t.same(await store.get('k'), Buffer.from('old'))
  await store.close()
  t.same(privateFiles(root), [])
})

await t.test('an abort that came before the call stops every verb', async (t) => {
  const { root, store, sync } = await bothFaces(t)
  sync.set('k', 'old')
  const signal = AbortSignal.abort(new Error('too late'))
  const list = async (): Promise<void> => {
    for await (const _ of store.keys({ signal })) t.fail('it was listed')
  }
  const body = Readable.from([Buffer.from('new')])
  for (const [name, call] of [
    ['open', () => open(root, { signal })],
    ['get', () => store.get('k', { signal })],
    ['has', () => store.has('k', { signal })],
    ['stat', () => store.stat('k', { signal })],
    ['read', () => store.read('k', { signal })],
    ['set', () => store.set('k', 'new', { signal })],
    ['set a stream', () => store.set('k', body, { signal })],
    ['add', () => store.add('new', 'new', { signal })],
    ['delete', () => store.delete('k', { signal })],
    ['take', () => store.take('k', { signal })],
    ['copy', () => store.copy('k', 'new', { signal })],
    ['rename', () => store.rename('k', 'new', { signal })],
    ['count', () => store.count({ signal })],
    ['clear', () => store.clear({ signal })],
    ['verify', () => store.verify({ signal })],
    ['destroy', () => store.destroy({ signal })],
    ['list', list],
  ] as const) {
    t.match(await failureOf(call), { code: 'ABORTED', cause: signal.reason as Error }, name)
  }
  t.equal(body.destroyed, true, 'the stream that was given is let go')
  t.same([...sync.entries()], [['k', Buffer.from('old')]])
})

await t.test('an abort reaches calls that wait behind others', async (t) => {
  const root = `${await scratchDirectory(t)}/store`
  const held: (() => void)[] = []
  let holds = false
  const open_ = nodeFs.open as (...values: unknown[]) => void
  const slowOpen = (...values: unknown[]): void => {
    if (holds) held.push(() => open_(...values))
    else open_(...values)
  }
  await using store = await open(root, { durability: 'none', fs: { ...nodeFs, open: slowOpen } })
  await store.set('k', 'old')
  holds = true
  const busy = Array.from({ length: MAX_IN_FLIGHT }, () => store.get('k'))
  const abort = new AbortController()
  const { signal } = abort
  const body = new Readable({ read: () => undefined })
  const waiting = [
    failureOf(() => store.get('k', { signal })),
    failureOf(() => store.set('k', 'new', { signal })),
    failureOf(() => store.delete('k', { signal })),
    failureOf(() => store.set('k', body, { signal })),
  ]
  await setTimeout(30)
  abort.abort()
  const startedMs = performance.now()
  for (const failure of waiting.slice(0, 3)) t.match(await failure, { code: 'ABORTED' })
  const late = failureOf(() => store.get('k', { signal }))
  t.match(await late, { code: 'ABORTED' }, 'nor does one that is aborted already wait')
  t.ok(performance.now() - startedMs < PROMPT_MS, 'promptly')
  holds = false
  for (const go of held.splice(0)) go()
  t.match(await waiting[3], { code: 'ABORTED' })
  t.equal(body.destroyed, true)
  for (const value of await Promise.all(busy)) t.same(value, Buffer.from('old'))
  t.same(await store.get('k'), Buffer.from('old'))
})

await t.test('a call that the system never answers is given up after a while', async (t) => {
  const root = `${await scratchDirectory(t)}/store`
  let answer: (() => void) | undefined
  let holds = false
  const link = nodeFs.link as (...values: unknown[]) => void
  const slowLink = (...values: unknown[]): void => {
    if (holds) answer = () => link(...values)
    else link(...values)
  }
  const store = await open(root, { durability: 'none', fs: { ...nodeFs, link: slowLink } })
  await store.set('k', 'old')
  holds = true
  const abort = new AbortController()
  const reading = failureOf(() => store.get('k', { signal: abort.signal }))
  await setTimeout(30)
  abort.abort()
  // Unlike a call that hangs in the kernel, this one does not keep the process alive.
  const alive = setInterval(() => undefined, 1000)
  t.teardown(() => clearInterval(alive))
  t.match(await reading, { code: 'ABORTED', message: /did not answer/ })
  holds = false
  answer?.()
  await store.close()
  t.same(privateFiles(root), [], 'what it did in the end is tidied up')
})

await t.test('a write stream that is destroyed, or fails, stores nothing', async (t) => {
  const { root, store } = await bothFaces(t)
  await store.set('k', 'old')
  const destroyed = store.createWriteStream('k')
  destroyed.write(Buffer.alloc(LARGE_BYTES))
  const failure = new Error('changed my mind')
  destroyed.destroy(failure)
  t.match(await once(destroyed, 'error'), [failure])
  const abort = new AbortController()
  const aborted = store.createWriteStream('k', { signal: abort.signal })
  aborted.write('part')
  abort.abort()
  t.match(await once(aborted, 'error'), [{ code: 'ABORTED' }])
  const wrong = store.createWriteStream('k', anything({ ttlMs: -1 }))
  t.type((await once(wrong, 'error'))[0], RangeError)
  t.same(await store.get('k'), Buffer.from('old'))
  await store.close()
  t.same(privateFiles(root), [])
})
