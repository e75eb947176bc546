import { createServer, request as httpRequest } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { ERRORS, Server, Upload } from '@tus/server'
import t, { type Test } from 'tap'
import { open } from '../../index.js'
import { LinkstoreTusStore, type LinkstoreTusOptions } from '../../lib/adapters/tus.js'
import { privateFiles } from '../support/faces.js'
import { scratchDirectory } from '../support/surroundings.js'

const VERSION = { 'tus-resumable': '1.0.0' }
const TYPE = { 'content-type': 'application/offset+octet-stream' }

async function uploadsIn(
  t: Test,
  options: Partial<LinkstoreTusOptions> = {},
): Promise<{ root: string; uploads: LinkstoreTusStore }> {
  const root = `${await scratchDirectory(t)}/store`
  const uploads = new LinkstoreTusStore({ store: root, durability: 'none', ...options })
  t.teardown(() => uploads.close())
  return { root, uploads }
}

async function serve(t: Test, datastore: LinkstoreTusStore): Promise<string> {
  const tus = new Server({ path: '/files', datastore })
  const server = createServer((request, response) => void tus.handle(request, response)).listen(0)
  t.teardown(() => server.close())
  await once(server, 'listening')
  return `http://localhost:${(server.address() as AddressInfo).port}/files`
}

const piecesOf = (...pieces: readonly string[]): Readable =>
  Readable.from(pieces.map((piece) => Buffer.from(piece)))

async function patch(url: string, offset: number, body: string): Promise<number> {
  const headers = { ...VERSION, ...TYPE, 'upload-offset': String(offset) }
  return (await fetch(url, { method: 'PATCH', headers, body })).status
}

async function offsetOf(url: string): Promise<number> {
  const { headers } = await fetch(url, { method: 'HEAD', headers: VERSION })
  return Number(headers.get('upload-offset'))
}

await t.test('two servers take turns on one upload', async (t) => {
  const root = `${await scratchDirectory(t)}/store`
  const stores = [1, 2].map(() => new LinkstoreTusStore({ store: root, durability: 'none' }))
  t.teardown(() => Promise.all(stores.map((store) => store.close())))
  const urls = await Promise.all(stores.map((store) => serve(t, store)))
  const letters = Array.from('abcdefghijklmnopqrstuvwxyz')
  const headers = {
    ...VERSION,
    'upload-length': String(letters.length * 1000),
    'upload-metadata': `name ${Buffer.from('film').toString('base64')}`,
  }
  const made = await fetch(urls[0]!, { method: 'POST', headers })
  t.equal(made.status, 201)
  const id = made.headers.get('location')!.split('/').at(-1)!
  for (const [index, letter] of letters.entries()) {
    const url = `${urls[index % 2]!}/${id}`
    t.equal(await offsetOf(url), index * 1000)
    t.equal(await patch(url, index * 1000, letter.repeat(1000)), 204)
    t.equal(await patch(`${urls[(index + 1) % 2]!}/${id}`, 0, 'again'), 409)
  }
  t.equal(await text(stores[1]!.read(id)), letters.map((letter) => letter.repeat(1000)).join(''))
  t.match(await stores[1]!.getUpload(id), {
    size: 26_000,
    offset: 26_000,
    metadata: { name: 'film' },
  })
  t.equal((await fetch(`${urls[1]!}/${id}`, { method: 'DELETE', headers: VERSION })).status, 204)
  t.equal((await fetch(`${urls[0]!}/${id}`, { method: 'HEAD', headers: VERSION })).status, 404)
  await using store = await open(root)
  t.equal(await store.count(), 0)
})

await t.test('what arrived before the connection broke is kept', async (t) => {
  const { root, uploads } = await uploadsIn(t)
  const url = await serve(t, uploads)
  const headers = { ...VERSION, 'upload-length': '11' }
  const made = await fetch(url, { method: 'POST', headers })
  const upload = made.headers.get('location')!
  const { hostname, port, pathname } = new URL(upload)
  const broken = httpRequest({
    ...{ method: 'PATCH', hostname, port, path: pathname },
    headers: { ...VERSION, ...TYPE, 'upload-offset': '0', 'content-length': '11' },
  }).on('error', () => undefined)
  await new Promise((resolve) => broken.write('Hello ', resolve))
  await sleep(100)
  broken.destroy()
  for (let tries = 0; tries < 200 && (await offsetOf(upload)) === 0; tries += 1) await sleep(20)
  t.equal(await offsetOf(upload), 6)
  t.equal(await patch(upload, 6, 'World'), 204)
  t.equal(await text(uploads.read(upload.split('/').at(-1)!)), 'Hello World')
  await uploads.close()
  t.same(privateFiles(root), [])
})

await t.test('a source that fails is told, and what it gave is kept', async (t) => {
  const { uploads } = await uploadsIn(t)
  await uploads.create(new Upload({ id: 'u', offset: 0, size: 10 }))
  const failing = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.from('abc')
    throw new Error('the disk of the client broke')
  }
  await t.rejects(uploads.write(Readable.from(failing()), 'u', 0), /the disk of the client/)
  t.equal((await uploads.getUpload('u')).offset, 3)
  const never = async function* (): AsyncGenerator<Buffer> {
    yield* []
    throw new Error('it never began')
  }
  await t.rejects(uploads.write(Readable.from(never()), 'u', 3), /it never began/)
  t.equal(await uploads.write(piecesOf(), 'u', 3), 3, 'nothing is no failure')
  t.equal(await uploads.write(piecesOf('d', 'ef'), 'u', 3), 6)
  t.equal(await text(uploads.read('u')), 'abcdef')
})

await t.test('of many that go on at the same place one wins', async (t) => {
  const { uploads } = await uploadsIn(t)
  await uploads.create(new Upload({ id: 'u', offset: 0, size: 100 }))
  let expected = ''
  for (let round = 0; round < 10; round += 1) {
    const pieces = Array.from('0123456789').map((digit) => `${round}${digit};`)
    const offset = expected.length
    const writes = pieces.map((piece) => uploads.write(piecesOf(piece), 'u', offset))
    const ends = await Promise.allSettled(writes)
    const won = ends.flatMap(({ status }, index) => (status === 'fulfilled' ? [index] : []))
    t.equal(won.length, 1)
    for (const end of ends)
      if (end.status === 'rejected') t.equal(end.reason, ERRORS.INVALID_OFFSET)
    expected += pieces[won[0]!]!
    t.equal((await uploads.getUpload('u')).offset, expected.length)
  }
  t.equal(await text(uploads.read('u')), expected)
})

await t.test('a length that is told later, and what is not there', async (t) => {
  const { uploads } = await uploadsIn(t)
  await uploads.create(new Upload({ id: 'u', offset: 0 }))
  t.equal((await uploads.getUpload('u')).sizeIsDeferred, true)
  await uploads.write(piecesOf('abc'), 'u', 0)
  await uploads.declareUploadLength('u', 3)
  t.match(await uploads.getUpload('u'), { size: 3, offset: 3, sizeIsDeferred: false })
  for (const call of [
    () => uploads.getUpload('absent'),
    () => uploads.write(piecesOf('a'), 'absent', 0),
    () => uploads.remove('absent'),
    () => uploads.declareUploadLength('absent', 1),
    () => text(uploads.read('absent')),
  ]) {
    const error = await call().then(
      () => undefined,
      (error: unknown) => error,
    )
    t.equal(error, ERRORS.FILE_NOT_FOUND)
  }
})

await t.test('what was given up is removed, and nothing that is complete', async (t) => {
  const { root, uploads } = await uploadsIn(t, { expirationMs: 2000 })
  await uploads.create(new Upload({ id: 'given up', offset: 0, size: 10 }))
  await uploads.write(piecesOf('abc'), 'given up', 0)
  await uploads.create(new Upload({ id: 'complete', offset: 0, size: 3 }))
  await uploads.write(piecesOf('abc'), 'complete', 0)
  t.equal(await uploads.deleteExpired(), 0)
  await sleep(2100)
  await uploads.create(new Upload({ id: 'new', offset: 0, size: 3 }))
  t.equal(await uploads.deleteExpired(), 1)
  t.equal((await uploads.getUpload('complete')).offset, 3)
  t.equal((await uploads.getUpload('new')).offset, 0)
  await using store = await open(root)
  t.equal(await store.count(), 3)
  const others = Array.from('abcdefghij')
  for (const id of others) await uploads.create(new Upload({ id, offset: 0, size: 3 }))
  await sleep(60)
  const cleaning = [1, 2, 3].map(() =>
    new LinkstoreTusStore({ store, expirationMs: 50 }).deleteExpired(),
  )
  const removed = (await Promise.all(cleaning)).reduce((sum, count) => sum + count)
  t.ok(removed >= others.length, 'several clean up at once')
  t.equal((await uploads.getUpload('complete')).offset, 3)
  const endless = new LinkstoreTusStore({ store })
  t.equal(await endless.deleteExpired(), 0)
})
