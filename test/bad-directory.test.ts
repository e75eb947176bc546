import t from 'tap'
import type { Test } from 'tap'
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { hashKey, open, openSync, type OpenOptions } from '../index.js'
import { objectPath } from './format/damage.js'
import { bothFaces, drain, failureOf, privateFiles, type Faces } from './support/faces.js'
import { scratchDirectory } from './support/surroundings.js'

const MARKER = 'linkstore.json'
const KEY = 'k'
const WITHOUT_PIPES =
  spawnSync('mkfifo', ['--version'], { stdio: 'ignore' }).status === 0 ? false : 'needs mkfifo'

/** What opening a directory fails with, on both faces. */
async function openFailures(root: string, options: OpenOptions = {}): Promise<unknown[]> {
  return [
    await failureOf(() => open(root, options)),
    await failureOf(() => openSync(root, options)),
  ]
}

/** All paths below a directory, links not followed. */
function treeOf(root: string): string[] {
  return fs.readdirSync(root, { recursive: true }).map(String).sort()
}

await t.test('what is no directory of a store is not opened, and stays as it is', async (t) => {
  const scratch = await scratchDirectory(t)
  const foreign: [string, string][] = [
    ['file', 'notes.txt'],
    ['shard', 'e3/notes.txt'],
    ['shard with an object of another depth', 'e3/b0c4/x'],
    ['upper case', 'E3/B0/x'],
    ['like a private name', '.tmp-backup/x'],
    ['sign of expiry', '.expiring'],
  ]
  for (const [name, file] of foreign) {
    const root = join(scratch, name)
    fs.mkdirSync(dirname(join(root, file)), { recursive: true })
    fs.writeFileSync(join(root, file), 'not yours')
    const before = treeOf(root)
    for (const error of await openFailures(root)) {
      t.match(error, { name: 'StoreError', code: 'NOT_A_STORE', path: root }, name)
    }
    t.same(treeOf(root), before, 'nothing was made there')
    t.equal(fs.readFileSync(join(root, file), 'utf8'), 'not yours')
  }
  const file = join(scratch, 'file', 'notes.txt')
  fs.symlinkSync(join(scratch, 'nowhere'), join(scratch, 'dangling'))
  for (const root of [file, join(file, 'below'), join(scratch, 'dangling')]) {
    for (const error of await openFailures(root)) t.match(error, { code: 'NOT_A_STORE' }, root)
  }
  const missing = join(scratch, 'missing', 'store')
  for (const options of [{ create: false }, { readOnly: true }]) {
    for (const error of await openFailures(missing, options)) {
      t.match(error, { code: 'NOT_A_STORE', message: /does not exist/ })
    }
    const empty = join(scratch, 'empty')
    fs.mkdirSync(empty, { recursive: true })
    for (const error of await openFailures(empty, options)) t.match(error, { code: 'NOT_A_STORE' })
    t.same(fs.readdirSync(empty), [])
  }
  t.notOk(fs.existsSync(dirname(missing)))
})

await t.test('a new volume may have what belongs to it', async (t) => {
  const root = await scratchDirectory(t)
  for (const name of ['lost+found', '.snapshot']) fs.mkdirSync(join(root, name))
  fs.writeFileSync(join(root, '.nfs0000000000000001'), '')
  const store = await open(root)
  await store.set(KEY, 'value')
  t.match(await store.verify(), { objects: 1, findings: [] })
  await store.destroy()
  t.same(fs.readdirSync(root).sort(), ['.nfs0000000000000001', '.snapshot', 'lost+found'])
})

await t.test('a marker that is newer, or cannot be read, is refused', async (t) => {
  const { root, store, sync } = await bothFaces(t)
  await store.set(KEY, 'value')
  const marker = join(root, MARKER)
  const good = JSON.parse(fs.readFileSync(marker, 'utf8')) as Record<string, unknown>
  for (const wrong of [
    ...['', ' ', '{', 'null', '5', '[]', '{}', '\0'.repeat(200), ' '.repeat(70_000) + '{}'],
    ...[{ version: 0 }, { version: '1' }, { store: 'other' }, { format: 'sealed' }].map((change) =>
      JSON.stringify({ ...good, ...change }),
    ),
  ]) {
    fs.writeFileSync(marker, wrong)
    for (const error of await openFailures(root)) {
      t.match(error, { code: 'CORRUPT', path: marker }, JSON.stringify(wrong.slice(0, 60)))
    }
  }
  fs.writeFileSync(marker, JSON.stringify({ ...good, version: 3, format: 'later' }))
  for (const error of await openFailures(root)) {
    t.match(error, { code: 'FORMAT_UNSUPPORTED', path: marker, message: /version 3/ })
  }
  fs.rmSync(marker)
  fs.mkdirSync(marker)
  for (const error of await openFailures(root)) t.match(error, { code: 'CORRUPT', path: marker })
  fs.rmdirSync(marker)
  if (WITHOUT_PIPES === false) {
    spawnSync('mkfifo', [marker])
    for (const error of await openFailures(root)) t.match(error, { code: 'CORRUPT', path: marker })
    fs.rmSync(marker)
  }
  fs.writeFileSync(marker, JSON.stringify({ ...good, later: ['x'] }))
  for (const error of await openFailures(root, { format: 'raw' })) {
    t.match(error, { code: 'FORMAT_UNSUPPORTED', path: root, message: /of format envelope/ })
  }
  await using again = await open(root, { create: false, format: 'envelope' })
  t.same(await again.get(KEY), Buffer.from('value'), 'a member that nobody knows does no harm')
  t.same(sync.get(KEY), Buffer.from('value'))
})

await t.test('clear and destroy ask first whether this is still the store', async (t) => {
  const { root, store, sync } = await bothFaces(t)
  await store.set(KEY, 'value')
  fs.rmSync(join(root, MARKER))
  const before = treeOf(root)
  const lost = { code: 'UNAVAILABLE', retryable: true, path: root }
  for (const call of [
    () => store.clear(),
    () => store.destroy(),
    () => sync.clear(),
    () => sync.destroy(),
  ]) {
    t.match(await failureOf(call), lost)
  }
  t.same(treeOf(root), before)
  t.match(await failureOf(() => store.get('absent')), lost, 'nor is anything called absent')
})

await t.test('destroy removes nothing that is not of the store', async (t) => {
  for (const face of ['store', 'sync'] as const) {
    const { root, [face]: store } = await bothFaces(t)
    const outside = join(dirname(root), 'outside')
    fs.mkdirSync(join(outside, 'deep'), { recursive: true })
    fs.writeFileSync(join(outside, 'deep', 'file'), 'not yours')
    await store.set(KEY, 'value')
    fs.symlinkSync(outside, join(root, '.tmp', 'link'))
    fs.symlinkSync(outside, join(root, `.tmp-${'0'.repeat(32)}`))
    const kept = join(dirname(objectPath(root, KEY)), 'notes.txt')
    fs.writeFileSync(kept, 'not yours')
    fs.mkdirSync(join(root, '.tmp-backup'))
    const first = await failureOf(() => store.destroy())
    t.match(first, { code: 'PRECONDITION_FAILED', path: new RegExp(`^${root}/`) })
    t.equal(fs.readFileSync(kept, 'utf8'), 'not yours')
    t.ok(fs.existsSync(join(root, '.tmp-backup')))
    t.ok(fs.existsSync(join(root, MARKER)), 'what is left still says what it is')
    t.same(treeOf(outside), ['deep', 'deep/file'], 'no link was followed')
    fs.rmSync(kept)
    fs.rmdirSync(join(root, '.tmp-backup'))
    openSync(root).destroy()
    t.notOk(fs.existsSync(root))
    t.same(treeOf(outside), ['deep', 'deep/file'])
  }
})

interface Intruder {
  readonly name: string
  /** Puts it in the place of an object. */
  readonly make: (path: string, outside: string) => unknown
  /** Whether it is a directory, which neither rename nor unlink take. */
  readonly isDirectory?: boolean
  readonly skip?: boolean
}

const INTRUDERS: readonly Intruder[] = [
  { name: 'a directory', make: (path) => fs.mkdirSync(path), isDirectory: true },
  {
    name: 'a directory with a file',
    make: (path) => fs.mkdirSync(`${path}/x`, { recursive: true }),
    isDirectory: true,
  },
  { name: 'a dangling link', make: (path, outside) => fs.symlinkSync(`${outside}/none`, path) },
  { name: 'a link to a file', make: (path, outside) => fs.symlinkSync(`${outside}/file`, path) },
  { name: 'a link to a directory', make: (path, outside) => fs.symlinkSync(outside, path) },
  { name: 'a link to itself', make: (path) => fs.symlinkSync(path, path) },
  {
    name: 'a pipe',
    make: (path) => spawnSync('mkfifo', [path]),
    skip: WITHOUT_PIPES !== false,
  },
]

type Verb = readonly [name: string, call: (faces: Faces) => unknown]
const READING: readonly Verb[] = [
  ['get', ({ store }) => store.get(KEY)],
  ['read', ({ store }) => store.read(KEY)],
  ['stat', ({ store }) => store.stat(KEY)],
  ['has', ({ store }) => store.has(KEY)],
  ['take', ({ store }) => store.take(KEY)],
  ['copy', ({ store }) => store.copy(KEY, 'copy')],
  ['stream', ({ store }) => drain(store.createReadStream(KEY))],
  ['sync get', ({ sync }) => sync.get(KEY)],
  ['sync stat', ({ sync }) => sync.stat(KEY)],
  ['sync has', ({ sync }) => sync.has(KEY)],
  ['sync take', ({ sync }) => sync.take(KEY)],
  ['sync copy', ({ sync }) => sync.copy(KEY, 'copy')],
]
const CHANGING: readonly Verb[] = [
  ['set', ({ store }) => store.set(KEY, 'new')],
  ['sync set', ({ sync }) => sync.set(KEY, 'new')],
  ['delete', ({ store }) => store.delete(KEY)],
  ['sync delete', ({ sync }) => sync.delete(KEY)],
]

/** Sees every one of these verbs fail with CORRUPT, naming the object. */
async function allCorrupt(t: Test, faces: Faces, verbs: readonly Verb[], what: string) {
  const path = objectPath(faces.root, KEY)
  for (const [name, call] of verbs) {
    const error = await failureOf(() => call(faces))
    t.match(error, { name: 'StoreError', code: 'CORRUPT', key: KEY, path }, `${name} of ${what}`)
    const { message } = error as Error
    t.ok(message.includes(hashKey(KEY)) && message.includes(path), message)
  }
}

for (const format of ['envelope', 'raw'] as const) {
  await t.test(`what is no file in an object's place is CORRUPT (${format})`, async (t) => {
    const faces = await bothFaces(t, { format })
    const { root, store, sync } = faces
    const outside = join(dirname(root), 'outside')
    fs.mkdirSync(outside)
    fs.writeFileSync(join(outside, 'file'), 'not yours')
    const path = objectPath(root, KEY)
    fs.mkdirSync(dirname(path), { recursive: true })
    for (const { name, make, isDirectory = false } of INTRUDERS.filter(({ skip }) => !skip)) {
      make(path, outside)
      const { ino } = fs.lstatSync(path)
      await allCorrupt(t, faces, READING, name)
      t.equal(fs.lstatSync(path).ino, ino, `${name}: take puts it back`)
      for (const { findings } of [await store.verify(), sync.verify()]) {
        t.match(findings, [{ kind: 'corrupt', path, hash: hashKey(KEY) }], name)
      }
      t.equal(await store.add(KEY, 'new'), false, `${name}: it is not overlooked`)
      t.equal(sync.add(KEY, 'new'), false)
      if (isDirectory) {
        await allCorrupt(t, faces, CHANGING, name)
        t.equal(fs.lstatSync(path).ino, ino, `${name}: it stays`)
        fs.rmSync(path, { recursive: true })
        continue
      }
      for (const face of [store, sync]) {
        await face.set(KEY, 'new')
        t.same(await store.get(KEY), Buffer.from('new'), `${name} is replaced`)
        fs.rmSync(path)
        make(path, outside)
        t.equal(await face.delete(KEY), true, `${name} is removed`)
        t.equal(await store.get(KEY), undefined)
        make(path, outside)
      }
      fs.rmSync(path)
      t.equal(fs.readFileSync(join(outside, 'file'), 'utf8'), 'not yours')
      t.same(fs.readdirSync(outside), ['file'], 'nothing outside was touched')
    }
    await store.close()
    sync.close()
    t.same(privateFiles(root), [])
  })
}

await t.test("a socket in an object's place is CORRUPT", async (t) => {
  const faces = await bothFaces(t)
  const path = objectPath(faces.root, KEY)
  fs.mkdirSync(dirname(path), { recursive: true })
  // Its own name would be longer than the system allows.
  const server = createServer().listen(join(faces.root, 's'))
  await once(server, 'listening')
  t.teardown(() => server.close())
  fs.renameSync(join(faces.root, 's'), path)
  await allCorrupt(t, faces, READING, 'a socket')
  await faces.store.set(KEY, 'new')
  t.same(faces.sync.get(KEY), Buffer.from('new'))
})

await t.test('a file where a shard directory belongs is CORRUPT', async (t) => {
  for (const depth of ['outer', 'inner']) {
    const faces = await bothFaces(t)
    const { root, store, sync } = faces
    const shard = dirname(objectPath(root, KEY))
    const path = depth === 'outer' ? dirname(shard) : shard
    fs.mkdirSync(dirname(path), { recursive: true })
    fs.writeFileSync(path, 'in the way')
    const adding: Verb[] = [
      ['add', () => store.add(KEY, 'new')],
      ['sync add', () => sync.add(KEY, 'new')],
    ]
    await allCorrupt(t, faces, [...READING, ...CHANGING, ...adding], `a file as ${depth} shard`)
    t.match((await store.verify()).findings, [{ kind: 'corrupt', path }])
    t.same(sync.verify(), await store.verify())
    await store.set('other', 'value')
    t.equal(await store.count(), 1, 'it hides no other key')
    t.equal(fs.readFileSync(path, 'utf8'), 'in the way')
  }
})

await t.test("files that are not the store's are left alone, and reported", async (t) => {
  const { root, store, sync } = await bothFaces(t)
  await store.set(KEY, 'value')
  const path = objectPath(root, KEY)
  const shard = dirname(path)
  const foreign = [
    `${path}.bak`,
    join(shard, 'A'.repeat(60)),
    join(shard, '0'.repeat(59)),
    join(shard, '.nfs000000000000000100000001'),
    join(shard, 'README'),
    join(dirname(shard), 'notes'),
    join(root, 'notes'),
    join(root, '.tmp-backup'),
  ]
  for (const file of foreign) fs.writeFileSync(file, 'not yours')
  t.same([...sync.keys()], [KEY])
  t.equal(await store.count(), 1)
  for (const report of [await store.verify(), sync.verify()]) {
    t.equal(report.objects, 1)
    t.same(report.findings.map((finding) => finding.path).sort(), foreign.toSorted())
    t.ok(report.findings.every(({ kind, hash }) => kind === 'foreign' && hash === undefined))
  }
  t.equal(await store.clear(), 1)
  await store.set(KEY, 'value')
  t.equal(sync.clear(), 1)
  for (const file of foreign) t.equal(fs.readFileSync(file, 'utf8'), 'not yours', file)
  await using again = await open(root)
  t.equal(await again.count(), 0, 'a store with other files in it still opens')
})
