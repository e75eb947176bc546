import t from 'tap'
import { importer } from 'ipfs-unixfs-importer'
import { fixedSize } from 'ipfs-unixfs-importer/chunker'
import { base32 } from 'multiformats/bases/base32'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import { sha256 } from 'multiformats/hashes/sha2'
import { readdir } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { directoryStore, open, Store, type ObjectStore, type StoredObject } from '../../index.js'
import { memoryStore } from '../../lib/backends/memory.js'
import { withBlobs } from '../../lib/layers/blob.js'
import { pattern } from '../conformance/support.js'
import { scratchDirectory } from '../support/surroundings.js'

const MIB = 1024 * 1024

async function cidOf(bytes: Uint8Array): Promise<CID> {
  return CID.createV1(raw.code, await sha256.digest(bytes))
}

function inPieces(bytes: Buffer): Readable {
  const count = Math.ceil(bytes.length / 50_000)
  const pieces = Array.from({ length: count }, (_, i) =>
    bytes.subarray(i * 50_000, (i + 1) * 50_000),
  )
  return Readable.from(pieces, { objectMode: false })
}

async function bytesOf(object: StoredObject | undefined): Promise<Buffer | undefined> {
  await using opened = object
  return await opened?.bytes()
}

async function keysIn(objects: ObjectStore): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of objects.list()) keys.push(key)
  return keys
}

await t.test('names are those that multiformats and an importer of IPFS make', async (t) => {
  const blobs = withBlobs(memoryStore())
  for (const sizeBytes of [0, 1, 31, 32, 33, 1000, MIB]) {
    const bytes = pattern(sizeBytes, sizeBytes + 1)
    const cid = await cidOf(bytes)
    const { key } = await blobs.putBlob(bytes)
    t.equal(key, cid.toString(base32.encoder), `${sizeBytes} bytes`)
    t.equal(CID.parse(key).multihash.digest.length, 32)
    for (const digest of [
      key,
      Buffer.from(cid.multihash.digest).toString('hex'),
      cid.multihash.bytes,
    ]) {
      t.same(await bytesOf(await blobs.getBlob(digest)), bytes)
    }
    const blocks = { put: (block: CID) => block } as never
    const chunker = fixedSize({ chunkSize: MIB })
    for await (const file of importer([{ content: bytes }], blocks, { rawLeaves: true, chunker })) {
      t.equal(file.cid.toString(), key)
    }
  }
  // Tools that keep blocks go by the multihash; so does this, whatever a block holds.
  const dagPb = CID.createV1(0x70, (await cidOf(Buffer.from('block'))).multihash).toString()
  await blobs.putBlob('block', { digest: dagPb })
  const dagJson = CID.createV1(0x0129, (await cidOf(Buffer.from('block'))).multihash).toString()
  t.same(await bytesOf(await blobs.getBlob(dagJson)), Buffer.from('block'))
})

await t.test('what is no SHA-256 is refused', async (t) => {
  const blobs = withBlobs(memoryStore())
  const { key } = await blobs.putBlob('blob')
  const bytes = (await cidOf(Buffer.from('blob'))).multihash.bytes
  const wrong: unknown[] = [
    '',
    'b',
    key.toUpperCase(),
    key.slice(0, -1),
    `${key}a`,
    key.slice(1),
    'QmbWqxBEKC3P8tqsKc98xmWNzrzDtRLMiMPL8wBuTGsMnR',
    `sha256-${Buffer.alloc(32).toString('base64')}`,
    bytes.subarray(1),
    new Uint8Array([0x13, ...bytes.subarray(1)]),
    undefined,
    1,
  ]
  for (const digest of wrong) await t.rejects(blobs.getBlob(digest as never), TypeError)
  await t.rejects(blobs.putBlob('blob', { digest: '' }), TypeError)
  await t.rejects(blobs.putBlob('blob', { size: 1 } as never), TypeError)
  await t.rejects(blobs.putBlob('blob', { sizeBytes: -1 }), RangeError)
  await t.rejects(blobs.putBlob(1 as never), TypeError)
})

await t.test('only what is right is published, however it comes', async (t) => {
  const scratch = await scratchDirectory(t)
  for (const objects of [memoryStore(), await directoryStore(`${scratch}/store`)]) {
    const temporaryDirectory = await scratchDirectory(t)
    const blobs = withBlobs(objects, { temporaryDirectory })
    const value = pattern(3 * MIB)
    const digest = (await cidOf(value)).toString()
    const bodies = [() => value, () => new Blob([value]), () => inPieces(value)]
    for (const body of bodies) {
      for (const claim of [{}, { digest }]) {
        const put = (wrong: object): Promise<unknown> =>
          blobs.putBlob(body(), { ...claim, ...wrong })
        const about = 'digest' in claim ? { key: digest } : {}
        await t.rejects(put({ sizeBytes: value.length - 1 }), { code: 'TOO_LARGE', ...about })
        await t.rejects(put({ sizeBytes: value.length + 1 }), { code: 'TOO_SMALL', ...about })
      }
      await t.rejects(blobs.putBlob(body(), { digest: '0'.repeat(64) }), { code: 'INCONSISTENT' })
      t.same(await keysIn(objects), [])
      for (const claim of [{}, { digest }, { digest, sizeBytes: value.length }]) {
        await objects.remove(digest)
        t.match(await blobs.putBlob(body(), claim), { key: digest, sizeBytes: value.length })
        t.same(await bytesOf(await blobs.getBlob(digest)), value)
      }
      // Those that are there already are checked, too, and not written again.
      const { version } = (await blobs.statBlob(digest))!
      for (const claim of [{}, { digest }]) {
        t.equal((await blobs.putBlob(body(), claim)).version, version)
      }
      await t.rejects(blobs.putBlob(inPieces(value.subarray(1)), { digest }), {
        code: 'INCONSISTENT',
      })
      t.equal(await blobs.deleteBlob(digest), true)
      t.equal(await blobs.hasBlob(digest), false)
    }
    t.same(await readdir(temporaryDirectory), [], 'nothing is left of what has waited')
    await blobs.close()
  }
})

await t.test(
  'a body that is too large is stopped at once, and others when they fail',
  async (t) => {
    const temporaryDirectory = await scratchDirectory(t)
    const objects = memoryStore()
    const blobs = withBlobs(objects, { temporaryDirectory })
    for (const digest of [undefined, '0'.repeat(64)]) {
      let given = 0
      const endless = Readable.from(
        (function* () {
          for (;;) {
            given += 100_000
            yield Buffer.alloc(100_000)
          }
        })(),
        { objectMode: false },
      )
      await t.rejects(blobs.putBlob(endless, { digest, sizeBytes: 2 * MIB }), { code: 'TOO_LARGE' })
      t.ok(endless.destroyed)
      t.ok(given < 4 * MIB, `${given} bytes were taken`)
      const failure = new Error('the source broke')
      const failing = Readable.from(
        (async function* () {
          yield Buffer.alloc(2 * MIB)
          throw failure
        })(),
      )
      await t.rejects(blobs.putBlob(failing, { digest }), failure)
      const abort = new AbortController()
      const waiting = new Readable({ read: () => setTimeout(() => abort.abort(), 5) })
      waiting.push(Buffer.alloc(2 * MIB))
      const { signal } = abort
      await t.rejects(blobs.putBlob(waiting, { digest, signal }), { code: 'ABORTED' })
      t.ok(waiting.destroyed)
    }
    t.same(await keysIn(objects), [])
    t.same(await readdir(temporaryDirectory), [])
    const missing = withBlobs(objects, { temporaryDirectory: `${temporaryDirectory}/missing` })
    await t.rejects(missing.putBlob(inPieces(pattern(2 * MIB))), { name: 'StoreError' })
  },
)

await t.test('a blob that is not what its name says is never read as a whole', async (t) => {
  const objects = memoryStore()
  const blobs = withBlobs(objects)
  const value = pattern(300_000)
  const { key } = await blobs.putBlob(value)
  const changed = Buffer.from(value)
  changed[7] = changed[7]! ^ 1
  for (const wrong of [
    changed,
    value.subarray(1),
    Buffer.concat([value, value]),
    Buffer.alloc(0),
  ]) {
    await objects.write(key, inPieces(wrong))
    const object = (await blobs.getBlob(key))!
    await t.rejects(object.bytes(), { code: 'CORRUPT', key })
    let given = 0
    const reading = async (): Promise<void> => {
      for await (const piece of object.stream()) given += (piece as Buffer).length
    }
    await t.rejects(reading(), { code: 'CORRUPT', key })
    t.ok(wrong.length === 0 || given < wrong.length, 'the last piece is kept back')
    await object.close()
  }
  await t.rejects(blobs.putBlob(value, { digest: key }), { code: 'CORRUPT', key })
  await blobs.deleteBlob(key)
  await blobs.putBlob(value, { digest: key })
  await using object = await blobs.getBlob(key)
  const part = await object!.stream({ start: 100, end: 199 }).toArray()
  t.same(Buffer.concat(part as Buffer[]), value.subarray(100, 200))
})

await t.test('a listing has the blobs and nothing else, and what open gives will do', async (t) => {
  const store = await open(`${await scratchDirectory(t)}/store`)
  await store.set('no blob', 'v')
  await store.set('b', 'v')
  const blobs = withBlobs(store)
  const { key } = await blobs.putBlob('blob')
  const names: string[] = []
  for await (const info of blobs.list()) names.push(info.key)
  t.same(names, [key])
  t.throws(() => withBlobs(new Store(memoryStore()), { temporaryDirectory: 1 } as never), TypeError)
  await blobs.close()
  await t.rejects(blobs.getBlob(key), { code: 'CLOSED' })
})
