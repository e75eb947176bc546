import { existsSync, readdirSync } from 'node:fs'
import { Readable } from 'node:stream'
import { once } from 'node:events'
import { finished, pipeline } from 'node:stream/promises'
import t, { type Test } from 'tap'
import { open, openSync, type Store, type SyncStore } from '../index.js'
import { privateNames, untilPrivateNames } from './support/leftovers.js'

const MIB = Buffer.alloc(1024 * 1024, 'new')
const OLD = Buffer.alloc(1024 * 1024, 'old')
const CLOSED = { name: 'StoreError', code: 'CLOSED' }

interface Place {
  readonly root: string
  readonly store: Store
}

/** A store in which the key `k` has a value, large enough to be pinned while it is read. */
async function place(t: Test): Promise<Place> {
  const root = `${t.testdir()}/store`
  const store = await open(root, { durability: 'none' })
  t.teardown(() => store.close())
  await store.set('k', OLD)
  return { root, store }
}

/** Pieces that have been written in part when they fail, or never come to an end. */
async function* broken(): AsyncGenerator<Buffer> {
  yield MIB
  throw new Error('the source broke')
}

async function* endless(): AsyncGenerator<Buffer> {
  yield MIB
  await new Promise(() => undefined)
}

/** Aborts when the first part of a value has been written. */
async function abortLater({ root }: Place, abort: () => void): Promise<void> {
  await untilPrivateNames(root, 1, 1)
  abort()
}

type Attempt = (at: Place) => Promise<unknown>
type Failure = { message: string } | { code: string }
const BROKEN = { message: 'the source broke' }

const FAILING_WRITES: Record<string, readonly [attempt: Attempt, error: Failure]> = {
  'an iterable that throws': [({ store }) => store.set('k', broken()), BROKEN],
  'a Node stream that fails': [({ store }) => store.set('k', Readable.from(broken())), BROKEN],
  'a web stream that fails': [({ store }) => store.set('k', ReadableStream.from(broken())), BROKEN],
  'add of a stream that fails': [({ store }) => store.add('new', Readable.from(broken())), BROKEN],
  'a pipeline whose source fails': [
    ({ store }) => pipeline(Readable.from(broken()), store.createWriteStream('k')),
    BROKEN,
  ],
  'a set that is aborted': [
    async (at) => {
      const abort = new AbortController()
      const source = Readable.from(endless())
      const written = at.store.set('k', source, { signal: abort.signal })
      await Promise.all([written, abortLater(at, () => abort.abort())]).finally(() => {
        if (!source.destroyed) throw new Error('the source was left open')
      })
    },
    { code: 'ABORTED' },
  ],
  'a write stream that is destroyed': [
    async (at) => {
      const stream = at.store.createWriteStream('k')
      stream.write(MIB)
      await abortLater(at, () => stream.destroy())
      await finished(stream)
    },
    { code: 'ERR_STREAM_PREMATURE_CLOSE' },
  ],
  'a write stream that is destroyed with an error': [
    async (at) => {
      const stream = at.store.createWriteStream('k')
      stream.write(MIB)
      const closed = finished(stream)
      await Promise.all([closed, abortLater(at, () => stream.destroy(new Error('no more')))])
    },
    { message: 'no more' },
  ],
  'a write stream that is aborted': [
    async (at) => {
      const abort = new AbortController()
      const stream = at.store.createWriteStream('k', { signal: abort.signal })
      stream.write(MIB)
      await Promise.all([finished(stream), abortLater(at, () => abort.abort())])
    },
    { code: 'ABORTED' },
  ],
}

for (const [name, [attempt, error]] of Object.entries(FAILING_WRITES)) {
  await t.test(`${name} publishes nothing and leaves nothing`, async (t) => {
    const at = await place(t)
    await t.rejects(attempt(at), error)
    t.equal(await untilPrivateNames(at.root, 0), 0)
    t.same(await at.store.get('k'), OLD)
    t.equal(await at.store.count(), 1)
  })
}

await t.test('a synchronous set whose source throws leaves nothing', async (t) => {
  const root = `${t.testdir()}/store`
  using store = openSync(root, { durability: 'none' })
  store.set('k', OLD)
  const source = (function* () {
    yield MIB
    throw new Error('the source broke')
  })()
  t.throws(() => store.set('k', source), { message: 'the source broke' })
  t.same(privateNames(root), [])
  t.same(store.get('k'), OLD)
})

const ABANDONED_READS: Record<string, Attempt> = {
  'a read stream that is destroyed': async ({ store }) => {
    const stream = store.createReadStream('k')
    await once(stream, 'readable')
    stream.destroy()
  },
  'a loop over a read stream that is left': async ({ store }) => {
    for await (const _ of store.createReadStream('k')) break
  },
  'a read stream that is aborted': async ({ store }) => {
    const abort = new AbortController()
    const stream = store.createReadStream('k', { signal: abort.signal })
    await once(stream, 'readable')
    abort.abort()
    await once(stream, 'error')
  },
  'a read stream that is destroyed before it has begun': async ({ store }) => {
    const stream = store.createReadStream('k')
    stream.read(0)
    stream.destroy()
  },
  'a web stream that is cancelled': async ({ store }) => {
    await using object = await store.read('k')
    const stream = object!.webStream()
    await stream.getReader().read()
    await stream.cancel().catch(() => undefined)
  },
  'an object that is closed under its stream': async ({ store }) => {
    const object = await store.read('k')
    const stream = object!.stream()
    await once(stream, 'readable')
    await object!.close()
    await finished(stream.resume()).catch(() => undefined)
  },
}

for (const [name, attempt] of Object.entries(ABANDONED_READS)) {
  await t.test(`${name} lets go of its private link`, async (t) => {
    const at = await place(t)
    await attempt(at)
    t.equal(await untilPrivateNames(at.root, 0), 0)
    t.same(await at.store.get('k'), OLD)
  })
}

/** Things that are under way, or left open, when the store is closed; and how they end. */
const UNDER_WAY: Record<string, (store: Store) => Promise<() => Promise<unknown>>> = {
  'a get': async (store) => {
    const got = store.get('k')
    return async () => (await got)?.equals(OLD)
  },
  'a take': async (store) => {
    const taken = store.take('k')
    return async () => (await taken)?.equals(OLD)
  },
  'a set': async (store) => {
    const written = store.set('new', MIB)
    return async () => (await written).sizeBytes === MIB.length
  },
  'the reading of an open object': async (store) => {
    const object = await store.read('k')
    const bytes = object!.bytes()
    return async () => (await bytes).equals(OLD)
  },
  'an object nobody closed': async (store) => {
    const object = await store.read('k')
    return () => rejection(object!.bytes())
  },
  'a read stream': async (store) => {
    const stream = store.createReadStream('k')
    const ended = rejection(finished(stream))
    await once(stream, 'readable')
    stream.resume()
    return () => ended
  },
  'a write stream nobody ended': async (store) => {
    const stream = store.createWriteStream('new')
    const ended = rejection(finished(stream))
    stream.write(MIB)
    return () => ended
  },
  'a write stream that was ended': async (store) => {
    const stream = store.createWriteStream('new').end(MIB)
    const ended = finished(stream)
    return async () => ended.then(() => true)
  },
}

async function rejection(promise: Promise<unknown>): Promise<boolean> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  return (error as { code?: unknown } | undefined)?.code === 'CLOSED'
}

for (const [name, begin] of Object.entries(UNDER_WAY)) {
  await t.test(`close lets ${name} end, and leaves no private directory`, async (t) => {
    const { root, store } = await place(t)
    const outcome = await begin(store)
    await store.close()
    t.same(readdirSync(`${root}/.tmp`), [])
    t.equal(await outcome(), true)
  })
}

await t.test('a synchronous store closes the objects that are open', async (t) => {
  const root = `${t.testdir()}/store`
  const store = openSync(root, { durability: 'none' })
  store.set('k', OLD)
  const object = store.read('k')!
  const descriptors = readdirSync('/dev/fd').length
  store.close()
  t.same(readdirSync(`${root}/.tmp`), [])
  t.equal(readdirSync('/dev/fd').length, descriptors - 1)
  t.throws(() => object.bytes(), CLOSED)
  object.close()
})

await t.test('destroy removes the store from under what is open', async (t) => {
  const { root, store } = await place(t)
  const object = await store.read('k')
  await store.destroy()
  t.notOk(existsSync(root))
  await t.rejects(object!.bytes(), CLOSED)

  const sync = openSync(root, { durability: 'none' })
  sync.set('k', OLD)
  const pinned = sync.read('k')!
  sync.destroy()
  t.notOk(existsSync(root))
  t.throws(() => pinned.bytes(), CLOSED)
})

const VERBS: Record<string, (store: Store) => unknown> = {
  set: (store) => store.set('k', 'v'),
  add: (store) => store.add('k', 'v'),
  get: (store) => store.get('k'),
  has: (store) => store.has('k'),
  stat: (store) => store.stat('k'),
  read: (store) => store.read('k'),
  take: (store) => store.take('k'),
  delete: (store) => store.delete('k'),
  copy: (store) => store.copy('k', 'l'),
  rename: (store) => store.rename('k', 'l'),
  getMany: (store) => store.getMany(['k']),
  setMany: (store) => store.setMany([['k', 'v']]),
  deleteMany: (store) => store.deleteMany(['k']),
  keys: async (store) => {
    for await (const _ of store.keys());
  },
  count: (store) => store.count(),
  clear: (store) => store.clear(),
  verify: (store) => store.verify(),
  destroy: (store) => store.destroy(),
  createReadStream: (store) => finished(store.createReadStream('k').resume()),
  createWriteStream: (store) => finished(store.createWriteStream('k').end('v')),
}

await t.test('a closed store refuses every verb, and nothing happens', async (t) => {
  const { root, store } = await place(t)
  {
    await using closing = store
    t.ok(await closing.has('k'))
  }
  await store.close()
  for (const [name, verb] of Object.entries(VERBS)) {
    await t.rejects(async () => verb(store), CLOSED, name)
  }
  using again = openSync(root)
  t.same(again.get('k'), OLD)
  t.equal(again.count(), 1)
})

await t.test('a closed synchronous store refuses every verb', async (t) => {
  const root = `${t.testdir()}/store`
  let store: SyncStore
  {
    using closing = openSync(root, { durability: 'none' })
    store = closing
    store.set('k', 'v')
  }
  t.same(readdirSync(`${root}/.tmp`), [])
  const faces = store as unknown as Store
  for (const [name, verb] of Object.entries(VERBS)) {
    if (name.startsWith('create')) continue
    const call = name === 'keys' ? (): unknown => [...store.keys()] : (): unknown => verb(faces)
    t.throws(call, CLOSED, name)
  }
})
