import t from 'tap'
import type { Test } from 'tap'
import { readFileSync, writeFileSync } from 'node:fs'
import type { Readable } from 'node:stream'
import {
  hashKey,
  open,
  openSync,
  type Store,
  type StoreError,
  type SyncStore,
} from '../../index.js'
import { scratchDirectory } from '../support/surroundings.js'
import { asNewer, flipBit, footerBytes, objectPath } from './damage.js'

const KEY = 'user:1'
const SCRATCH_BYTES = 64 * 1024
const PIECE_BYTES = 256 * 1024

interface Bench {
  readonly root: string
  readonly store: Store
  readonly sync: SyncStore
  /** Where the object of {@link KEY} lies. */
  readonly path: string
  /** Its bytes. */
  readonly good: Buffer
}

/** A store with one object, on both of its faces. */
async function benchWith(t: Test, value: Buffer): Promise<Bench> {
  const root = await scratchDirectory(t)
  const store = await open(root, { durability: 'none' })
  const sync = openSync(root, { durability: 'none' })
  t.teardown(async () => {
    await store.close()
    sync.close()
  })
  await store.set(KEY, value, { contentType: 'text/plain', metadata: { by: 'ops' } })
  const path = objectPath(root, KEY)
  return { root, store, sync, path, good: readFileSync(path) }
}

/** What a stream delivers until it fails; undefined as error if it does not. */
async function drain(stream: Readable): Promise<{ bytes: number; error: unknown }> {
  let bytes = 0
  try {
    for await (const piece of stream) bytes += (piece as Buffer).length
    return { bytes, error: undefined }
  } catch (error) {
    return { bytes, error }
  }
}

type Outcome = readonly [what: string, ending: unknown]

/** How every way to a value ends: with its error, or what it returned. */
async function readings({ store, sync }: Bench): Promise<Outcome[]> {
  const later = async (work: () => Promise<unknown>): Promise<unknown> =>
    await work().catch((error: unknown) => error)
  const now = (work: () => unknown): unknown => {
    try {
      return work()
    } catch (error) {
      return error
    }
  }
  const { bytes, error } = await drain(store.createReadStream(KEY))
  return [
    ['get', await later(() => store.get(KEY))],
    ['bytes', await later(async () => await (await store.read(KEY))?.bytes())],
    ['stream', bytes > 0 ? `${bytes} bytes` : error],
    ['copy', await later(() => store.copy(KEY, 'copy'))],
    ['sync get', now(() => sync.get(KEY))],
    ['sync bytes', now(() => sync.read(KEY)?.bytes())],
    ['sync pieces', now(() => [...sync.read(KEY)!.pieces()])],
    ['sync copy', now(() => sync.copy(KEY, 'copy'))],
  ]
}

/** How every way to a description ends. */
async function descriptions({ store, sync }: Bench): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const verb of ['stat', 'has'] as const) {
    outcomes.push([verb, await store[verb](KEY).catch((error: unknown) => error)])
    try {
      outcomes.push([`sync ${verb}`, sync[verb](KEY)])
    } catch (error) {
      outcomes.push([`sync ${verb}`, error])
    }
  }
  return outcomes
}

/** Those that did not end with this code, about this object. */
function wrong(outcomes: readonly Outcome[], { path }: Bench, code = 'CORRUPT'): string[] {
  const isRight = (ending: unknown): boolean => {
    const error = ending as Partial<StoreError> | undefined
    if (error?.name !== 'StoreError' || error.code !== code) return false
    const { message = '' } = error
    return error.key === KEY && message.includes(hashKey(KEY)) && message.includes(path)
  }
  return outcomes.filter(([, end]) => !isRight(end)).map(([what, end]) => `${what}: ${String(end)}`)
}

await t.test('a small object with any one bit flipped is never taken for a value', async (t) => {
  const bench = await benchWith(t, Buffer.from('{"n":1}\n'))
  const { good, path } = bench
  const valueBits = 8 * (good.length - footerBytes(good))
  const found: string[] = []
  for (let bit = 0; bit < good.length * 8; bit += 1) {
    writeFileSync(path, flipBit(good, bit))
    const described = await descriptions(bench)
    const problems = wrong(await readings(bench), bench)
    if (bit >= valueBits) problems.push(...wrong(described, bench))
    else if (described.some(([, end]) => end instanceof Error)) problems.push('not described')
    found.push(...problems.map((problem) => `bit ${bit}: ${problem}`))
  }
  t.same(found, [])
  writeFileSync(path, good)
  t.same(await bench.store.get(KEY), Buffer.from('{"n":1}\n'), 'the unharmed object is read')
})

await t.test('a small object cut short at any length is never taken for a value', async (t) => {
  const bench = await benchWith(t, Buffer.from('{"n":1}\n'))
  const found: string[] = []
  for (let length = 0; length < bench.good.length; length += 1) {
    writeFileSync(bench.path, bench.good.subarray(0, length))
    const outcomes = [...(await readings(bench)), ...(await descriptions(bench))]
    found.push(...wrong(outcomes, bench).map((problem) => `length ${length}: ${problem}`))
  }
  t.same(found, [])
})

await t.test(
  'damage to a large object is noticed before its last piece is given out',
  async (t) => {
    // Smaller ones are read as a whole once the store has seen one.
    for (const sizeBytes of [2 * SCRATCH_BYTES, 300 * 1024, 2 * PIECE_BYTES]) {
      const value = Buffer.alloc(sizeBytes, 'large value ')
      const bench = await benchWith(t, value)
      const { store, sync, good, path } = bench
      const beforeLast = Math.floor((sizeBytes - 1) / PIECE_BYTES) * PIECE_BYTES
      for (const at of [0, 1, 4095, 40_000, sizeBytes - 1].filter((at) => at < sizeBytes)) {
        writeFileSync(path, flipBit(good, at * 8 + 3))
        const what = `byte ${at} of ${sizeBytes}`
        const rejected = [
          ['get', await store.get(KEY).catch((error: unknown) => error)],
          ['text', await (await store.read(KEY))!.text().catch((error: unknown) => error)],
        ] as Outcome[]
        const streams = [store.createReadStream(KEY), (await store.read(KEY))!.stream()]
        for (const stream of streams) {
          const { bytes, error } = await drain(stream)
          t.equal(bytes, beforeLast, `${what}: all but the last piece may be given out`)
          rejected.push(['stream', error])
        }
        t.throws(() => sync.get(KEY), { code: 'CORRUPT', key: KEY, path })
        let given = 0
        t.throws(() => {
          for (const piece of sync.read(KEY)!.pieces()) given += piece.length
        })
        t.equal(given, beforeLast, what)
        rejected.push(['copy', await store.copy(KEY, 'copy').catch((error: unknown) => error)])
        t.same(wrong(rejected, bench), [], what)
        t.equal(await store.has('copy'), false, 'a copy of it is not published')
        t.match(await store.stat(KEY), { sizeBytes }, 'its description is sound')
      }
    }
  },
)

await t.test(
  'a large object with a damaged footer, or cut short, is not opened at all',
  async (t) => {
    const bench = await benchWith(t, Buffer.alloc(70_000, 'large value '))
    const { good, path } = bench
    const damaged: [string, Buffer][] = []
    for (let at = good.length - footerBytes(good); at < good.length; at += 1) {
      damaged.push([`byte ${at}`, flipBit(good, at * 8 + (at & 7))])
    }
    const lengths = [
      0,
      1,
      71,
      72,
      4096,
      SCRATCH_BYTES - 1,
      SCRATCH_BYTES,
      SCRATCH_BYTES + 1,
      70_000,
    ]
    for (const length of [...lengths, good.length - 72, good.length - 8, good.length - 1]) {
      damaged.push([`length ${length}`, good.subarray(0, length)])
    }
    damaged.push(['longer', Buffer.concat([good, Buffer.from([0])])])
    damaged.push(['twice', Buffer.concat([good, good])])
    const found: string[] = []
    for (const [what, bytes] of damaged) {
      writeFileSync(path, bytes)
      const outcomes = [...(await readings(bench)), ...(await descriptions(bench))]
      found.push(...wrong(outcomes, bench).map((problem) => `${what}: ${problem}`))
    }
    t.same(found, [])
  },
)

/** Each kind of damage a small object can have, its bytes, and how it is called. */
function damages({ good, root, store }: Bench): readonly [string, () => Promise<Buffer>, string][] {
  const otherObject = async (): Promise<Buffer> => {
    await store.set('other', 'another value')
    return readFileSync(objectPath(root, 'other'))
  }
  const bytes = (given: Buffer) => (): Promise<Buffer> => Promise.resolve(given)
  return [
    ['empty', bytes(Buffer.alloc(0)), 'CORRUPT'],
    ['cut short', bytes(good.subarray(0, -5)), 'CORRUPT'],
    ['flipped in its value', bytes(flipBit(good, 0)), 'CORRUPT'],
    ['flipped in its footer', bytes(flipBit(good, 8 * good.length - 400)), 'CORRUPT'],
    ['followed by others', bytes(Buffer.concat([good, Buffer.from('\n')])), 'CORRUPT'],
    ['there twice', bytes(Buffer.concat([good, good])), 'CORRUPT'],
    ["another key's", otherObject, 'CORRUPT'],
    ['newer', bytes(asNewer(good)), 'FORMAT_UNSUPPORTED'],
  ]
}

await t.test('a damaged object is reported, and can be replaced and removed', async (t) => {
  for (const mayExpire of [false, true]) {
    const bench = await benchWith(t, Buffer.from('a value'))
    const { store, sync, path, root } = bench
    if (mayExpire) await store.set('session', 'value', { ttlMs: 3_600_000 })
    for (const [what, bytesOf, code] of damages(bench)) {
      const harm = async (): Promise<Buffer> => {
        const bytes = await bytesOf()
        writeFileSync(path, bytes)
        return bytes
      }
      const bytes = await harm()
      t.same(wrong(await readings(bench), bench, code), [], what)
      if (what !== 'flipped in its value') {
        t.same(wrong(await descriptions(bench), bench, code), [], what)
      }
      for (const { findings } of [await store.verify(), sync.verify()]) {
        t.match(findings, [{ kind: 'corrupt', path, hash: hashKey(KEY), reason: path }])
        t.equal(findings.length, 1)
      }
      await t.rejects(store.take(KEY), { code, key: KEY })
      t.throws(() => sync.take(KEY), { code, key: KEY })
      t.same(readFileSync(path), bytes, `${what}: take puts it back`)
      t.equal(await store.delete(KEY), true, `${what}: it is deleted`)
      t.equal(await store.get(KEY), undefined)
      await harm()
      t.equal(sync.delete(KEY), true)
      t.equal(sync.get(KEY), undefined)
      for (const set of [store, sync]) {
        await harm()
        await set.set(KEY, 'new')
        t.same(await store.get(KEY), Buffer.from('new'), `${what}: it is replaced`)
      }
      await harm()
      t.ok((await store.clear()) >= 1, `${what}: it is cleared`)
      t.equal(await store.count(), 0)
      if (mayExpire) await store.set('session', 'value', { ttlMs: 3_600_000 })
    }
    t.same(await store.verify().then(({ findings }) => findings), [], root)
  }
})

await t.test('a damaged object hides no other from a listing', async (t) => {
  const bench = await benchWith(t, Buffer.from('a value'))
  const { store, sync, path, good } = bench
  const others = Array.from({ length: 20 }, (_, n) => `other ${n}`).sort()
  for (const key of others) await store.set(key, key)
  writeFileSync(path, flipBit(good, 8 * good.length - 1))
  const listed: string[] = []
  await t.rejects(
    async () => {
      for await (const key of store.keys()) listed.push(key)
    },
    { code: 'CORRUPT', path },
  )
  t.same(listed.sort(), others)
  listed.length = 0
  t.throws(
    () => {
      for (const key of sync.keys()) listed.push(key)
    },
    { code: 'CORRUPT', path },
  )
  t.same(listed.sort(), others)
  t.equal(await store.count(), others.length + 1)
})
