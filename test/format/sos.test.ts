import t from 'tap'
import type { Test } from 'tap'
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { open, openSync, type OpenOptions } from '../../index.js'
import { stampedValue, stampOf } from '../processes/stamp.js'
import { scratchDirectory } from '../support/surroundings.js'
import { resultOf, startWorker } from '../support/workers.js'
import { SOS_LEFTOVER, SOS_OBJECTS } from './make-store.js'
import { Sos } from './sos.js'

const FIXTURE = fileURLToPath(new URL('sos', import.meta.url))
const MARKER = 'linkstore.json'
const BESIDE_SOS_MS = 2500

/** A directory as SOS leaves it, modes included, which git does not keep. */
async function sosDirectory(t: Test): Promise<string> {
  const root = join(await scratchDirectory(t), 'sos')
  cpSync(FIXTURE, root, { recursive: true })
  chmodSync(root, 0o700)
  for (const entry of readdirSync(root, { withFileTypes: true, recursive: true })) {
    chmodSync(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o700 : 0o600)
  }
  return root
}

await t.test('a directory of SOS opens as raw, and no marker is written', async (t) => {
  const root = await sosDirectory(t)
  const before = readdirSync(root)
  await using store = await open(root)
  using sync = openSync(root)
  t.match(store.supports, { list: false, metadata: false, expiry: false, versions: false })
  for (const [key, value] of SOS_OBJECTS) {
    t.same(await store.get(key), Buffer.from(value))
    t.same(sync.get(key), Buffer.from(value))
    t.match(await store.stat(key), { key, sizeBytes: value.length, version: undefined })
  }
  t.equal(await store.get('absent'), undefined)
  t.equal(await store.count(), SOS_OBJECTS.length)
  await store.set('new', 'value')
  sync.set('newer', 'value')
  t.match(await store.verify(), { objects: SOS_OBJECTS.length + 2, findings: [] })
  await store.close()
  sync.close()
  t.notOk(existsSync(join(root, MARKER)))
  t.same(
    before.filter((name) => !readdirSync(root).includes(name)),
    [],
    'nothing was removed',
  )
  await t.rejects(open(root, { format: 'envelope' }), { code: 'FORMAT_UNSUPPORTED' })
  t.throws(() => openSync(root, { format: 'envelope' }), { code: 'FORMAT_UNSUPPORTED' })
})

await t.test("files of SOS's own in .tmp outlive everything but destroy", async (t) => {
  const root = await sosDirectory(t)
  const leftover = join(root, SOS_LEFTOVER)
  const bytes = readFileSync(leftover)
  const store = await open(root)
  await store.set('new', 'value')
  await store.take('new')
  await store.verify()
  t.equal(await store.clear(), SOS_OBJECTS.length)
  t.equal(await store.count(), 0)
  await store.close()
  using sync = openSync(root)
  sync.set('new', 'value')
  t.equal(sync.clear(), 1)
  t.same(readFileSync(leftover), bytes)
  sync.close()
  t.same(readdirSync(join(root, '.tmp')), [SOS_LEFTOVER.slice('.tmp/'.length)])
  const last = await open(root)
  await last.destroy()
  t.notOk(existsSync(root))
})

await t.test('what is set lies where SOS looks, with modes that SOS can work with', async (t) => {
  const root = await sosDirectory(t)
  const sos = new Sos(root, 'host-0000002c')
  for (const options of [{}, { fileMode: 0o600, dirMode: 0o700 }] satisfies OpenOptions[]) {
    await using store = await open(root, options)
    using sync = openSync(root, options)
    for (const [key, set] of [
      [`a ${options.fileMode}`, (key: string, value: Buffer) => store.set(key, value)],
      [`b ${options.fileMode}`, (key: string, value: Buffer) => sync.set(key, value)],
    ] as const) {
      const value = Buffer.from([0, 255, 13, 10])
      await set(key, value)
      const [directory, file] = sos.pathOf(key)
      t.same(readFileSync(file), value, 'the bytes of the value and no others')
      const [fileMode, dirMode] = [statSync(file).mode & 0o777, statSync(directory).mode & 0o777]
      if (options.fileMode !== undefined) t.same([fileMode, dirMode], [0o600, 0o700])
      t.same([fileMode & 0o600, dirMode & 0o700], [0o600, 0o700])
      t.same(sos.get(key), value, 'SOS links and reads it')
      sos.store(key, Buffer.from('by SOS'))
      t.same(await store.get(key), Buffer.from('by SOS'), 'SOS replaces it')
      await set(key, Buffer.alloc(0))
      t.same(sos.get(key), Buffer.alloc(0))
      await set(key, Buffer.alloc(300_000, 'large '))
      t.same(sos.get(key), Buffer.alloc(300_000, 'large '))
      sos.delete(key)
      t.equal(await store.has(key), false)
    }
  }
})

await t.test('what a bare value cannot carry is refused, and nothing is stored', async (t) => {
  const root = await sosDirectory(t)
  await using store = await open(root)
  using sync = openSync(root)
  const refused = { name: 'StoreError', code: 'NOT_SUPPORTED' }
  for (const list of ['keys', 'values', 'entries', 'list'] as const) {
    await t.rejects(async () => {
      for await (const _ of store[list]()) t.fail('something was listed')
    }, refused)
    t.throws(() => [...sync[list]()], refused)
  }
  for (const options of [
    { ttlMs: 1000 },
    { metadata: { a: 'b' } },
    { contentType: 'text/plain' },
  ]) {
    await t.rejects(store.set('k', 'v', options), { ...refused, key: 'k' })
    await t.rejects(store.add('k', 'v', options), refused)
    t.throws(() => sync.set('k', 'v', options), { ...refused, key: 'k' })
    t.throws(() => sync.add('k', 'v', options), refused)
  }
  t.equal(await store.has('k'), false)
})

await t.test('SOS and this store work on the same keys at the same time', async (t) => {
  const root = await sosDirectory(t)
  const keys = 4
  await using store = await open(root, { durability: 'none' })
  for (let n = 0; n < keys; n += 1) await store.set(`key ${n}`, stampedValue(1, n + 1))
  const worker = startWorker(t, 'format/worker-sos.js', [root, keys])
  await worker.ready
  const seen = { reads: 0, bySos: 0, torn: 0, missed: 0 }
  const end = Date.now() + BESIDE_SOS_MS
  for (let n = 1; Date.now() < end; n += 1) {
    await store.set(`key ${n % keys}`, stampedValue(1, n))
    for (const key of [0, 1, 2, 3]) {
      const value = await store.get(`key ${key}`)
      const stamp = value === undefined ? 'missed' : stampOf(value)
      seen.reads += 1
      if (stamp === 'missed' || stamp === 'torn') seen[stamp] += 1
      if (stamp.startsWith('7.')) seen.bySos += 1
    }
  }
  worker.process.kill('SIGTERM')
  const theirs = (await resultOf(worker)) as Record<string, number>
  t.comment({ ours: seen, theirs })
  t.match({ torn: seen.torn, missed: seen.missed }, { torn: 0, missed: 0 })
  t.ok(seen.bySos > 0, 'values of SOS were read here')
  t.ok(theirs['others']! > 0, 'values of ours were read by SOS')
  t.equal(theirs['torn'], 0)
  // SOS takes a link that fails while its object is replaced for a miss.
  t.ok(theirs['missed']! < theirs['stored']! / 2)
  await store.close()
  t.same(readdirSync(join(root, '.tmp')), [SOS_LEFTOVER.slice('.tmp/'.length)], 'all is tidy')
})
