import t from 'tap'
import fc from 'fast-check'
import { createHash } from 'node:crypto'
import {
  hashKey,
  isObjectName,
  isShardName,
  MAX_KEY_BYTES,
  splitHash,
  toObjectKey,
} from '../lib/key.js'

const anyKey = fc.string({ unit: 'binary', maxLength: 200 }).filter((key) => key.isWellFormed())

await t.test('the hash of a key is SHA-256 of its UTF-8, and says where it lies', async (t) => {
  fc.assert(
    fc.property(anyKey, (key) => {
      const expected = createHash('sha256').update(Buffer.from(key, 'utf8')).digest('hex')
      const { text, hash, sizeBytes } = toObjectKey(key)
      const [outer, inner, rest] = splitHash(hash)
      return (
        hash === expected &&
        hashKey(key) === expected &&
        text === key &&
        sizeBytes === Buffer.from(key).length &&
        isShardName(outer) &&
        isShardName(inner) &&
        isObjectName(rest) &&
        outer + inner + rest === expected
      )
    }),
  )
  const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
  t.same(splitHash(toObjectKey('').hash), ['e3', 'b0', empty.slice(4)])
})

await t.test('a key may have 64 KiB of UTF-8 and no more, however few characters', async (t) => {
  t.equal(MAX_KEY_BYTES, 65_536)
  t.equal(toObjectKey('k'.repeat(MAX_KEY_BYTES)).sizeBytes, MAX_KEY_BYTES)
  t.equal(toObjectKey('😀'.repeat(MAX_KEY_BYTES / 4)).sizeBytes, MAX_KEY_BYTES)
  for (const key of ['k'.repeat(MAX_KEY_BYTES + 1), `${'é'.repeat(MAX_KEY_BYTES / 2)}k`]) {
    t.throws(() => toObjectKey(key), { name: 'StoreError', code: 'INVALID_KEY' })
  }
})

await t.test('lone surrogates are refused wherever they stand', async (t) => {
  const surrogate = fc.integer({ min: 0xd800, max: 0xdfff }).map((c) => String.fromCharCode(c))
  fc.assert(
    fc.property(anyKey, surrogate, anyKey, (before, lone, after) => {
      try {
        toObjectKey(before + lone + after)
        return false
      } catch (error) {
        return (error as { code?: string }).code === 'INVALID_KEY'
      }
    }),
  )
  t.throws(() => toObjectKey('\ud83d'), { code: 'INVALID_KEY', key: '\ud83d' })
  t.equal(toObjectKey('\ud83d\ude00').sizeBytes, 4, 'a pair is no lone surrogate')
})

await t.test('what is no string is no key', async (t) => {
  const others = [undefined, null, 0, 1n, true, Symbol('k'), [], {}, ['k'], Buffer.from('k')]
  for (const key of others) t.throws(() => toObjectKey(key), TypeError)
  t.throws(() => toObjectKey(new String('k')), TypeError)
})

await t.test('only what the store itself makes looks like a shard or an object', async (t) => {
  for (const name of ['00', 'ff', 'a9']) t.equal(isShardName(name), true, name)
  for (const name of ['', 'a', 'AA', 'g0', '000', '..', 'aa\n', '.nfs']) {
    t.equal(isShardName(name), false, JSON.stringify(name))
  }
  const digits = 'a1'.repeat(30)
  t.equal(isObjectName(digits), true)
  for (const name of [digits.slice(1), `${digits}0`, digits.toUpperCase(), `${digits}\n`, 'x']) {
    t.equal(isObjectName(name), false, JSON.stringify(name))
  }
})
