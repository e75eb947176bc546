import t from 'tap'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { open, openSync } from '../../index.js'
import { encodeMarker } from '../../lib/format/marker.js'
import { scratchDirectory } from '../support/surroundings.js'
import { asNewer, flipBit, objectPath } from './damage.js'
import { MADE_AT_MS, makeV1, V1_OBJECTS } from './make-store.js'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const READER = fileURLToPath(new URL('../../examples/read_object.py', import.meta.url))
const WITHOUT_PYTHON =
  spawnSync('python3', ['--version']).status === 0 ? false : 'needs python3 on the path'
const LIVE = V1_OBJECTS.filter(({ key }) => key !== 'session')

/** All files below a directory, by their path from it. */
function filesOf(root: string): Record<string, string> {
  const entries = readdirSync(root, { withFileTypes: true, recursive: true })
  const files = entries.filter((entry) => entry.isFile()).map((e) => join(e.parentPath, e.name))
  return Object.fromEntries(
    files.sort().map((path) => [path.slice(root.length + 1), readFileSync(path, 'hex')]),
  )
}

await t.test('a store of format version 1 opens, reads, lists and verifies', async (t) => {
  const root = join(await scratchDirectory(t), 'v1')
  cpSync(join(HERE, 'v1'), root, { recursive: true })
  const before = filesOf(root)
  t.equal(before['.expiring'], '', 'the files of the store were committed')
  await using store = await open(root)
  using sync = openSync(root)
  for (const { key, value, options } of LIVE) {
    const { metadata = {}, contentType } = options as Record<string, unknown>
    t.same(await store.get(key), value, `the value of ${JSON.stringify(key)}`)
    t.same(sync.get(key), value)
    const info = await store.stat(key)
    const expected = { key, metadata, contentType, sizeBytes: value.length, writtenBy: 'pod-1' }
    t.match(info, { ...expected, writtenAtMs: MADE_AT_MS, expiresAtMs: undefined })
    t.same(Object.entries(info!.metadata), Object.entries(metadata as object))
    t.same(sync.stat(key), info)
  }
  t.equal(await store.get('session'), undefined, 'what has expired is absent')
  const keys = LIVE.map(({ key }) => key).sort()
  const listed: string[] = []
  for await (const key of store.keys()) listed.push(key)
  t.same(listed.sort(), keys)
  t.same([...sync.keys()].sort(), keys)
  t.equal(await store.count(), LIVE.length)
  t.match(await store.verify(), { objects: LIVE.length, findings: [] })
  t.same(sync.verify(), await store.verify())
  await store.close()
  sync.close()
  t.same(filesOf(root), before, 'reading changed nothing')
})

await t.test('version 1 is still written as it was', async (t) => {
  const root = join(await scratchDirectory(t), 'v1')
  makeV1(root)
  const kind = encodeMarker({ format: 'envelope', isConditional: false })
  t.equal((JSON.parse(kind.toString()) as { version: number }).version, 1)
  t.same(readFileSync(join(root, 'linkstore.json')), kind)
  const marker = { 'linkstore.json': 'its words to people may change' }
  t.same({ ...filesOf(root), ...marker }, { ...filesOf(join(HERE, 'v1')), ...marker })
})

/** What the reader says: its exit status and what it wrote. */
function readByPython(root: string, key: string): { status: number | null; value: Buffer } {
  const { status, stdout, stderr } = spawnSync('python3', [READER, root, key], { timeout: 60_000 })
  if (status !== 3 && stderr.length > 0) throw new Error(stderr.toString())
  return { status, value: stdout }
}

await t.test(
  'a reader written after docs/format.md alone reads what is stored, and refuses what is not',
  { skip: WITHOUT_PYTHON },
  async (t) => {
    const root = join(await scratchDirectory(t), 'store')
    using store = openSync(root, { durability: 'none' })
    const large = Buffer.alloc(300 * 1024, 'large ')
    const values = { small: 'value', empty: '', 'ключ/😀\n': 'text', large, '': 'the empty key' }
    for (const [key, value] of Object.entries(values)) store.set(key, value)
    const metadata = { name: 'Ünï', other: 'x'.repeat(5000) }
    store.set('described', 'v', { metadata, contentType: 'text/plain', ttlMs: 3_600_000 })
    store.set('expired', 'gone', { ttlMs: 1 })
    while (store.has('expired'));
    for (const key of [...Object.keys(values), 'described']) {
      t.same(readByPython(root, key), { status: 0, value: store.get(key) }, JSON.stringify(key))
    }
    const nothing = Buffer.alloc(0)
    for (const key of ['absent', 'expired']) {
      t.same(readByPython(root, key), { status: 1, value: nothing }, key)
    }
    const good = readFileSync(objectPath(root, 'small'))
    const corruptions: [string, Buffer][] = [
      ['empty', nothing],
      ['cut short', good.subarray(0, -1)],
      ['all but its end', good.subarray(1)],
      ['flipped in the value', flipBit(good, 0)],
      ['flipped in the footer', flipBit(good, 8 * 'value'.length)],
      ['flipped in the magic', flipBit(good, 8 * good.length - 1)],
      ['longer', Buffer.concat([good, good])],
      ["another key's", readFileSync(objectPath(root, 'empty'))],
      ['newer', asNewer(good)],
    ]
    for (const [what, bytes] of corruptions) {
      writeFileSync(objectPath(root, 'small'), bytes)
      const code = what === 'newer' ? 'FORMAT_UNSUPPORTED' : 'CORRUPT'
      t.throws(() => store.get('small'), { code }, what)
      t.same(readByPython(root, 'small'), { status: 3, value: nothing }, what)
    }
  },
)

await t.test(
  'that reader reads raw stores, and refuses directories that are not known to be stores',
  { skip: WITHOUT_PYTHON },
  async (t) => {
    const root = join(await scratchDirectory(t), 'store')
    using store = openSync(root, { format: 'raw', durability: 'none' })
    store.set('key', 'value')
    t.same(readByPython(root, 'key'), { status: 0, value: Buffer.from('value') })
    const nothing = Buffer.alloc(0)
    t.same(readByPython(root, 'absent'), { status: 1, value: nothing })
    const marker = join(root, 'linkstore.json')
    const text = readFileSync(marker, 'utf8')
    for (const wrong of ['', '[]', text.replace('1', '2'), text.replace('raw', 'sealed')]) {
      writeFileSync(marker, wrong)
      t.same(readByPython(root, 'key'), { status: 3, value: nothing }, wrong)
    }
    rmSync(marker)
    t.same(readByPython(root, 'absent'), { status: 3, value: nothing }, 'no marker, no answer')
    writeFileSync(marker, text)
    rmSync(objectPath(root, 'key'))
    mkdirSync(objectPath(root, 'key'))
    t.same(readByPython(root, 'key'), { status: 3, value: nothing }, 'a directory in its place')
    t.equal(spawnSync('python3', [READER, root], { timeout: 60_000 }).status, 2, 'wrong usage')
  },
)
