import {
  CopyObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import t, { type Test } from 'tap'
import type { ObjectStore, StoredObject, Supports } from '../../index.js'
import { s3Store, type S3Options, type S3Store } from '../../lib/backends/s3.js'
import { conformance, type Subject } from '../conformance/index.js'
import { consume, gather, pattern } from '../conformance/support.js'
import { CREDENTIALS, S3Server } from '../support/s3-server.js'

const server = await S3Server.start()
t.teardown(() => server.stop())

const SUPPORTS: Supports = {
  list: true,
  metadata: true,
  expiry: true,
  versions: true,
  conditions: false,
  maxKeyBytes: 1024,
}
/** Three parts. */
const LARGE = pattern(20 * 1024 * 1024 + 5)

/** Each with a client of its own, as another process would have it. */
function subjectOf(bucket: string, options: Partial<S3Options>): Subject {
  const open = async (): Promise<ObjectStore> =>
    s3Store({ client: server.client(), bucket, ...options })
  return { open, remove: () => Promise.resolve() }
}

/** A store in a new bucket. */
async function storeIn(
  t: Test,
  bucketName = 'things',
  options: Partial<S3Options> = {},
): Promise<{ store: S3Store; client: S3Client; bucket: string }> {
  const client = options.client ?? server.client()
  const bucket = await server.bucket(bucketName)
  const store = s3Store({ client, bucket, ...options })
  t.teardown(() => store.close())
  return { store, client, bucket }
}

async function namesIn(client: S3Client, bucket: string): Promise<string[]> {
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket }))
  return Contents.map(({ Key = '' }) => Key)
}

async function opened(store: ObjectStore, key: string): Promise<StoredObject> {
  const object = await store.read(key)
  if (object === undefined) throw new Error(`${key} is absent`)
  return object
}

async function* slices(bytes: Buffer, sizeBytes = 100_000): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += sizeBytes) yield bytes.subarray(at, at + sizeBytes)
}

const fulfilled = (results: readonly PromiseSettledResult<unknown>[]): number =>
  results.filter(({ status }) => status === 'fulfilled').length

/** A client whose first request of a kind about a name is carried out, but its answer lost. */
function forgetful(name: string, command: string): S3Client {
  const client = server.client()
  let isLost = false
  let isAbout = false
  client.middlewareStack.add(
    (next) => async (given) => {
      isAbout = (given.input as { Key?: string }).Key === name
      return await next(given)
    },
    { step: 'initialize' },
  )
  client.middlewareStack.add(
    (next, context) => async (given) => {
      const result = await next(given)
      if (isLost || !isAbout || context['commandName'] !== command) return result
      isLost = true
      throw Object.assign(new Error('socket hang up'), { name: 'TimeoutError', code: 'ECONNRESET' })
    },
    { step: 'deserialize', priority: 'low' },
  )
  return client
}

const kinds: readonly [name: string, bucket: string, options: Partial<S3Options>][] = [
  ['a bucket', 'things', {}],
  [
    'a conditional part of a bucket whose server ignores the conditions of removals',
    'plain-removals',
    { conditional: true, prefix: 'a/b' },
  ],
]

for (const [name, bucketName, options] of kinds) {
  await t.test(`${name} keeps every contract`, async (t) => {
    const { conditional = false, prefix = '' } = options
    const maxKeyBytes = 1024 - (prefix === '' ? 0 : prefix.length + 1)
    await conformance({
      test: (title, body) => t.test(title, body),
      factory: async () => subjectOf(await server.bucket(bucketName), options),
      supports: { ...SUPPORTS, conditions: conditional, maxKeyBytes },
    })
  })
}

await t.test('an object is what other tools read and write, too', async (t) => {
  const { store, client, bucket } = await storeIn(t, 'things', { prefix: 'app' })
  await store.write('user/1', 'Ada', { contentType: 'text/plain', metadata: { 'ü b': '日本  🦊' } })
  const at = { Bucket: bucket, Key: 'app/user/1' }
  const raw = await client.send(new GetObjectCommand(at))
  t.equal(raw.ContentType, 'text/plain')
  t.equal(await raw.Body?.transformToString(), 'Ada')
  t.same((await store.stat('user/1'))?.metadata, { 'ü b': '日本  🦊' })
  const foreign = { Bucket: bucket, Key: 'app/theirs', Body: 'x', ContentType: 'a/b' }
  await client.send(new PutObjectCommand({ ...foreign, Metadata: { who: 'they' } }))
  const info = await store.stat('theirs')
  t.match(info, { sizeBytes: 1, contentType: 'a/b', metadata: { who: 'they' } })
  t.equal(info?.version, undefined)
  t.equal(String(await consume(await store.take('theirs'))), 'x')
  t.equal(await store.stat('theirs'), undefined)
  await t.rejects(store.write('k', '', { metadata: { a: 'ü'.repeat(400) } }), RangeError)
  t.equal(await store.stat('k'), undefined)
})

await t.test('keys are spelled as they are, or so that they come back', async (t) => {
  const { store, client, bucket } = await storeIn(t, 'things', { prefix: 'p' })
  const spelled: readonly [key: string, name: string][] = [
    ['user/1', 'user/1'],
    ['grün, 日本語 🦊', 'grün, 日本語 🦊'],
    ['', '%'],
    ['/', '%/%'],
    ['a//b', 'a/%/b'],
    ['..', '%2E.'],
    ['../x', '%2E./x'],
    ['100%', '100%25'],
    [' a ', '%20a%20'],
    ['nul\0', 'nul%00'],
    ['back\\slash', 'back%5Cslash'],
    ['\u00a0', '%C2%A0'],
    ['\uffff', '%EF%BF%BF'],
  ]
  for (const [key] of spelled) await store.write(key, key)
  t.same((await namesIn(client, bucket)).sort(), spelled.map(([, name]) => `p/${name}`).sort())
  for (const [key] of spelled) {
    // Any beginning of a key lists it.
    for (let end = 0; end <= key.length; end += 1) {
      const prefix = key.slice(0, end)
      if (!prefix.isWellFormed()) continue
      const keys: string[] = []
      for await (const info of store.list({ prefix })) keys.push(info.key)
      const expected = spelled.map(([other]) => other).filter((other) => other.startsWith(prefix))
      t.same(keys.sort(), expected.sort(), JSON.stringify(prefix))
    }
  }
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'p/folder/', Body: '' }))
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'p/%zz', Body: '' }))
  const keys: string[] = []
  for await (const { key } of store.list()) keys.push(key)
  t.equal(keys.length, spelled.length, 'what is spelled as no key is none')
  const tooLong = store.write('%'.repeat(400), '')
  await t.rejects(tooLong, { code: 'INVALID_KEY', message: /1202 bytes/ })
})

await t.test('a listing of many pages gives all of them', async (t) => {
  const client = server.client()
  client.middlewareStack.add(
    (next) => async (given) => {
      const input = { ...given.input, MaxKeys: 7 } as typeof given.input
      return await next({ ...given, input })
    },
    { step: 'initialize' },
  )
  const { store } = await storeIn(t, 'things', { client })
  const expected = Array.from({ length: 50 }, (_, i) => `k${String(i).padStart(3, '0')}`)
  for (const key of expected) await store.write(key, key)
  const keys: string[] = []
  for await (const { key } of store.list()) keys.push(key)
  t.same(keys, expected)
})

await t.test('a large stream goes in parts, and comes back whole and in ranges', async (t) => {
  for (const conditional of [false, true]) {
    const { store } = await storeIn(t, 'things', { conditional })
    const written = await store.write('film', slices(LARGE))
    t.equal(written.sizeBytes, LARGE.length)
    t.same(await store.stat('film'), written)
    await using film = await opened(store, 'film')
    t.ok((await film.bytes()).equals(LARGE))
    const [start, end] = [1_000_000, 9_000_000]
    const part = await gather(film.stream({ start, end }))
    t.ok(part.equals(LARGE.subarray(start, end + 1)))
    const tail = await gather(film.stream({ start: LARGE.length - 3 }))
    t.ok(tail.equals(LARGE.subarray(-3)))
    await store.write('film', 'another')
    await t.rejects(film.bytes(), { code: 'UNAVAILABLE', message: /replaced or removed/ })
    t.equal(await server.uploads(), 0)
  }
})

await t.test('a large value that is aborted or fails leaves no parts', async (t) => {
  const { store, client, bucket } = await storeIn(t)
  const abort = new AbortController()
  const aborting = async function* (): AsyncGenerator<Buffer> {
    yield* slices(LARGE)
    abort.abort()
    yield LARGE
  }
  await t.rejects(store.write('k', aborting(), { signal: abort.signal }), { code: 'ABORTED' })
  t.equal(await server.uploads(), 0)
  const failure = new Error('the source broke')
  const failing = async function* (): AsyncGenerator<Buffer> {
    yield* slices(LARGE)
    throw failure
  }
  await t.rejects(store.write('k', failing()), failure)
  await store.write('k', 'there')
  const late = store.write('k', slices(LARGE), { ifAbsent: true })
  await t.rejects(late, { code: 'PRECONDITION_FAILED' })
  t.equal(await server.uploads(), 0)
  t.same(await namesIn(client, bucket), ['k'], 'nor anything else')
})

await t.test('of two large values one is there first, or replaces a version', async (t) => {
  const { store } = await storeIn(t, 'things', { conditional: true })
  const add = (): Promise<unknown> => store.write('k', slices(LARGE), { ifAbsent: true })
  t.equal(fulfilled(await Promise.allSettled([add(), add()])), 1)
  const ifVersion = (await store.stat('k'))?.version
  const replace = (): Promise<unknown> => store.write('k', slices(LARGE), { ifVersion })
  t.equal(fulfilled(await Promise.allSettled([replace(), replace()])), 1)
  t.equal(await server.uploads(), 0)
})

await t.test('a large object that is taken can be read, and nothing of it stays', async (t) => {
  const { store, client, bucket } = await storeIn(t)
  await store.write('film', LARGE)
  const taken = await store.take('film')
  t.equal(await store.stat('film'), undefined)
  await store.write('film', 'another')
  t.ok((await taken?.bytes())?.equals(LARGE))
  await taken?.close()
  t.same(await namesIn(client, bucket), ['film'])
})

await t.test('two that replace the same bytes by the same are told apart', async (t) => {
  const { store } = await storeIn(t, 'things', { conditional: true })
  for (let round = 0; round < 10; round += 1) {
    const { version: ifVersion } = await store.write('k', 'same')
    const tries = Array.from({ length: 4 }, () => store.write('k', 'same', { ifVersion }))
    t.equal(fulfilled(await Promise.allSettled(tries)), 1)
  }
  const { version: ifVersion } = await store.write('k', 'same')
  const removals = Array.from({ length: 4 }, () => store.remove('k', { ifVersion }))
  t.equal(fulfilled(await Promise.allSettled(removals)), 1)
})

await t.test('a server that ignores conditions is not trusted with them', async (t) => {
  const { store, client, bucket } = await storeIn(t, 'no-conditions', { conditional: true })
  const { version: ifVersion } = await store.write('k', 'v')
  const calls: readonly (() => Promise<unknown>)[] = [
    () => store.write('new', 'v', { ifAbsent: true }),
    () => store.write('k', 'w', { ifVersion }),
    () => store.remove('k', { ifVersion }),
    () => store.take('k'),
  ]
  for (const call of calls) {
    await t.rejects(call(), { code: 'NOT_SUPPORTED', message: /ignores/ })
  }
  t.equal(String(await consume(await opened(store, 'k'))), 'v')
  t.same(await namesIn(client, bucket), ['k'], 'what was tried is removed')
  t.equal(await store.remove('k'), true)
})

await t.test('a removal stays only where removing it could remove another object', async (t) => {
  for (const [name, left] of [
    ['things', 0],
    ['plain-removals', 1],
  ] as const) {
    const { store, client, bucket } = await storeIn(t, name)
    await store.write('k', 'v')
    t.equal(String(await consume(await store.take('k'))), 'v')
    t.equal((await namesIn(client, bucket)).length, left)
    t.equal(await store.take('k'), undefined)
    t.equal(await store.remove('k'), false)
    for await (const { key } of store.list()) t.fail(`${key} is listed`)
    await store.write('k', 'again', { ifAbsent: true })
    t.equal(String(await consume(await opened(store, 'k'))), 'again')
  }
})

await t.test('a removal that a crash has left is removed by a listing', async (t) => {
  const { store, client, bucket } = await storeIn(t)
  const own = JSON.stringify({ removal: 'left', writtenAtMs: Date.now() - 3_600_000 })
  const left = { Bucket: bucket, Key: 'k', Body: 'left', Metadata: { linkstore: own } }
  await client.send(new PutObjectCommand(left))
  for await (const { key } of store.list()) t.fail(`${key} is listed`)
  t.same(await namesIn(client, bucket), [])
})

await t.test('an answer that is lost is not taken for that of another', async (t) => {
  const takes = await storeIn(t)
  await takes.store.write('k', 'v')
  const { bucket } = takes
  const taker = s3Store({ client: forgetful('k', 'PutObjectCommand'), bucket })
  t.equal(String(await consume(await taker.take('k'))), 'v')
  t.equal(await taker.take('k'), undefined)
  await taker.close()

  await takes.store.write('k', 'v')
  const remover = s3Store({ client: forgetful('k', 'DeleteObjectCommand'), bucket })
  t.equal(await remover.remove('k'), true)
  t.equal(await remover.remove('k'), false)
  await remover.close()

  const adder = s3Store({ client: forgetful('a', 'PutObjectCommand'), bucket })
  t.match(await adder.write('a', 'v', { ifAbsent: true }), { key: 'a' })
  await adder.close()
})

await t.test('a damaged value is CORRUPT, whole; what is sound about it can be read', async (t) => {
  const { store, client, bucket } = await storeIn(t)
  await store.write('k', 'sound')
  const at = { Bucket: bucket, Key: 'k' }
  const { Metadata } = await client.send(new GetObjectCommand(at))
  await client.send(new PutObjectCommand({ ...at, Body: 'soxnd', Metadata }))
  await using object = await opened(store, 'k')
  await t.rejects(object.bytes(), { code: 'CORRUPT', key: 'k' })
  await t.rejects(gather(object.stream()), { code: 'CORRUPT' })
  t.equal(String(await gather(object.stream({ start: 0, end: 1 }))), 'so')
  t.equal(await store.remove('k'), true)
  // A copy by other tools is still what it was.
  await store.write('k', 'sound')
  const copied = { Bucket: bucket, Key: 'copy', CopySource: `${bucket}/k` }
  await client.send(new CopyObjectCommand(copied))
  t.equal(String(await consume(await opened(store, 'copy'))), 'sound')
})

await t.test('what goes wrong says what to do', async (t) => {
  const absent = s3Store({ client: server.client(), bucket: 'no-such-bucket' })
  const calls: readonly (() => Promise<unknown>)[] = [
    () => absent.read('k'),
    () => absent.stat('k'),
    () => absent.write('k', 'v'),
    () => absent.remove('k'),
    () => absent.take('k'),
  ]
  for (const call of calls) {
    await t.rejects(call(), { code: 'NOT_A_STORE', key: 'k' })
  }
  for (const options of [
    {},
    { client: {}, bucket: 'b' },
    { client: server.client() },
    { client: server.client(), bucket: '' },
    { client: server.client(), bucket: 'b', prefix: 'a//b' },
    { client: server.client(), bucket: 'b', prefix: '/a' },
    { client: server.client(), bucket: 'b', prefix: 'ü' },
    { client: server.client(), bucket: 'b', conditional: 1 },
    { client: server.client(), bucket: 'b', bucketName: 'b' },
  ]) {
    t.throws(() => s3Store(options as never), TypeError)
  }
  const { store } = await storeIn(t)
  const conditional = store.write('k', 'v', { ifVersion: '0'.repeat(32) })
  await t.rejects(conditional, { code: 'NOT_SUPPORTED', message: /conditional: true/ })
})

await t.test('a server that is gone is UNAVAILABLE before long', async (t) => {
  const other = await S3Server.start()
  const store = s3Store({
    client: other.client({ credentials: CREDENTIALS }),
    bucket: await other.bucket(),
  })
  await store.write('k', 'v')
  await other.stop()
  const client = server.client({ endpoint: other.endpoint })
  const late = s3Store({ client, bucket: 'things-1', ownsClient: true })
  const startMs = performance.now()
  await t.rejects(late.read('k'), { code: 'UNAVAILABLE', retryable: true })
  await t.rejects(late.write('k', 'v'), { code: 'UNAVAILABLE' })
  await t.rejects(late.take('k'), { code: 'UNAVAILABLE' })
  const tookMs = performance.now() - startMs
  t.ok(tookMs < 30_000, `it took ${tookMs} ms`)
  await late.close()
})
