import * as nodeFs from 'node:fs'
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { hashKey, open, openSync, type Store, type SweepReport, type SyncStore } from '../index.js'
import { openIn, openSyncIn } from './support/environment.js'
import { bothFaces, failureOf } from './support/faces.js'
import { age, HOUR_MS, leaveBehind, placeOf } from './support/leftovers.js'
import { scratchDirectory } from './support/surroundings.js'

const NOTHING = { count: 0, bytes: 0 }
const CLEAN: SweepReport = {
  abandoned: NOTHING,
  expired: NOTHING,
  evicted: NOTHING,
  restored: NOTHING,
  denied: NOTHING,
}

/** Moves the object of a key to where a process that died in the middle had it. */
function leaveAside(root: string, key: string, id = 'd'): string {
  const directory = leaveBehind(root, {}, { id })
  const aside = join(directory, `1.${hashKey(key)}.live`)
  renameSync(placeOf(root, key), aside)
  age(aside, 2 * HOUR_MS)
  age(directory, 2 * HOUR_MS)
  return aside
}

/** A store whose clock is two hours behind, so that what it lets expire has long expired. */
function longAgo(root: string): SyncStore {
  return openSyncIn({ now: () => Date.now() - 2 * HOUR_MS }, root, { durability: 'none' })
}

/** Sweeps through each face in turn, each time after the same preparation. */
async function bothSweep(
  t: Test,
  prepare: (root: string) => unknown,
  judge: (t: Test, sweep: () => Promise<SweepReport>, root: string) => Promise<void>,
): Promise<void> {
  for (const face of ['store', 'sync'] as const) {
    await t.test(face, async (t) => {
      const faces = await bothFaces(t)
      await prepare(faces.root)
      await judge(t, async () => await faces[face].sweep(), faces.root)
    })
  }
}

await t.test('what a process that died has left is removed, once it is old enough', async (t) => {
  const prepare = (root: string): void => {
    leaveBehind(root, { '1': 'half a val', '2': '' })
    leaveBehind(root, { '1': 'young' }, { id: 'e', ageMs: HOUR_MS / 2 })
    mkdirSync(join(root, `.tmp-${'a'.repeat(32)}`))
    age(join(root, `.tmp-${'a'.repeat(32)}`), 2 * HOUR_MS)
  }
  await bothSweep(t, prepare, async (t, sweep, root) => {
    // Two files and their directory, and the directory that has not become `.tmp`.
    t.same(await sweep(), { ...CLEAN, abandoned: { count: 4, bytes: 10 } })
    const left = readdirSync(join(root, '.tmp')).filter((name) => name.startsWith('pod-7-'))
    t.same(left, [`pod-7-${'e'.repeat(32)}`])
    t.notOk(existsSync(join(root, `.tmp-${'a'.repeat(32)}`)))
    t.same(await sweep(), CLEAN, 'the second time there is nothing to do')
  })
})

await t.test('a value that is still written to keeps its store from being swept', async (t) => {
  const { root, store } = await bothFaces(t)
  const directory = leaveBehind(root, { '1': 'old', '2': 'growing' })
  age(join(directory, '2'), 0)
  t.same(await store.sweep(), CLEAN)
  t.same(readdirSync(directory), ['1', '2'])
})

await t.test('a link to an object that others read does not keep it', async (t) => {
  const { root, store } = await bothFaces(t)
  await store.set('k', 'value')
  const directory = leaveBehind(root, {})
  linkSync(placeOf(root, 'k'), join(directory, '1'))
  age(directory, 2 * HOUR_MS)
  t.same(await store.sweep(), { ...CLEAN, abandoned: { count: 2, bytes: 0 } })
  t.equal(String(await store.get('k')), 'value')
})

await t.test('what is not a private name of the store stays in .tmp', async (t) => {
  const { root, store } = await bothFaces(t)
  await store.set('k', 'value')
  const names = ['sos-123', 'pod-7-short', 'd'.repeat(32)]
  for (const name of names) {
    writeFileSync(join(root, '.tmp', name), 'flat')
    mkdirSync(join(root, '.tmp', `${name}.d`))
    for (const path of [name, `${name}.d`]) age(join(root, '.tmp', path), 2 * HOUR_MS)
  }
  t.same(await store.sweep(), CLEAN)
  for (const name of names) {
    for (const path of [name, `${name}.d`]) t.ok(existsSync(join(root, '.tmp', path)), path)
  }
})

await t.test('age is judged by the clock of the file system, not of the host', async (t) => {
  for (const offsetMs of [-48 * HOUR_MS, 48 * HOUR_MS]) {
    const root = `${await scratchDirectory(t)}/store`
    const store = await openIn({ now: () => Date.now() + offsetMs }, root)
    const dead = leaveBehind(root, { '1': 'old' })
    const alive = leaveBehind(root, { '1': 'young' }, { id: 'e', ageMs: HOUR_MS / 2 })
    t.same(await store.sweep(), { ...CLEAN, abandoned: { count: 2, bytes: 3 } }, `${offsetMs}`)
    t.notOk(existsSync(dead))
    t.same(readdirSync(alive), ['1'])
    await store.close()
  }
})

await t.test('objects go when they have been expired for the grace', async (t) => {
  const prepare = (root: string): void => {
    const before = longAgo(root)
    before.set('expired', 'gone', { ttlMs: 1 })
    before.set('later', 'alive', { ttlMs: 24 * HOUR_MS })
    before.set('forever', 'alive')
    before.close()
    openSync(root).set('just', 'expired', { ttlMs: 1 })
  }
  await bothSweep(t, prepare, async (t, sweep, root) => {
    await setTimeout(5)
    const { size } = statSync(placeOf(root, 'expired'))
    const { ctimeMs } = statSync(placeOf(root, 'just'))
    t.same(await sweep(), { ...CLEAN, expired: { count: 1, bytes: size } })
    t.notOk(existsSync(placeOf(root, 'expired')))
    for (const key of ['later', 'forever', 'just']) t.ok(existsSync(placeOf(root, key)), key)
    t.equal(statSync(placeOf(root, 'just')).ctimeMs, ctimeMs, 'not even moved aside')
  })
})

await t.test('a live object that a crash left aside has its place again', async (t) => {
  await bothSweep(
    t,
    (root) => {
      openSync(root, { durability: 'none' }).set('k', 'alive', { ttlMs: 24 * HOUR_MS })
      leaveAside(root, 'k')
    },
    async (t, sweep, root) => {
      t.match(await sweep(), { restored: { count: 1 }, abandoned: { count: 1 } })
      t.equal(String(openSync(root).get('k')), 'alive')
      t.same(await sweep(), CLEAN)
    },
  )
})

await t.test('what a crash left aside yields to what was written since', async (t) => {
  const { root, store, sync } = await bothFaces(t)
  await store.set('k', 'old', { ttlMs: 24 * HOUR_MS })
  leaveAside(root, 'k')
  await store.set('k', 'new')
  await store.sweep()
  t.equal(String(sync.get('k')), 'new')
  t.same(await store.sweep(), CLEAN, 'and is gone')
})

await t.test('what a crash left aside is removed if it has expired', async (t) => {
  const { root, store } = await bothFaces(t)
  longAgo(root).set('k', 'old', { ttlMs: 1 })
  leaveAside(root, 'k')
  t.match(await store.sweep(), { restored: NOTHING, abandoned: { count: 1 } })
  t.notOk(existsSync(placeOf(root, 'k')))
})

await t.test('what a crash left aside and cannot be read is put back', async (t) => {
  const { root, store } = await bothFaces(t)
  await store.set('k', 'old', { ttlMs: 24 * HOUR_MS })
  const aside = leaveAside(root, 'k')
  writeFileSync(aside, 'damaged')
  age(aside, 2 * HOUR_MS)
  t.match(await store.sweep(), { restored: { count: 1 } })
  t.equal(readFileSync(placeOf(root, 'k'), 'utf8'), 'damaged')
})

await t.test('of many sweeps at once each thing is counted by one', async (t) => {
  const { root } = await bothFaces(t)
  const before = longAgo(root)
  for (let index = 0; index < 40; index += 1) before.set(`k${index}`, 'gone', { ttlMs: 1 })
  before.set('alive', 'alive', { ttlMs: 24 * HOUR_MS })
  before.close()
  leaveAside(root, 'alive', 'a')
  for (const id of ['b', 'c']) leaveBehind(root, { '1': 'x', '2': 'x', '3': 'x' }, { id })
  const stores = await Promise.all(Array.from({ length: 6 }, () => open(root)))
  const reports = await Promise.all(stores.map((store) => store.sweep()))
  const sum = (kind: keyof SweepReport): number =>
    reports.reduce((total, report) => total + report[kind].count, 0)
  t.equal(sum('expired'), 40)
  t.equal(sum('restored'), 1)
  t.equal(sum('abandoned'), 2 * 3 + 3)
  const [store] = stores as [Store]
  t.equal(await store.count(), 1)
  t.equal(String(await store.get('alive')), 'alive')
  await Promise.all(stores.map((store) => store.close()))
})

/** Objects of a hundred bytes and some, each written an hour after the one before. */
function inOrder(root: string, count: number): string[] {
  const store = openSync(root, { durability: 'none' })
  return Array.from({ length: count }, (_, index) => {
    store.set(`k${index}`, Buffer.alloc(100))
    age(placeOf(root, `k${index}`), (count - index) * HOUR_MS)
    return `k${index}`
  })
}

await t.test('beyond a limit what was written longest ago goes', async (t) => {
  for (const [limits, left] of [
    [{ maxObjects: 3 }, 3],
    [{ maxObjects: 10 }, 10],
    [{ maxObjects: 0 }, 0],
    [{ maxBytes: 1000 }, 5],
    [{ maxBytes: 0 }, 0],
    [{ maxBytes: 1000, maxObjects: 4 }, 4],
    [{ maxBytes: 1e9, maxObjects: 1e9 }, 10],
  ] as const) {
    const { root, store } = await bothFaces(t)
    const keys = inOrder(root, 10)
    const would = await store.sweep({ ...limits, dryRun: true })
    t.equal(await store.count(), 10, 'a dry run removes nothing')
    const report = await store.sweep(limits)
    t.same(report, would, 'and tells what will be removed')
    const found = keys.filter((key) => existsSync(placeOf(root, key)))
    t.same(found, keys.slice(10 - left), JSON.stringify(limits))
    t.equal(report.evicted.count, 10 - left)
  }
})

await t.test('limits hold in the raw format too', async (t) => {
  const { root, store } = await bothFaces(t, { format: 'raw' })
  const keys = inOrder(root, 5)
  t.match(await store.sweep({ maxBytes: 250 }), { evicted: { count: 3, bytes: 300 } })
  t.same(
    keys.map((key) => existsSync(placeOf(root, key))),
    [false, false, false, true, true],
  )
})

await t.test('a dry run changes nothing, and tells what will be removed', async (t) => {
  const { root, store, sync } = await bothFaces(t)
  longAgo(root).set('expired', 'gone', { ttlMs: 1 })
  sync.set('alive', 'alive', { ttlMs: 24 * HOUR_MS })
  leaveAside(root, 'alive', 'e')
  leaveBehind(root, { '1': 'abandoned' })
  const before = readdirSync(root, { recursive: true }).sort()
  const would = await store.sweep({ dryRun: true })
  t.same(sync.sweep({ dryRun: true }), would, 'through both faces')
  t.same(readdirSync(root, { recursive: true }).sort(), before)
  t.same(await store.sweep(), would)
})

await t.test('a store never sweeps its own private names', async (t) => {
  for (const opened of [open, openSync]) {
    const root = `${await scratchDirectory(t)}/store`
    const store = await opened(root)
    await store.set('large', Buffer.alloc(200_000, 'x'))
    const object = await store.read('large')
    await setTimeout(5)
    t.same(await store.sweep({ graceMs: 0 }), CLEAN)
    await store.delete('large')
    t.equal((await object?.bytes())?.length, 200_000)
    await store.close()
  }
})

await t.test('a store whose private names were swept goes on', async (t) => {
  const { root, store, sync } = await bothFaces(t)
  await store.set('large', Buffer.alloc(200_000, 'x'))
  await using object = await store.read('large')
  await setTimeout(5)
  t.match(sync.sweep({ graceMs: 0 }), { abandoned: { count: 2 } })
  t.equal((await object?.bytes())?.length, 200_000, 'what was open can be read')
  await store.set('k', 'value')
  t.equal(String(await store.get('k')), 'value')
  t.equal(await store.add('k2', 'value'), true)
  t.equal(String(await store.take('k2')), 'value')
  t.equal(readdirSync(root).includes('linkstore.json'), true)
})

await t.test('a sweep reports how far it has come, and can be aborted', async (t) => {
  const { root, store } = await bothFaces(t)
  inOrder(root, 20)
  const fractions: number[] = []
  await store.sweep({ maxObjects: 10, onProgress: ({ fraction }) => fractions.push(fraction) })
  t.equal(fractions.at(-1), 1)
  const signal = AbortSignal.abort()
  t.match(await failureOf(() => store.sweep({ maxObjects: 1, signal })), { code: 'ABORTED' })
  const controller = new AbortController()
  const onProgress = (): void => controller.abort()
  const late = { maxObjects: 1, signal: controller.signal, onProgress }
  t.match(await failureOf(() => store.sweep(late)), { code: 'ABORTED' })
  t.equal(await store.count(), 10)
})

await t.test('limits that are none are refused', async (t) => {
  const { store, sync, root } = await bothFaces(t)
  for (const [options, error] of [
    [{ graceMs: -1 }, RangeError],
    [{ graceMs: NaN }, RangeError],
    [{ maxBytes: '1' }, TypeError],
    [{ maxObjects: null }, TypeError],
    [{ dryRun: 1 }, TypeError],
    [{ dryrun: true }, TypeError],
  ] as const) {
    for (const sweep of [
      () => store.sweep(options as object),
      () => sync.sweep(options as object),
    ]) {
      t.type(await failureOf(sweep), error, JSON.stringify(options))
    }
  }
  t.type(await failureOf(() => open(root, { sweep: { maxFiles: 1 } as object })), TypeError)
  t.type(await failureOf(() => open(root, { sweep: { maxBytes: -1 } })), RangeError)
  t.type(await failureOf(() => open(root, { sweep: 'yes' as never })), TypeError)
  t.type(await failureOf(() => openSync(root, { sweep: false } as object)), TypeError)
})

await t.test('what this user may not touch is told, and the rest is swept', async (t) => {
  const root = `${await scratchDirectory(t)}/store`
  const before = longAgo(root)
  for (const key of ['closed', 'open']) before.set(key, 'gone', { ttlMs: 1 })
  before.close()
  const closed = [placeOf(root, 'closed'), leaveBehind(root, { '1': 'x' }, { id: 'e' })]
  leaveBehind(root, { '1': 'x' })
  const refusing =
    (call: 'openSync' | 'readdirSync') =>
    (path: string, ...rest: unknown[]): unknown => {
      const { EACCES } = constants.errno
      if (closed.includes(path)) throw Object.assign(new Error('EACCES'), { errno: -EACCES })
      return (nodeFs[call] as (...values: unknown[]) => unknown)(path, ...rest)
    }
  const fs = { ...nodeFs, openSync: refusing('openSync'), readdirSync: refusing('readdirSync') }
  const store = openSync(root, { fs })
  t.match(store.sweep(), { abandoned: { count: 2 }, expired: { count: 1 }, denied: { count: 2 } })
  for (const path of closed) t.ok(existsSync(path), path)
  store.close()
})
