import t from 'tap'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { openObjects, openUrl } from '../lib/url.js'
import { createKeyring, generateIdentity, writeIdentity } from '../lib/layers/sealed.js'
import { withNamespace } from '../lib/layers/namespaced.js'
import { CREDENTIALS, S3Server } from './support/s3-server.js'

const run = promisify(execFile)
const EXAMPLE = join(import.meta.dirname, '../dist/examples/one-time-secrets.js')

const server = await S3Server.start()
t.teardown(() => server.stop())
// Where the SDK looks for them first.
Object.assign(process.env, {
  AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
})

async function s3Url(prefix: string, parameters = ''): Promise<string> {
  const endpoint = encodeURIComponent(server.endpoint)
  return `s3://${await server.bucket()}/${prefix}?endpoint=${endpoint}${parameters}`
}

await t.test('an URL leads to the same store again, and to no other one', async (t) => {
  const root = t.testdir()
  const urls = [
    pathToFileURL(join(root, 'with space')).href,
    join(root, 'plain'),
    'memory:shared',
    await s3Url('a/b/'),
  ]
  for (const url of urls) {
    await using one = await openUrl(url)
    await using same = await openUrl(url)
    await one.set('k', url)
    t.equal(String(await same.get('k')), url)
    await using objects = new (await import('../index.js')).Store(
      withNamespace(await openObjects(url), 'part'),
    )
    t.equal(await objects.has('k'), false)
  }
  await using own = await openUrl('memory:')
  await own.set('k', 'v')
  await using other = await openUrl('memory:')
  t.equal(await other.has('k'), false)
})

await t.test('a directory has all that it has when it is opened by its path', async (t) => {
  const url = pathToFileURL(t.testdir()).href
  await using store = await openUrl(`${url}/store?durability=none&conditional=true&sweep=false`)
  const { version: ifVersion } = await store.set('k', 'v')
  await store.set('k', 'w', { ifVersion })
  t.equal(store.supports.conditions, true)
  await store.queue('jobs').push('job')
  t.equal((await store.verify()).objects, 1)
  await t.rejects(openUrl(`${url}/none?create=false`), { code: 'NOT_A_STORE' })
  const given = { directory: { create: false } }
  await t.rejects(openUrl(`${url}/none`, given), { code: 'NOT_A_STORE' })
})

await t.test('parameters of S3 have their effect', async (t) => {
  const url = await s3Url('p', '&conditional=true&maxKeyBytes=10&region=eu-1')
  await using store = await openUrl(url)
  t.match(store.supports, { conditions: true, maxKeyBytes: 10 })
  const { version: ifVersion } = await store.set('k', 'v')
  t.equal(await store.delete('k', { ifVersion }), true)
  t.throws(() => store.queue('jobs'), { code: 'NOT_SUPPORTED' })
})

await t.test('what is no URL of a store is refused, and says what there is', async (t) => {
  const refused: readonly [url: unknown, message: RegExp][] = [
    ['', /string/],
    [1, /string/],
    ['http://host/path', /no backend for http.*file:\/\/\/path, memory:.*s3:\/\/bucket/],
    ['redis://user:secret@host', /no backend for redis: in "redis:\/\/…@host"/],
    ['things:2', /"\.\/things:2"/],
    ['file:things', /file:\/\/\/and\/its\/path/],
    ['file://host/things', /file:\/\/\/and\/its\/path/],
    ['file:///things?durabilty=none', /"durabilty" of file:; there are create, .*durability/],
    ['file:///things?durability=some', /durability must be one of full, file, none/],
    ['file:///things?create=yes', /create must be one of true, false/],
    ['file:///things?create=true&create=false', /twice/],
    ['file:///things#part', /fragment/],
    ['memory:?size=1', /"size" of memory:; there are identity, trust/],
    ['memory:?trust=linkstore-public:x', /name an identity/],
    ['s3://', /not an URL|no bucket/],
    ['s3://bucket?endpont=x', /"endpont" of s3:; there are endpoint, region/],
    ['s3://bucket?endpoint=localhost', /http/],
    ['s3://bucket?maxKeyBytes=many', /number/],
    ['s3://key:secret@bucket', /credentials do not belong/],
    ['s3://bucket/a//b', /prefix/],
  ]
  for (const [url, message] of refused) {
    const error: unknown = await openUrl(url as string).catch((thrown: unknown) => thrown)
    t.ok(error instanceof TypeError, String(url))
    t.match((error as Error).message, message)
    t.notMatch((error as Error).message, /secret/)
  }
  await t.rejects(openUrl('memory:', { create: true } as never), TypeError)
})

/** The file of an identity, and a directory that it has sealed. */
async function sealedDirectory(root: string, passphrase?: string): Promise<URL> {
  const file = join(root, 'identity')
  const identity = generateIdentity()
  await writeIdentity(file, identity, { passphrase })
  const url = pathToFileURL(join(root, 'sealed'))
  const objects = await openObjects(url.href)
  await createKeyring(objects, { identity })
  await objects.close()
  url.searchParams.set('identity', file)
  return url
}

await t.test('an URL can name who reads what is sealed, and whom to trust', async (t) => {
  const url = await sealedDirectory(t.testdir(), 'a passphrase')
  const stranger = generateIdentity()
  url.searchParams.set('trust', stranger.publicKey)
  await using store = await openUrl(url.href, { passphrase: 'a passphrase' })
  await store.set('k', 'value')
  t.equal(String(await store.get('k')), 'value')
  t.equal(store.supports.conditions, false)
  await using plain = await openUrl(`file://${url.pathname}`)
  for await (const key of plain.keys()) t.notMatch(key, /^k$/)
  await t.rejects(openUrl(url.href), TypeError)
  await t.rejects(openUrl(url.href, { passphrase: 'another' }), { code: 'DECRYPT' })
  await t.rejects(openUrl('memory:?identity=nowhere'), { code: 'UNAVAILABLE' })
  url.searchParams.set('trust', 'nobody')
  await t.rejects(openUrl(url.href, { passphrase: 'a passphrase' }), TypeError)
})

await t.test('one program runs unchanged on every backend', async (t) => {
  const root = t.testdir()
  const urls = [
    'memory:',
    pathToFileURL(join(root, 'secrets')).href,
    await s3Url('secrets'),
    (await sealedDirectory(root)).href,
  ]
  const outputs = await Promise.all(
    urls.map(async (STORE) => {
      const { stdout } = await run(process.execPath, [EXAMPLE], {
        env: { ...process.env, STORE, NODE_NO_WARNINGS: '1' },
      })
      return stdout
    }),
  )
  t.match(outputs[0], /Zoë\n1\n.*the cake is in the tin.*\n0 undefined\n/)
  t.equal(new Set(outputs).size, 1)
})
