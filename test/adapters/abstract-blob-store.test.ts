import { once } from 'node:events'
import { createRequire } from 'node:module'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { open } from '../../index.js'
import { LinkstoreBlobStore, type BlobMetadata } from '../../lib/adapters/abstract-blob-store.js'
import { privateFiles } from '../support/faces.js'
import { scratchDirectory } from '../support/surroundings.js'

async function blobsIn(t: Test): Promise<{ root: string; blobs: LinkstoreBlobStore }> {
  const root = `${await scratchDirectory(t)}/store`
  const blobs = new LinkstoreBlobStore(root, { durability: 'none' })
  t.teardown(() => blobs.close())
  return { root, blobs }
}

/** It has no types. */
const suite = createRequire(import.meta.url)('abstract-blob-store/tests') as (
  test: typeof likeTape,
  common: object,
) => void

/** The suite hands its tests to something like tape; each test ends itself. */
function likeTape(title: string, body: (t: unknown) => void): void {
  void t.test(title, async (t) => {
    await new Promise<void>((resolve) => {
      const notOk = (found: unknown): boolean => t.notOk(found)
      const ok = (found: unknown): boolean => t.ok(found)
      const same = (found: unknown, wanted: unknown): boolean => t.same(found, wanted)
      body({ ok, notOk, error: notOk, equal: same, same, end: resolve })
    })
  })
}

const scratch = await scratchDirectory(t)
const opened: LinkstoreBlobStore[] = []
suite(likeTape, {
  setup: (_t: unknown, done: (error: unknown, store: LinkstoreBlobStore) => void) => {
    const blobs = new LinkstoreBlobStore(`${scratch}/store ${opened.length}`)
    opened.push(blobs)
    done(null, blobs)
  },
  teardown: (_t: unknown, _store: unknown, _blob: unknown, done: () => void) => done(),
})

await t.test('a blob that was not ended is not there, and leaves nothing', async (t) => {
  const { root, blobs } = await blobsIn(t)
  const told: (Error | null)[] = []
  const writer = blobs.createWriteStream({ key: 'k' }, (error) => told.push(error))
  await new Promise((resolve) => writer.write('half of it', resolve))
  writer.destroy()
  await once(writer, 'close')
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.equal(told.length, 1)
  t.ok(told[0] instanceof Error)
  t.equal(await isThere(blobs, 'k'), false)
  await blobs.close()
  t.same(privateFiles(root), [])
})

await t.test('parts, lifetimes and content types', async (t) => {
  const root = `${await scratchDirectory(t)}/store`
  await using store = await open(root, { durability: 'none' })
  const blobs = new LinkstoreBlobStore(store)
  const written = await write(blobs, { contentType: 'text/plain', ttlMs: 60_000 }, 'Hello World')
  t.equal(written.size, 11)
  const { contentType, expiresAtMs } = (await store.stat(written.key))!
  t.equal(contentType, 'text/plain')
  t.ok(expiresAtMs! > Date.now())
  t.equal(await text(blobs.createReadStream({ key: written.key, start: 6, end: 8 })), 'Wor')
  t.equal(await text(blobs.createReadStream(written.key)), 'Hello World')
  const named = await write(blobs, { key: undefined, name: 'by its name' }, '')
  t.same(named, { key: 'by its name', size: 0 })
  t.equal(await isThere(blobs, 'by its name'), true)
})

await t.test('what fails is told once', async (t) => {
  const { blobs } = await blobsIn(t)
  await t.rejects(text(blobs.createReadStream('absent')), { code: 'NOT_FOUND' })
  await t.rejects(text(blobs.createReadStream({})), TypeError)
  await t.rejects(isThere(blobs, undefined as never), TypeError)
  await t.rejects(write(blobs, { key: '\ud800' }, 'v'), { code: 'INVALID_KEY' })
  await blobs.close()
  await t.rejects(write(blobs, 'k', 'v'), { code: 'CLOSED' })
})

function write(
  blobs: LinkstoreBlobStore,
  options: Parameters<LinkstoreBlobStore['createWriteStream']>[0],
  value: string,
): Promise<BlobMetadata> {
  return new Promise((resolve, reject) => {
    const writer = blobs.createWriteStream(options, (error, blob) =>
      error === null ? resolve(blob!) : reject(error),
    )
    writer.on('error', () => undefined).end(value)
  })
}

function isThere(blobs: LinkstoreBlobStore, key: string): Promise<boolean> {
  return new Promise((resolve, reject) =>
    blobs.exists({ key }, (error, found) => (error === null ? resolve(found!) : reject(error))),
  )
}

t.teardown(() => Promise.all(opened.map((blobs) => blobs.close())))
