import t from 'tap'
import fc from 'fast-check'
import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { ObjectInfo, Store, SyncStore } from '../index.js'
import { openIn, openSyncIn } from './support/environment.js'
import { privateFiles } from './support/faces.js'
import { scratchDirectory } from './support/surroundings.js'

/** Any face of a store: what it returns is awaited. */
type Face = Pick<
  Store | SyncStore,
  'set' | 'add' | 'get' | 'has' | 'stat' | 'delete' | 'take' | 'copy' | 'rename' | 'count' | 'clear'
> & { list: Store['list'] | SyncStore['list'] }

interface Entry {
  readonly value: Buffer
  readonly writtenAtMs: number
  readonly expiresAtMs: number | undefined
  readonly contentType: string | undefined
  readonly metadata: Readonly<Record<string, string>>
}

/** What a store should be: a Map, whose entries stay when they expire but are not seen. */
class Model {
  readonly entries = new Map<string, Entry>()
  nowMs = 1_700_000_000_000

  live(key: string): Entry | undefined {
    const entry = this.entries.get(key)
    const { expiresAtMs = Infinity } = entry ?? {}
    return expiresAtMs > this.nowMs ? entry : undefined
  }

  liveKeys(): string[] {
    return [...this.entries.keys()].filter((key) => this.live(key) !== undefined).sort()
  }

  set(key: string, { value, ttlMs, contentType, metadata }: Written): void {
    const expiresAtMs = ttlMs === undefined ? undefined : this.nowMs + ttlMs
    this.entries.set(key, {
      value,
      writtenAtMs: this.nowMs,
      expiresAtMs,
      contentType,
      metadata: metadata ?? {},
    })
  }

  copy(from: string, to: string): boolean {
    const entry = this.live(from)
    if (entry === undefined) return false
    if (from !== to) this.entries.set(to, { ...entry, writtenAtMs: this.nowMs })
    return true
  }
}

interface Written {
  readonly value: Buffer
  readonly ttlMs: number | undefined
  readonly contentType: string | undefined
  readonly metadata: Record<string, string> | undefined
}

type Step =
  | { readonly verb: 'set' | 'add'; readonly key: string; readonly written: Written }
  | { readonly verb: 'get' | 'has' | 'stat' | 'delete' | 'take'; readonly key: string }
  | { readonly verb: 'copy' | 'rename'; readonly key: string; readonly to: string }
  | { readonly verb: 'wait'; readonly forMs: number }
  | { readonly verb: 'list' | 'count' | 'clear' }

const anyKey = fc.constantFrom('a', 'b', 'c', '', 'ключ/😀', '__proto__')
const anyValue = fc.oneof(
  { weight: 10, arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)) },
  // About the size where small objects become large ones, and pieces of a stream end.
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(65_300, 65_536, 262_144, 300_000), fc.nat(300), fc.nat(255))
      .map(([sizeBytes, more, fill]) => Buffer.alloc(sizeBytes + more, fill)),
  },
)
const orNothing = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq: 2 })
const written: fc.Arbitrary<Written> = fc.record({
  value: anyValue,
  ttlMs: orNothing(fc.integer({ min: 1, max: 50 })),
  contentType: orNothing(fc.string()),
  metadata: orNothing(fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true })),
})
const verbOf = <const V extends Step['verb']>(...verbs: V[]): fc.Arbitrary<V> =>
  fc.constantFrom(...verbs)
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ verb: verbOf('set', 'add'), key: anyKey, written }) },
  {
    weight: 5,
    arbitrary: fc.record({ verb: verbOf('get', 'has', 'stat', 'delete', 'take'), key: anyKey }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ verb: verbOf('copy', 'rename'), key: anyKey, to: anyKey }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ verb: verbOf('wait'), forMs: fc.integer({ max: 40, min: 1 }) }),
  },
  { weight: 1, arbitrary: fc.record({ verb: verbOf('list', 'count', 'clear') }) },
)

function described(key: string, entry: Entry | undefined): Partial<ObjectInfo> | undefined {
  if (entry === undefined) return undefined
  const { value, ...others } = entry
  return { key, sizeBytes: value.length, writtenBy: 'model', ...others }
}

function withoutVersion(info: ObjectInfo | undefined): Partial<ObjectInfo> | undefined {
  if (info === undefined) return undefined
  const { version, ...others } = info
  assert.match(version ?? '', /^[0-9a-f]{32}$/)
  return others
}

/** Does one step to a store and to the model, and compares what they say. */
async function step(face: Face, model: Model, given: Step): Promise<void> {
  switch (given.verb) {
    case 'set':
    case 'add': {
      const { key, written } = given
      const { value, ...options } = written
      const isFree = model.live(key) === undefined
      const result = await face[given.verb](key, value, options)
      if (given.verb === 'add') assert.equal(result, isFree)
      if (given.verb === 'set' || isFree) model.set(key, written)
      if (given.verb === 'set') {
        const info = withoutVersion(result as ObjectInfo)
        assert.deepEqual(info, described(key, model.entries.get(key)))
      }
      return
    }
    case 'get':
      assert.deepEqual(await face.get(given.key), model.live(given.key)?.value)
      return
    case 'has':
      assert.equal(await face.has(given.key), model.live(given.key) !== undefined)
      return
    case 'stat': {
      const info = withoutVersion(await face.stat(given.key))
      assert.deepEqual(info, described(given.key, model.live(given.key)))
      return
    }
    case 'delete':
      assert.equal(await face.delete(given.key), model.live(given.key) !== undefined)
      if (model.live(given.key) !== undefined) model.entries.delete(given.key)
      return
    case 'take':
      assert.deepEqual(await face.take(given.key), model.live(given.key)?.value)
      // An expired object goes as well: nobody can have it any more.
      model.entries.delete(given.key)
      return
    case 'copy':
    case 'rename': {
      const { key, to } = given
      assert.equal(await face[given.verb](key, to), model.copy(key, to))
      if (given.verb === 'rename' && key !== to && model.live(key)) model.entries.delete(key)
      return
    }
    case 'wait':
      model.nowMs += given.forMs
      return
    default:
      await stepThroughAll(face, model, given.verb)
  }
}

async function stepThroughAll(face: Face, model: Model, verb: 'list' | 'count' | 'clear') {
  if (verb === 'count') assert.equal(await face.count(), model.liveKeys().length)
  else if (verb === 'clear') {
    assert.equal(await face.clear(), model.entries.size)
    model.entries.clear()
  } else {
    const listed: (Partial<ObjectInfo> | undefined)[] = []
    for await (const info of face.list()) listed.push(withoutVersion(info))
    const byKey = (one: Partial<ObjectInfo>, other: Partial<ObjectInfo>): number =>
      one.key! < other.key! ? -1 : 1
    const expected = model.liveKeys().map((key) => described(key, model.live(key))!)
    assert.deepEqual((listed as Partial<ObjectInfo>[]).sort(byKey), expected.sort(byKey))
  }
}

for (const kind of ['asynchronous', 'synchronous', 'mixed'] as const) {
  await t.test(`a store is a Map with expiry, whatever is done to it (${kind})`, async (t) => {
    const scratch = await scratchDirectory(t)
    let runs = 0
    const steps = fc.array(anyStep, { minLength: 5, maxLength: 60 })
    const property = fc.asyncProperty(
      steps,
      fc.infiniteStream(fc.boolean()),
      async (steps, coin) => {
        const model = new Model()
        const environment = { host: 'model', now: () => model.nowMs }
        const root = join(scratch, String((runs += 1)))
        const options = { durability: 'none' } as const
        const store = await openIn(environment, root, options)
        const sync = openSyncIn(environment, root, options)
        try {
          for (const given of steps) {
            const isSync = kind === 'mixed' ? coin.next().value === true : kind === 'synchronous'
            await step(isSync ? sync : store, model, given)
          }
          await stepThroughAll(store, model, 'list')
          assert.deepEqual((await store.verify()).findings, [])
        } finally {
          await store.close()
          sync.close()
        }
        assert.deepEqual(privateFiles(root), [])
      },
    )
    const details = await fc.check(property, { numRuns: 60 })
    t.comment(`seed ${details.seed}`)
    t.notOk(details.failed, fc.defaultReportMessage(details) ?? 'it is')
  })
}
