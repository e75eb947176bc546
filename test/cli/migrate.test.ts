import t, { type Test } from 'tap'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { hashKey, open, type Store } from '../../index.js'
import { openUrl } from '../../lib/url.js'
import { CREDENTIALS, S3Server } from '../support/s3-server.js'
import { linkstore, MAIN, start, type Outcome } from './command.js'

const server = await S3Server.start()
t.teardown(() => server.stop())
const env = {
  AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
  NODE_NO_WARNINGS: '1',
}
Object.assign(process.env, env)

const LARGE = Buffer.alloc(9_000_000, 'large ')

async function s3Url(): Promise<string> {
  return `s3://${await server.bucket()}/p?endpoint=${encodeURIComponent(server.endpoint)}`
}

const migrate = (...words: readonly string[]): Promise<Outcome> =>
  linkstore(['migrate', ...words], { env })

async function filled(path: string, count = 20): Promise<void> {
  await using store = await open(path, { durability: 'none' })
  for (let i = 0; i < count; i += 1) await store.set(`key ${i}`, `value ${i}`)
  await store.set('large', LARGE)
  const attributes = { contentType: 'text/plain', metadata: { ü: '日本' }, ttlMs: 3_600_000 }
  await store.set('a//../b\n', '', attributes)
}

async function contentOf(store: Store): Promise<Map<string, unknown>> {
  const content = new Map<string, unknown>()
  for await (const { key, contentType, metadata, expiresAtMs } of store.list()) {
    const value = (await store.get(key))?.toString('latin1')
    const minutes = expiresAtMs === undefined ? undefined : Math.round(expiresAtMs / 60_000)
    content.set(key, { value, contentType, metadata: { ...metadata }, minutes })
  }
  return content
}

async function same(t: Test, one: string, other: string): Promise<void> {
  await using a = await openUrl(one)
  await using b = await openUrl(other)
  t.same(await contentOf(b), await contentOf(a))
}

await t.test('objects go to S3 and back with all they have, once', async (t) => {
  const dir = t.testdir()
  const [from, back, url] = [join(dir, 'from'), join(dir, 'back'), await s3Url()]
  await filled(from)
  const dry = await migrate(from, back, '--dry-run')
  t.match(dry.stderr, /^linkstore: would migrate 22 objects, 9\.0 MB; /)
  t.notOk(fs.existsSync(back))
  const there = await migrate(from, url)
  t.match(there, { status: 0, stderr: /^linkstore: migrated 22 objects, 9\.0 MB; \d/ })
  await same(t, from, url)
  const again = await migrate(from, url, '--json')
  t.match(JSON.parse(String(again.stdout)), { migrated: 0, present: 22, gone: 0, skipped: [] })
  t.match(await migrate(url, back), { status: 0, stderr: /migrated 22 objects/ })
  await same(t, from, back)

  // What has changed since is brought over; what is the target's own stays.
  await using source = await openUrl(from)
  await using target = await openUrl(url)
  await source.set('key 1', 'changed')
  await target.set('own', 'stays')
  t.match((await migrate(from, url)).stderr, /migrated 1 object, 7 bytes; 21 there already/)
  t.equal(String(await target.get('key 1')), 'changed')
  t.equal(String(await target.get('own')), 'stays')

  // Seen only by a comparison of the values.
  await target.set('key 2', 'VALUE 2')
  t.match((await migrate(from, url)).stderr, /migrated 0 objects/)
  t.match((await migrate(from, url, '--checksum')).stderr, /migrated 1 object, 7 bytes/)
  t.equal(String(await target.get('key 2')), 'value 2')
  const part = await migrate(from, join(dir, 'part'), '--prefix', 'key 1')
  t.match(part.stderr, /migrated 11 objects/)
})

await t.test('one that is interrupted leaves nothing half, and goes on', async (t) => {
  const dir = t.testdir()
  const [from, url] = [join(dir, 'from'), await s3Url()]
  await filled(from, 300)
  const { child, ended } = start(process.execPath, [MAIN, 'migrate', from, url], { env })
  await using target = await openUrl(url)
  while (!(await target.has('key 0')) && child.exitCode === null) {
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  child.kill('SIGINT')
  t.match(await ended, { status: 130, stderr: 'linkstore: interrupted by SIGINT\n' })
  t.equal(await server.uploads(), 0)
  await using source = await openUrl(from)
  const content = await contentOf(source)
  const partly = await contentOf(target)
  t.ok(partly.size < content.size, `${partly.size} were copied`)
  for (const [key, value] of partly) t.same(value, content.get(key))
  const rest = await migrate(from, url, '--json')
  t.match(JSON.parse(String(rest.stdout)), { skipped: [], gone: 0 })
  t.same(await contentOf(target), content)
})

await t.test('what is damaged, or cannot be kept, is named, and the rest comes over', async (t) => {
  const dir = t.testdir()
  const [from, url] = [join(dir, 'from'), await s3Url()]
  await filled(from, 3)
  await using source = await open(from)
  await source.set('x'.repeat(2000), 'too long a key')
  await source.set('much', '', { metadata: { much: 'x'.repeat(3000) } })
  const hash = hashKey('key 1')
  const path = join(from, hash.slice(0, 2), hash.slice(2, 4), hash.slice(4))
  const bytes = fs.readFileSync(path)
  bytes[0] = (bytes[0] ?? 0) ^ 1
  fs.writeFileSync(path, bytes)
  const { status, stderr } = await migrate(from, url)
  t.equal(status, 3)
  t.match(stderr, /skipped "key 1": .*crc/)
  t.match(stderr, /skipped "much": S3 keeps 2048 bytes/)
  t.match(stderr, /skipped "x+.*a key may have 1022 bytes/)
  t.match(stderr, /migrated 4 objects.*; skipped 3, as named above/)
  await using target = await openUrl(url)
  t.equal(await target.has('key 1'), false)
  t.equal(String(await target.get('key 2')), 'value 2')
})

await t.test('what cannot be migrated is refused, and nothing is made', async (t) => {
  const dir = t.testdir()
  const from = join(dir, 'from')
  t.match(await migrate(from, join(dir, 'to')), { status: 3, stderr: /from/ })
  await filled(from, 1)
  t.match(await migrate(from, `file://${from}`), { status: 2, stderr: /into itself/ })
  t.match(await migrate(from, 'http://x'), { status: 2, stderr: /no backend for http/ })
  t.match(await migrate(from), { status: 2 })
  t.same(fs.readdirSync(dir), ['from'])
})

await t.test('the other commands take URLs, or say that they cannot', async (t) => {
  const url = await s3Url()
  const run = (...words: readonly string[]): Promise<Outcome> =>
    linkstore(words, { env: { ...env, LINKSTORE_DIR: url } })
  t.equal((await run('set', 'k', 'v', '--ttl', '1h', '--meta', 'a=b')).status, 0)
  t.equal(String((await run('get', 'k')).stdout), 'v')
  t.match(JSON.parse(String((await run('stat', 'k', '--json')).stdout)), { metadata: { a: 'b' } })
  t.equal((await run('add', 'k', 'w')).status, 1)
  t.equal((await run('cp', 'k', 'l')).status, 0)
  t.equal(String((await run('ls')).stdout), 'k\nl\n')
  t.equal(String((await run('count')).stdout), '2\n')
  t.equal(String((await run('take', 'l')).stdout), 'v')
  t.equal((await run('has', 'l')).status, 1)
  t.match(await run('health'), { status: 0, stdout: /^healthy/ })
  for (const words of [['verify'], ['sweep'], ['destroy', '--yes'], ['lock', 'n', '--', 'true']]) {
    t.match(await run(...words), { status: 3, stderr: /^linkstore: .*\n$/ })
  }
  t.match(await run('doctor'), { status: 2, stderr: /directories/ })
  const out = join(t.testdir(), 'out')
  t.equal((await run('export', out)).status, 0)
  t.same(fs.readdirSync(out), ['k'])
  t.equal((await run('import', out, '--prefix', 'in/')).status, 0)
  t.equal((await run('rm', 'in/k')).status, 0)
  t.equal((await run('clear', '--yes')).status, 0)
  const file = `file://${join(out, '..', 'store')}`
  t.equal((await linkstore(['-d', file, 'set', 'k', 'v'])).status, 0)
  t.equal((await linkstore(['-d', join(out, '..', 'store'), 'has', 'k'])).status, 0)
  const gone = await linkstore(['-d', 's3://b?endpoint=http://127.0.0.1:1', 'get', 'k'], { env })
  t.match(gone, { status: 3, stderr: /^linkstore: S3 said .*ECONNREFUSED.*try again.*\n$/ })
})
