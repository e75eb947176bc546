import { once } from 'node:events'
import { constants } from 'node:os'
import { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { open, openSync, Store, StoreError } from '../index.js'
import { strayErrors, until } from './support/coordination.js'
import { bothFaces, failureOf, privateFiles } from './support/faces.js'
import { FaultyFileSystem } from './support/faults.js'
import { MemoryStore } from './support/memory-store.js'
import { scratchDirectory } from './support/surroundings.js'

const COUNT = 300
const KEYS: readonly string[] = Array.from({ length: COUNT }, (_, i) => `k${i}`)
const NEVER = new Promise<never>(() => undefined)

/** What callers without types pass. */
const anything = (value: unknown): never => value as never

const entry = (key: string): [string, string] => [key, `value of ${key}`]

/** An input that tells how much was taken of it, and whether it was closed. */
class Source<T> implements Iterable<T> {
  taken = 0
  isClosed = false
  readonly #items: Iterable<T>
  readonly #onTake: (taken: number) => void

  constructor(items: Iterable<T>, onTake: (taken: number) => void = () => undefined) {
    this.#items = items
    this.#onTake = onTake
  }

  *[Symbol.iterator](): Generator<T> {
    try {
      for (const item of this.#items) {
        this.taken += 1
        this.#onTake(this.taken)
        yield item
      }
    } finally {
      this.isClosed = true
    }
  }
}

async function* later<T>(items: Iterable<T>): AsyncGenerator<T> {
  for (const item of items) {
    await setImmediate()
    yield item
  }
}

function* entriesOf(keys: Iterable<string>): Generator<[string, string]> {
  for (const key of keys) yield entry(key)
}

/** A signal that aborts soon, and does not let the process end before. */
function soon(): AbortSignal {
  const abort = new AbortController()
  setTimeout(() => abort.abort(), 20)
  return abort.signal
}

type Verb = (store: Store, keys: Iterable<string>, options?: object) => Promise<unknown>

/** Each verb, on keys that are there at once and on others that come one by one. */
const VERBS: Record<string, Verb> = {
  getMany: (store, keys, options) => store.getMany(keys, options),
  'getMany later': (store, keys, options) => store.getMany(later(keys), options),
  setMany: (store, keys, options) => store.setMany(entriesOf(keys), options),
  'setMany later': (store, keys, options) => store.setMany(later(entriesOf(keys)), options),
  deleteMany: (store, keys, options) => store.deleteMany(keys, options),
  'deleteMany later': (store, keys, options) => store.deleteMany(later(keys), options),
}

for (const [name, verb] of Object.entries(VERBS)) {
  const [operation = ''] = name.split(' ')

  await t.test(`${name}: no more calls are under way than were asked for`, async (t) => {
    for (const concurrency of [1, 7, undefined]) {
      const memory = new MemoryStore()
      await verb(new Store(memory), KEYS, concurrency === undefined ? {} : { concurrency })
      t.same([...memory.calls].sort(), [...KEYS].sort(), 'each key has its call')
      t.ok(memory.mostUnderWay <= (concurrency ?? 64))
      // What comes one by one may be done before there are so many.
      if (!name.endsWith('later')) t.equal(memory.mostUnderWay, concurrency ?? 64)
      t.equal(memory.underWay, 0, 'all are awaited')
    }
  })

  await t.test(`${name}: nothing is taken of the input before it has its turn`, async (t) => {
    const memory = new MemoryStore()
    let ahead = 0
    const source = new Source(KEYS, (taken) => {
      const done = memory.calls.length - memory.underWay
      ahead = Math.max(ahead, taken - done)
    })
    await verb(new Store(memory), source, { concurrency: 5 })
    t.equal(source.taken, COUNT)
    t.equal(ahead, name.endsWith('later') ? Math.min(ahead, 5) : 5)
  })

  await t.test(`${name}: the first failure stops it, and names its key`, async (t) => {
    const memory = new MemoryStore()
    memory.failing = 'k50'
    const source = new Source(KEYS)
    const error = await failureOf(() => verb(new Store(memory), source, { concurrency: 5 }))
    t.type(error, StoreError)
    t.equal(memory.underWay, 0, 'what was under way is awaited')
    const { length } = memory.calls
    t.ok(length > 50 && length <= 55 + 4, 'nothing more was begun')
    t.ok(source.taken <= length + 1, 'nothing more was taken')
    await until(() => source.isClosed, 'the input is closed')
    const message = `${operation} stopped with ${length - 1} done: as the test wants it`
    t.match(error, { code: 'NO_SPACE', key: 'k50', operation, message })
    t.equal((error as StoreError).retryable, true)
  })

  await t.test(`${name}: an abort stops it`, async (t) => {
    const memory = new MemoryStore()
    const abort = new AbortController()
    const { signal } = abort
    const source = new Source(KEYS, (taken) => taken === 50 && abort.abort(new Error('why')))
    const error = await failureOf(() => verb(new Store(memory), source, { concurrency: 5, signal }))
    const { length } = memory.calls
    const message = `${operation} stopped with ${length} done: aborted by its signal`
    t.match(error, { code: 'ABORTED', operation, message, cause: { message: 'why' } })
    t.equal((error as StoreError).key, undefined, 'it is about no key')
    t.ok(length >= 45 && length < 50, 'nothing more was begun')
    t.equal(source.taken, 50, 'nothing more was taken')
    t.equal(memory.underWay, 0, 'what was under way is awaited')
    await until(() => source.isClosed, 'the input is closed')
  })

  await t.test(`${name}: what the input fails with comes through unchanged`, async (t) => {
    const memory = new MemoryStore()
    const failure = new StoreError('CORRUPT', 'of another store')
    const source = new Source(KEYS, (taken) => {
      if (taken === 50) throw failure
    })
    t.equal(await failureOf(() => verb(new Store(memory), source, { concurrency: 5 })), failure)
    t.equal(memory.calls.length, 49)
    t.equal(memory.underWay, 0)
  })
}

await t.test('no two calls for one key are under way at the same time', async (t) => {
  const memory = new MemoryStore()
  const store = new Store(memory)
  const entries = Array.from({ length: 200 }, (_, i): [string, string] => [`k${i % 10}`, `${i}`])
  t.equal(await store.setMany(entries), 200)
  t.same([...memory.values].sort(), entries.slice(190).sort(), 'the last ones given stay')
  t.equal(memory.mostUnderWay, 10, 'other keys do not wait')
  memory.calls.length = 0
  const keys = entries.map(([key]) => key).toReversed()
  const read = await store.getMany(keys)
  t.same([...read.keys()], keys.slice(0, 10), 'they come in the order of the keys')
  t.equal(memory.calls.length, 10, 'each is read once')
  t.equal(await store.deleteMany(entries.map(([key]) => key)), 10)
  t.equal(memory.hasCollided, false)
})

await t.test('an input that never goes on holds up neither a failure nor an abort', async (t) => {
  const stray = strayErrors(t)
  const memory = new MemoryStore()
  const store = new Store(memory)
  memory.failing = 'k0'
  const stuck = async function* (): AsyncGenerator<string> {
    yield 'k0'
    await NEVER
  }
  await t.rejects(store.getMany(stuck()), { code: 'NO_SPACE', key: 'k0' })
  memory.failing = undefined
  const abort = new AbortController()
  const reading = store.getMany(stuck(), { signal: abort.signal })
  await until(() => memory.calls.length === 2 && memory.underWay === 0, 'the key was read')
  abort.abort()
  await t.rejects(reading, { code: 'ABORTED' })

  const late = new AbortController()
  const next = (): Promise<never> => {
    late.abort()
    return NEVER
  }
  const aborting = { [Symbol.asyncIterator]: () => ({ next }) }
  await t.rejects(store.getMany(aborting, { signal: late.signal }), { code: 'ABORTED' })
  t.same(stray, [])
})

await t.test('one signal ends any number of inputs that wait, and warns of nothing', async (t) => {
  const warnings: Error[] = []
  const onWarning = (warning: Error): void => void warnings.push(warning)
  process.on('warning', onWarning)
  t.teardown(() => process.off('warning', onWarning))
  const store = new Store(new MemoryStore())
  const abort = new AbortController()
  const { signal } = abort
  const input = { [Symbol.asyncIterator]: () => ({ next: () => NEVER }) }
  const waiting = Array.from({ length: 20 }, () => store.getMany(input, { signal }))
  const ends = Promise.allSettled(waiting)
  await setImmediate()
  abort.abort()
  for (const end of await ends) t.match(end, { status: 'rejected', reason: { code: 'ABORTED' } })
  t.same(warnings, [])
})

await t.test(
  'what is no input, no entry and no number is refused, and takes nothing',
  async (t) => {
    const memory = new MemoryStore()
    const store = new Store(memory)
    for (const input of [undefined, null, 1, 'text', {}, () => []]) {
      await t.rejects(store.getMany(anything(input)), TypeError)
      await t.rejects(store.setMany(anything(input)), TypeError)
      await t.rejects(store.deleteMany(anything(input)), TypeError)
    }
    for (const item of [undefined, null, 'kv', ['k'], ['k', 'v', 'w'], { k: 'v' }]) {
      await t.rejects(store.setMany(anything([item])), TypeError)
    }
    for (const [name, verb] of Object.entries(VERBS)) {
      const source = new Source(KEYS)
      for (const concurrency of [0, -1, 1.5, NaN, Infinity]) {
        await t.rejects(verb(store, source, { concurrency }), RangeError, name)
      }
      for (const options of [null, [], { concurrency: '4' }, { limit: 4 }, { ifAbsent: true }]) {
        await t.rejects(verb(store, source, anything(options)), TypeError, name)
      }
      t.equal(source.taken, 0)
    }
    t.same(memory.calls, [])
  },
)

await t.test('streams that are not stored are closed, and nothing is left of them', async (t) => {
  const root = `${await scratchDirectory(t)}/store`
  await using store = await open(root, { durability: 'none' })
  const opened: Readable[] = []
  const stream = (...pieces: unknown[]): Readable => {
    const readable = Readable.from(pieces)
    opened.push(readable)
    return readable
  }
  /** One that is under way until another one has failed. */
  const afterwards = (other: Readable, piece: string): Readable => {
    const pieces = async function* (): AsyncGenerator<string> {
      if (!other.closed) await once(other, 'close')
      yield piece
    }
    const readable = Readable.from(pieces())
    opened.push(readable)
    return readable
  }
  const entries = function* (): Generator<[string, Readable]> {
    const broken = stream(Buffer.alloc(300_000), { no: 'piece' })
    yield ['a', afterwards(broken, 'whole')]
    yield ['b', broken]
    yield ['c', stream('not taken')]
  }
  await t.rejects(store.setMany(entries(), { concurrency: 2 }), TypeError)
  t.equal(
    opened.every(({ destroyed }) => destroyed),
    true,
  )
  t.same([...(await store.getMany('abc'.split(''))).keys()], ['a'])

  // The second one waits for the first, which has the same key, and is never begun.
  const endless = new Readable({ read: () => undefined })
  endless.push('part')
  const second = stream('second')
  const both = [['d', endless] as const, ['d', second] as const]
  await t.rejects(store.setMany(both, { signal: soon() }), { code: 'ABORTED' })
  if (!second.closed) await once(second, 'close')
  t.ok(endless.destroyed && second.destroyed)

  // One that comes when nobody waits for it any more.
  let give: (entry: [string, Readable]) => void = () => undefined
  const late = async function* (): AsyncGenerator<[string, Readable]> {
    yield await new Promise<[string, Readable]>((resolve) => (give = resolve))
  }
  await t.rejects(store.setMany(late(), { signal: soon() }), { code: 'ABORTED' })
  const third = stream('third')
  give(['e', third])
  await until(() => third.destroyed, 'it is closed')
  t.equal(await store.count(), 1)
  await until(() => privateFiles(root).length === 0, 'no private name is left')
})

await t.test('a disk that is full stops many writes, and leaves nothing behind', async (t) => {
  const faulty = new FaultyFileSystem()
  const { root, store, sync } = await bothFaces(t, { fs: faulty.fs })
  await store.setMany(KEYS.slice(0, 10).map(entry))
  // NFS tells of a full disk when a file is closed.
  faulty.fault = { call: 'close', on: 'file', number: constants.errno.ENOSPC, code: 'ENOSPC' }
  const failure = { code: 'NO_SPACE', operation: 'setMany', cause: { code: 'ENOSPC' } }
  const source = new Source(KEYS.map((key): [string, string] => [key, 'new']))
  const error = await failureOf(() => store.setMany(source, { concurrency: 8 }))
  t.match(error, { ...failure, key: /^k[0-7]$/, message: /^setMany stopped with 0 done: / })
  t.ok(source.taken < 20, 'it does not go on')
  t.match(await failureOf(() => sync.setMany(source)), { ...failure, key: 'k0' })
  faulty.fault = undefined
  t.same([...sync].sort(), [...(await store.getMany(KEYS))].sort())
  t.same(sync.get('k0'), Buffer.from('value of k0'), 'the old values stay')
  await until(() => privateFiles(root).length === 0, 'no private name is left')
})

await t.test('the synchronous face has the same verbs', async (t) => {
  const { store, sync } = await bothFaces(t)
  t.equal(sync.setMany(new Map(KEYS.map(entry)), { metadata: { a: 'b' } }), COUNT)
  t.match(sync.stat('k7'), { metadata: { a: 'b' } })
  const asked = ['absent', ...KEYS.toReversed(), 'k5']
  const read = sync.getMany(asked)
  t.same([...read.keys()], KEYS.toReversed())
  t.same(read, await store.getMany(asked))
  t.equal(sync.deleteMany(['absent', 'k0', 'k0', 'k1']), 2)
  t.equal(sync.setMany([['twice', '1'], ['twice', '2']]), 2) // prettier-ignore
  t.equal(String(sync.get('twice')), '2')

  const source = new Source(['k2', '\ud800', 'k3'])
  for (const verb of [
    () => sync.getMany(source),
    () => sync.setMany(entriesOf(source)),
    () => sync.deleteMany(source),
  ]) {
    source.taken = 0
    const error = await failureOf(verb)
    t.match(error, { code: 'INVALID_KEY', key: '\ud800', message: /Many stopped with 1 done: / })
    t.equal(source.taken, 2)
    t.ok(source.isClosed)
  }
  for (const input of [undefined, null, 1, 'text', {}, later(['k'])]) {
    t.throws(() => sync.getMany(anything(input)), TypeError)
    t.throws(() => sync.setMany(anything(input)), TypeError)
    t.throws(() => sync.deleteMany(anything(input)), TypeError)
  }
  t.throws(() => sync.setMany(anything([['k']])), TypeError)
  for (const options of [{ concurrency: 2 }, { signal: undefined }, { ifAbsent: true }]) {
    t.throws(() => sync.setMany([], anything(options)), TypeError)
    t.throws(() => sync.deleteMany([], anything(options)), TypeError)
  }
})

await t.test('a store is copied into another one by what the one gives', async (t) => {
  const scratch = await scratchDirectory(t)
  using from = openSync(`${scratch}/from`, { durability: 'none' })
  await using to = await open(`${scratch}/to`, { durability: 'none' })
  from.setMany(KEYS.map(entry))
  t.equal(await to.setMany(from), COUNT)
  await using source = await open(`${scratch}/from`)
  t.equal(await to.setMany(source), COUNT)
  t.equal(await to.deleteMany(source.keys({ prefix: 'k1' })), 111)
  t.equal(await to.count(), COUNT - 111)
})
