import * as nodeFs from 'node:fs'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { hashKey, open, openSync, type Finding } from '../index.js'
import { bothFaces } from './support/faces.js'
import { placeOf } from './support/leftovers.js'
import { scratchDirectory } from './support/surroundings.js'

/** Changes the first byte of an object: its footer stays sound. */
function damage(path: string): Buffer {
  const bytes = readFileSync(path)
  bytes[0] = (bytes[0] ?? 0) ^ 0xff
  writeFileSync(path, bytes)
  return bytes
}

await t.test('what is corrupt is moved aside, and kept', async (t) => {
  for (const face of ['store', 'sync'] as const) {
    const faces = await bothFaces(t)
    const { root, store } = faces
    await store.set('sound', 'value')
    const { writtenAtMs, writtenBy } = await store.set('damaged', 'value')
    await store.set('large', Buffer.alloc(300_000))
    await store.set('torn', 'value')
    const bytes = damage(placeOf(root, 'damaged'))
    damage(placeOf(root, 'large'))
    writeFileSync(placeOf(root, 'torn'), 'torn')
    const before = (await store.verify()).findings
    t.same(
      before.map(({ quarantinedTo }) => quarantinedTo),
      [undefined, undefined, undefined],
    )
    const { objects, findings } = await faces[face].verify({ quarantine: true })
    t.equal(objects, 1)
    const of = (key: string): Finding | undefined =>
      findings.find(({ hash }) => hash === hashKey(key))
    t.match(of('damaged'), { kind: 'corrupt', key: 'damaged', writtenAtMs, writtenBy })
    t.match(of('large'), { kind: 'corrupt', key: 'large' })
    const members = ['hash', 'key', 'kind', 'path', 'quarantinedTo', 'reason']
    t.same(Object.keys(of('large') ?? {}).sort(), [...members, 'writtenAtMs', 'writtenBy'])
    t.match(of('torn'), { kind: 'corrupt', key: undefined, writtenBy: undefined })
    t.ok(Math.abs((of('torn')?.writtenAtMs ?? 0) - Date.now()) < 60_000, 'the time of the file')
    const place = of('damaged')?.quarantinedTo ?? ''
    t.equal(dirname(place), join(root, '.quarantine'))
    t.same(readFileSync(place), bytes, 'as it was found')
    t.equal(readdirSync(join(root, '.quarantine')).length, 3)
    t.same(await store.verify(), { objects: 1, bytes: 5, findings: [] })
    for (const key of ['damaged', 'large', 'torn']) t.equal(await store.has(key), false)
    t.equal(String(await store.get('sound')), 'value')
  }
})

await t.test('what is no file goes there too', async (t) => {
  const { root, store } = await bothFaces(t)
  await store.set('k', 'value')
  const path = placeOf(root, 'k')
  nodeFs.rmSync(path)
  nodeFs.mkdirSync(path)
  writeFileSync(join(path, 'inside'), 'kept')
  const { findings } = await store.verify({ quarantine: true })
  t.match(findings, [{ kind: 'corrupt', hash: hashKey('k') }])
  t.equal(readFileSync(join(findings[0]?.quarantinedTo ?? '', 'inside'), 'utf8'), 'kept')
  t.equal(await store.has('k'), false)
})

await t.test('what a newer release has written stays where it is', async (t) => {
  const { root, store } = await bothFaces(t)
  await store.set('k', 'value')
  const path = placeOf(root, 'k')
  const bytes = readFileSync(path)
  const { crc32 } = await import('node:zlib')
  bytes.writeUInt8(9, bytes.length - 18)
  bytes.writeUInt32LE(crc32(bytes.subarray(5, bytes.length - 12)), bytes.length - 12)
  writeFileSync(path, bytes)
  const { findings } = await store.verify({ quarantine: true })
  t.match(findings, [{ reason: /newer linkstore/, quarantinedTo: undefined }])
  t.ok(existsSync(path))
})

await t.test('an object that is replaced when it is about to be moved stays', async (t) => {
  const root = `${await scratchDirectory(t)}/store`
  const other = openSync(root, { durability: 'none' })
  for (const [key, value] of [
    ['small', 'sound again'],
    ['large', 'y'.repeat(300_000)],
  ] as const) {
    other.set(key, 'value')
    writeFileSync(placeOf(root, key), 'torn')
    let replaced = 0
    const renameSync = (from: string, to: string): void => {
      // The last moment: what was damaged has been seen, and is about to be moved aside.
      if (to.endsWith('.live')) {
        other.set(key, value)
        replaced += 1
      }
      nodeFs.renameSync(from, to)
    }
    const store = openSync(root, { durability: 'none', fs: { ...nodeFs, renameSync } })
    t.match(store.verify({ quarantine: true }).findings, [{ quarantinedTo: undefined }])
    store.close()
    t.equal(replaced, 1)
    t.equal(String(other.get(key)), value)
    t.same(readdirSync(join(root, '.quarantine')), [])
  }
  other.close()
})

await t.test('the quarantine belongs to the store', async (t) => {
  for (const format of ['envelope', 'raw'] as const) {
    const root = `${await scratchDirectory(t)}/store`
    const store = await open(root, { format })
    await store.set('k', 'value')
    nodeFs.rmSync(placeOf(root, 'k'))
    nodeFs.mkdirSync(placeOf(root, 'k'))
    await store.verify({ quarantine: true })
    t.match(await store.verify(), { findings: [] })
    await store.close()
    const again = await open(root)
    t.equal(await again.count(), 0)
    await again.destroy()
    t.notOk(existsSync(root))
  }
})
