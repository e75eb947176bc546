import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { open, openSync, type Store, type SyncStore } from '../index.js'
import { age, HOUR_MS, placeOf } from './support/leftovers.js'
import { scratchDirectory } from './support/surroundings.js'
import { startWorker } from './support/workers.js'

const COUNTERS = 4
const COUNTS = 100

async function conditionalStore(t: Test): Promise<{ root: string; store: Store; sync: SyncStore }> {
  const root = join(await scratchDirectory(t), 'store')
  const store = await open(root, { conditional: true, sweep: false })
  const sync = openSync(root)
  t.teardown(() => {
    sync.close()
    return store.close()
  })
  return { root, store, sync }
}

/** The generations of a key, the highest last. */
function generations(root: string, key: string): number[] {
  return readdirSync(placeOf(root, key))
    .map(Number)
    .sort((one, other) => one - other)
}

/** Makes all generations of a key look two hours old. */
function ageAll(root: string, key: string): void {
  for (const number of generations(root, key)) {
    age(join(placeOf(root, key), String(number)), 2 * HOUR_MS)
  }
}

function newest(root: string, key: string): string {
  return join(placeOf(root, key), String(generations(root, key).at(-1)))
}

/** Changes one byte, from the start or, where negative, from the end. */
function damage(path: string, at: number): void {
  const bytes = readFileSync(path)
  const place = at < 0 ? bytes.length + at : at
  bytes[place] = (bytes[place] ?? 0) ^ 0xff
  writeFileSync(path, bytes)
}

await t.test('processes that count by ifVersion lose nothing', async (t) => {
  const root = join(await scratchDirectory(t), 'store')
  await (await open(root, { conditional: true })).close()
  const workers = Array.from({ length: COUNTERS }, () =>
    startWorker(t, 'processes/worker-conditional.js', [root, COUNTS]),
  )
  for (const { ended } of workers) t.match(await ended, { code: 0, stderr: '' })
  await using store = await open(root)
  t.equal(String(await store.get('counter')), String(COUNTERS * COUNTS))
})

await t.test('both faces ask for versions', async (t) => {
  const { store, sync } = await conditionalStore(t)
  const { version } = sync.set('k', 'first')
  t.throws(() => sync.set('k', 'x', { ifVersion: '0'.repeat(32) }), { code: 'PRECONDITION_FAILED' })
  const second = await store.set('k', 'second', { ifVersion: version })
  t.throws(() => sync.delete('k', { ifVersion: version }), { code: 'PRECONDITION_FAILED' })
  t.equal(sync.delete('k', { ifVersion: second.version }), true)
  await t.rejects(store.set('k', 'v', { ifVersion: 'v1' }), TypeError)
})

await t.test('what is damaged is told, and can be replaced, removed and moved away', async (t) => {
  const { root, store, sync } = await conditionalStore(t)
  for (const key of ['replaced', 'removed', 'moved', 'lost']) {
    await store.set(key, 'first')
    await store.set(key, 'second')
  }
  const { version } = (await store.stat('replaced'))!
  for (const key of ['replaced', 'removed', 'lost']) damage(newest(root, key), -1)
  damage(newest(root, 'moved'), 0)
  for (const key of ['replaced', 'removed', 'moved']) {
    await t.rejects(store.get(key), { code: 'CORRUPT' })
  }
  await t.rejects(store.set('replaced', 'x', { ifVersion: version }), { code: 'CORRUPT' })
  await t.rejects(store.add('replaced', 'x'), { code: 'CORRUPT' })
  await store.set('replaced', 'third')
  t.equal(String(sync.get('replaced')), 'third')
  t.equal(await store.delete('removed'), true)
  t.equal(await store.get('removed'), undefined)
  const bytes = readFileSync(newest(root, 'moved'))
  const report = await store.verify({ quarantine: true })
  const moved = report.findings.find(({ key }) => key === 'moved')
  t.same(readFileSync(moved?.quarantinedTo ?? ''), bytes, 'as it was found')
  t.equal(await store.get('moved'), undefined)
  const lost = report.findings.find(({ key }) => key === undefined)
  t.match(lost, { kind: 'corrupt', quarantinedTo: undefined }, 'nothing tells its key')
  await t.rejects(store.clear(), { code: 'CORRUPT' }, 'what stays is not passed over')
  await store.set('lost', 'found')
  t.same((await store.verify()).findings, [])
  await store.clear()
  t.equal(await store.count(), 0)
})

await t.test('a directory that a crash left in place of a generation does no harm', async (t) => {
  const { root, store, sync } = await conditionalStore(t)
  for (const key of ['read', 'described', 'written']) {
    await store.set(key, 'v')
    mkdirSync(join(placeOf(root, key), '2'))
  }
  t.equal(String(await store.get('read')), 'v')
  t.equal(sync.stat('described')?.sizeBytes, 1)
  await store.set('written', 'w')
  t.same(generations(root, 'written'), [1, 2])
})

await t.test('few generations are kept, and a sweep leaves one', async (t) => {
  const { root, store } = await conditionalStore(t)
  for (let count = 1; count < 50; count += 1) await store.set('k', `value ${count}`)
  ageAll(root, 'k')
  await store.set('k', 'value 50')
  t.same(generations(root, 'k'), [49, 50], 'of those that are old one is kept')
  await store.set('expired', 'v', { ttlMs: 1 })
  await store.set('other', 'v')
  await store.delete('other')
  for (const key of ['k', 'other']) ageAll(root, key)
  t.match(await store.sweep({ graceMs: 60_000 }), { expired: { count: 0 } })
  t.same(generations(root, 'k'), [50])
  t.same(generations(root, 'other'), [2], 'what says that there is nothing stays')
  t.equal(String(await store.get('k')), 'value 50')
  t.equal((await store.set('other', 'again')).sizeBytes, 5)
  t.equal(await store.count(), 2)
})
