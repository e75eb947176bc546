import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { ReadableStream } from 'node:stream/web'
import type { Body } from '../../index.js'
import type { ConformanceTest } from './index.js'
import { pattern, valueOf } from './support.js'

/** Sizes around every border that an implementation may have. */
const SIZES = [0, 1, 2, 4095, 4096, 65_000, 65_535, 65_536, 65_537, 262_144, 262_145, 1_000_003]

/** Keys that a file system would treat in its own way. */
const KEYS = [
  '',
  ' ',
  'a',
  'A',
  'a/b',
  'a/b/c',
  'a/',
  '/',
  '//',
  '.',
  '..',
  '../../etc/passwd',
  'linkstore.json',
  '.tmp',
  '__proto__',
  'constructor',
  'key\0with\0nul',
  'line\nbreak\u001b[31m',
  'ä',
  'a\u0308',
  '日本語',
  '🦊',
]

function* chunksOf(bytes: Uint8Array, sizeBytes: number): Generator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += sizeBytes) yield bytes.subarray(i, i + sizeBytes)
}

async function* slowly(pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    await new Promise((resolve) => setImmediate(resolve))
    yield piece
  }
}

function bodiesOf(bytes: Buffer): Record<string, Body> {
  const exact = Uint8Array.from(bytes)
  const pieces = (): Generator<Uint8Array> => chunksOf(bytes, 7001)
  return {
    Buffer: bytes,
    Uint8Array: exact,
    ArrayBuffer: exact.buffer,
    DataView: new DataView(exact.buffer) as unknown as Uint8Array,
    'part of a buffer': Buffer.concat([Buffer.alloc(3), bytes, Buffer.alloc(3)]).subarray(3, -3),
    Blob: new Blob([exact]),
    Readable: Readable.from(pieces(), { objectMode: false }),
    ReadableStream: ReadableStream.from<Uint8Array>(pieces()),
    AsyncIterable: slowly(pieces()),
    Iterable: [...pieces()],
  }
}

export const values: readonly ConformanceTest[] = [
  {
    name: 'a value of any size comes back byte for byte',
    async run(subject) {
      const store = await subject.open()
      for (const sizeBytes of SIZES) {
        const value = pattern(sizeBytes)
        const written = await store.write('k', value)
        assert.equal(written.sizeBytes, sizeBytes)
        assert.deepEqual(await valueOf(store, 'k'), value, `${sizeBytes} bytes`)
        assert.equal((await store.stat('k'))?.sizeBytes, sizeBytes)
      }
    },
  },
  {
    name: 'a value can be given in every form a body may have',
    async run(subject) {
      const store = await subject.open()
      for (const sizeBytes of [0, 10, 100_000, 700_000]) {
        const value = pattern(sizeBytes)
        for (const [form, body] of Object.entries(bodiesOf(value))) {
          await store.write(form, body)
          assert.deepEqual(await valueOf(store, form), value, `${sizeBytes} bytes as ${form}`)
        }
      }
    },
  },
  {
    name: 'text is stored as UTF-8',
    async run(subject) {
      const store = await subject.open()
      const text = 'grün, 日本語, 🦊\u0000\u001b'
      await store.write('k', text)
      assert.deepEqual(await valueOf(store, 'k'), Buffer.from(text))
      await store.write('k', ['one ', 'zwölf'] as unknown as Body)
      assert.deepEqual(await valueOf(store, 'k'), Buffer.from('one zwölf'))
    },
  },
  {
    name: 'any well-formed key is a key of its own, up to the longest',
    async run(subject, { maxKeyBytes }) {
      const store = await subject.open()
      const keys = [...KEYS, 'x'.repeat(maxKeyBytes)]
      for (const [index, key] of keys.entries()) await store.write(key, `value ${index}`)
      for (const [index, key] of keys.entries()) {
        assert.equal(String(await valueOf(store, key)), `value ${index}`)
        assert.equal((await store.stat(key))?.key, key)
      }
    },
  },
  {
    name: 'a value may be changed by its owner once it is stored',
    async run(subject) {
      const store = await subject.open()
      const value = pattern(100_000)
      const kept = Buffer.from(value)
      await store.write('k', value)
      value.fill(0)
      const first = await valueOf(store, 'k')
      assert.deepEqual(first, kept)
      first?.fill(1)
      assert.deepEqual(await valueOf(store, 'k'), kept)
    },
  },
]
