import { Readable } from 'node:stream'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import t from 'tap'
import { directoryStore, Store, StoreError } from '../../index.js'
import { memoryStore } from '../../lib/backends/memory.js'
import { withCompression, type Algorithm } from '../../lib/layers/compressed.js'
import type { ObjectStore, StoredObject } from '../../index.js'
import { gather, pattern } from '../conformance/support.js'
import { scratchDirectory } from '../support/surroundings.js'

const FRAME_BYTES = 256 * 1024
const isOld = !('zstdCompress' in (await import('node:zlib')))
const algorithms: readonly Algorithm[] = isOld ? ['brotli', 'gzip'] : ['brotli', 'gzip', 'zstd']

/** Text of so many bytes that can be compressed, but is nowhere the same. */
function text(sizeBytes: number): Buffer {
  const lines: string[] = []
  for (let length = 0; length < sizeBytes; length += lines.at(-1)!.length) {
    lines.push(`line ${lines.length} of a text that repeats itself\n`)
  }
  return Buffer.from(lines.join('')).subarray(0, sizeBytes)
}

/** A store that counts the bytes which are read from it. */
function counting(inner: ObjectStore): { store: ObjectStore; readBytes: () => number } {
  let readBytes = 0
  const counted = (object: StoredObject): StoredObject => {
    const stream = object.stream.bind(object)
    object.stream = (range) =>
      stream(range)
        .on('data', (piece: Buffer) => void (readBytes += piece.length))
        .pause()
    return object
  }
  const store: ObjectStore = {
    supports: inner.supports,
    read: async (key, options) => {
      const object = await inner.read(key, options)
      return object === undefined ? undefined : counted(object)
    },
    stat: (key, options) => inner.stat(key, options),
    write: (key, body, options) => inner.write(key, body, options),
    remove: (key, options) => inner.remove(key, options),
    take: (key, options) => inner.take(key, options),
    list: (options) => inner.list(options),
    close: () => inner.close(),
  }
  return { store, readBytes: () => readBytes }
}

for (const algorithm of algorithms) {
  await t.test(`${algorithm} makes values smaller, however they come`, async (t) => {
    const inner = memoryStore()
    const store = withCompression(inner, { algorithm })
    for (const sizeBytes of [1000, FRAME_BYTES - 1, FRAME_BYTES, FRAME_BYTES + 1, 1_000_000]) {
      const value = text(sizeBytes)
      for (const body of [value, Readable.from([value.subarray(0, 9), value.subarray(9)])]) {
        const written = await store.write('k', body, { contentType: 'text/plain' })
        t.equal(written.sizeBytes, sizeBytes)
        t.same(await store.stat('k'), written)
        t.ok((await inner.stat('k'))!.sizeBytes < sizeBytes / 2)
        const object = await store.read('k')
        t.ok(value.equals(await object!.bytes()))
        await object!.close()
      }
    }
  })
}

await t.test(
  'what gains nothing is stored as it is, and what lies there already read',
  async (t) => {
    const inner = memoryStore()
    const store = new Store(withCompression(inner))
    for (const value of [text(255), pattern(100_000)]) {
      await store.set('k', value)
      t.same(await new Store(inner).get('k'), value)
      t.same(await store.get('k'), value)
    }
    await inner.write('plain', 'as it always was', { metadata: { a: 'b' } })
    t.equal(String(await store.get('plain')), 'as it always was')
    t.same((await store.stat('plain'))?.metadata, { a: 'b' })

    // A stream is compressed as it comes; of it, too, no frame becomes larger.
    const noise = pattern(3 * FRAME_BYTES)
    await store.set('noise', Readable.from([noise]))
    t.ok((await inner.stat('noise'))!.sizeBytes < noise.length + 100)
    t.ok(noise.equals((await store.get('noise'))!))
  },
)

await t.test('a range expands the frames that it is in, and no other', async (t) => {
  const { store: inner, readBytes } = counting(memoryStore())
  const store = withCompression(inner, { algorithm: 'gzip' })
  const value = pattern(20 * FRAME_BYTES)
  await store.write('k', Readable.from([value]))
  const object = await store.read('k')
  const before = readBytes()
  const ranges = [
    [0, 0],
    [FRAME_BYTES - 1, FRAME_BYTES],
    [7 * FRAME_BYTES + 5, 7 * FRAME_BYTES + 9],
    [value.length - 1, value.length - 1],
  ] as const
  for (const [start, end] of ranges) {
    const found = await gather(object!.stream({ start, end }))
    t.ok(found.equals(value.subarray(start, end + 1)))
  }
  const tenthOfAll = value.length / 10
  t.ok(readBytes() - before < 4 * tenthOfAll, `${readBytes() - before} bytes`)
  const abandoned = object!.stream()
  for await (const piece of abandoned) {
    t.ok(piece)
    break
  }
  await object!.close()
})

await t.test('damage, in any byte, is told, and nothing wrong given out', async (t) => {
  const value = Buffer.concat([Buffer.alloc(FRAME_BYTES, 'again '), pattern(300), text(800)])
  for (const algorithm of algorithms) {
    const inner = memoryStore()
    const store = new Store(withCompression(inner, { algorithm, minBytes: 0 }))
    await store.set('k', Readable.from([value]))
    const { metadata } = (await inner.stat('k'))!
    const stored = (await new Store(inner).get('k'))!
    const damages: Buffer[] = [...stored.keys()].map((at) => {
      const damage = Buffer.from(stored)
      damage.writeUInt8(damage.readUInt8(at) ^ 0x41, at)
      return damage
    })
    for (const sizeBytes of [0, 1, 19, 20, 21, stored.length - 1]) {
      damages.push(stored.subarray(0, sizeBytes), stored.subarray(stored.length - sizeBytes))
    }
    damages.push(Buffer.concat([stored, stored]), Buffer.concat([stored, Buffer.alloc(20)]))
    const wrong: unknown[] = []
    let harmless = 0
    for (const damage of damages) {
      await inner.write('k', damage, { metadata })
      const found = await store.get('k').catch((error: unknown) => error)
      if (found instanceof StoreError && found.code === 'CORRUPT' && found.key === 'k') continue
      // A header of gzip has bytes that say nothing of the value.
      if (found instanceof Buffer && found.equals(value)) harmless += 1
      else wrong.push(found)
    }
    t.same(wrong, [])
    t.ok(harmless < 50, `${harmless} of ${damages.length} do no harm`)
  }
})

await t.test('what cannot be read, or kept, is told', async (t) => {
  const inner = memoryStore()
  const store = withCompression(inner)
  for (const mark of ['lzma 5', 'brotli five', '', 'brotli 1 2']) {
    await inner.write('k', 'value', { metadata: { 'linkstore-compressed': mark } })
    await t.rejects(store.read('k'), { code: 'FORMAT_UNSUPPORTED' })
    await t.rejects(store.stat('k'), { code: 'FORMAT_UNSUPPORTED', key: 'k' })
  }
  const metadata = { 'linkstore-compressed': 'mine' }
  await t.rejects(store.write('k', 'value', { metadata }), TypeError)
  const raw = await directoryStore(`${await scratchDirectory(t)}/store`, { format: 'raw' })
  t.throws(() => withCompression(raw), { code: 'NOT_SUPPORTED' })
  await raw.close()
  if (isOld)
    t.throws(() => withCompression(inner, { algorithm: 'zstd' }), { code: 'NOT_SUPPORTED' })
  t.throws(() => withCompression(inner, { algorithm: 'lzma' as never }), TypeError)
  t.throws(() => withCompression(inner, { level: 12 }), RangeError)
  t.throws(() => withCompression(inner, { level: 0, algorithm: 'gzip' }), RangeError)
  t.throws(() => withCompression(inner, { minBytes: -1 }), RangeError)
  t.throws(() => withCompression(inner, { speed: 1 } as never), TypeError)
})

await t.test('the levels of an algorithm are its own', async (t) => {
  const value = text(100_000)
  const sizes = { brotli: brotliCompressSync(value).length, gzip: gzipSync(value).length }
  for (const [algorithm, sizeBytes] of Object.entries(sizes)) {
    const inner = memoryStore()
    const level = algorithm === 'brotli' ? 11 : 6
    await withCompression(inner, { algorithm: algorithm as Algorithm, level }).write('k', value)
    t.equal((await inner.stat('k'))!.sizeBytes, sizeBytes + 28)
  }
})

await t.test('a large stream passes through little memory', async (t) => {
  const store = withCompression(await directoryStore(`${await scratchDirectory(t)}/store`), {
    level: 0,
  })
  const piece = text(1024 * 1024)
  let mostBytes = 0
  const before = process.memoryUsage().arrayBuffers
  const pieces = async function* (): AsyncGenerator<Buffer> {
    for (let index = 0; index < 200; index += 1) {
      mostBytes = Math.max(mostBytes, process.memoryUsage().arrayBuffers - before)
      yield piece
    }
  }
  await store.write('k', pieces())
  const object = await store.read('k')
  let length = 0
  for await (const part of object!.stream()) {
    mostBytes = Math.max(mostBytes, process.memoryUsage().arrayBuffers - before)
    length += (part as Buffer).length
  }
  t.equal(length, 200 * piece.length)
  t.ok(mostBytes < 64 * 1024 * 1024, `${mostBytes} bytes at most`)
  await object!.close()
  await store.close()
})
