import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { type ObjectInfo, type ObjectStore, type Supports } from '../../index.js'
import { memoryStore } from '../../lib/backends/memory.js'
import { withCache } from '../../lib/layers/cached.js'
import { withCompression } from '../../lib/layers/compressed.js'
import { withLimits } from '../../lib/layers/limited.js'
import { withNamespace } from '../../lib/layers/namespaced.js'
import { withRetries } from '../../lib/layers/retrying.js'
import { createKeyring, generateIdentity, withSeal } from '../../lib/layers/sealed.js'
import { withTiers } from '../../lib/layers/tiered.js'
import { withTrace } from '../../lib/layers/traced.js'
import { withCodec, withIndex } from '../../lib/layers/typed.js'
import { asBytes, bytesCodec } from '../typed-adapter.js'

type Layer = (inner: ObjectStore) => ObjectStore | Promise<ObjectStore>

const PAGE = new URL('../../docs/layers.md', import.meta.url)
const identity = generateIdentity()

async function sealed(inner: ObjectStore): Promise<ObjectStore> {
  await createKeyring(inner, { identity })
  return withSeal(inner, { identity })
}

/** What can be put over any store. */
const ANYWHERE: Readonly<Record<string, Layer>> = {
  withTrace: (inner) => withTrace(inner, { name: 'orders' }),
  withCompression: (inner) => withCompression(inner, { minBytes: 0 }),
  withSeal: sealed,
  withCache: (inner) => withCache(inner, { cache: memoryStore() }),
  withTiers: (inner) => withTiers(inner, { large: memoryStore(), thresholdBytes: 1000 }),
  withNamespace: (inner) => withNamespace(inner, 'a/b'),
  withRetries: (inner) => withRetries(inner),
  withLimits: (inner) => withLimits(inner, { inFlight: 4 }),
}

/** What gives other values than bytes, so that nothing can be put over it. */
const ON_TOP: Readonly<Record<string, Layer>> = {
  withCodec: (inner) => asBytes(withCodec(inner, bytesCodec)),
  withIndex: (inner) =>
    asBytes(withIndex(withCodec(inner, bytesCodec), { first: ([byte]) => byte })),
}

/** What a layer asks of the store below, by the table of the page. */
const NEEDS: Readonly<Record<string, readonly (keyof Supports)[]>> = {
  withCompression: ['metadata'],
  withTiers: ['metadata', 'list'],
  withIndex: ['conditions', 'list'],
}
const ABILITIES = ['metadata', 'conditions', 'list', 'expiry'] as const

/** What leaves a mark on what it stores, by which it knows it again, and so is there once only. */
const ONCE = ['withCompression', 'withTiers']

/** Layers from the top to the bottom, over a store in memory. */
async function stacked(layers: readonly Layer[]): Promise<ObjectStore> {
  let store: ObjectStore = memoryStore()
  for (const layer of layers.toReversed()) store = await layer(store)
  return store
}

async function all(infos: AsyncIterable<ObjectInfo>): Promise<ObjectInfo[]> {
  const found: ObjectInfo[] = []
  for await (const info of infos) found.push(info)
  return found.sort((one, other) => (one.key < other.key ? -1 : 1))
}

/** That a store does what every store does, and knows what it can. */
async function tryOut(t: Test, store: ObjectStore, name: string): Promise<void> {
  const value = Buffer.from('a value, and another value, and one more value')
  const large = Buffer.alloc(300_000, 'large ')
  const options = { metadata: { from: 'here' }, contentType: 'text/plain', ttlMs: 60_000 }
  const longest = 'x'.repeat(store.supports.maxKeyBytes)
  const written = await store.write('k', value, options)
  await store.write('large', large)
  await store.write(longest, '')
  await t.rejects(store.write(`${longest}x`, ''), { code: 'INVALID_KEY' }, name)
  await t.rejects(store.write('k', '', { ifAbsent: true }), { code: 'PRECONDITION_FAILED' }, name)
  t.same(await store.stat('k'), written, name)
  t.match(written, { key: 'k', sizeBytes: value.length, contentType: 'text/plain' }, name)
  t.same(written.metadata, options.metadata, name)
  const object = (await store.read('large'))!
  const part: Buffer[] = []
  for await (const piece of object.stream({ start: 150_000, end: 150_009 }))
    part.push(piece as Buffer)
  t.same(Buffer.concat(part), large.subarray(150_000, 150_010), name)
  t.same(await object.bytes(), large, name)
  await object.close()
  t.same(
    (await all(store.list())).map(({ key, sizeBytes }) => [key, sizeBytes]),
    [
      ['k', value.length],
      ['large', large.length],
      [longest, 0],
    ],
    name,
  )
  const { version } = written
  await store.write('k', 'newer', { ifVersion: version })
  await t.rejects(store.remove('k', { ifVersion: version }), { code: 'PRECONDITION_FAILED' }, name)
  const taken = (await store.take('k'))!
  t.equal(await taken.text(), 'newer', name)
  await taken.close()
  t.equal(await store.remove('k'), false, name)
  t.equal(await store.remove('large'), true, name)
  t.equal(await store.read('large'), undefined, name)
  await store.close()
  await t.rejects(store.stat('k'), { code: 'CLOSED' }, name)
}

await t.test('any two layers can be put over each other, either way round', async (t) => {
  for (const [upper, above] of Object.entries({ ...ON_TOP, ...ANYWHERE })) {
    for (const [lower, below] of Object.entries(ANYWHERE)) {
      const store = await stacked([above, below])
      if (upper !== lower || !ONCE.includes(upper)) await tryOut(t, store, `${upper} over ${lower}`)
      else await t.rejects(store.write('k', Buffer.alloc(9999)), TypeError, `${upper} twice`)
    }
  }
})

await t.test('so can all of them at once, in the order of the page and in others', async (t) => {
  const names = Object.keys(ANYWHERE)
  const orders = [names, names.toReversed(), names.toSorted(() => Math.random() - 0.5)]
  for (const order of orders) {
    const layers = order.map((name) => ANYWHERE[name]!)
    for (const [upper, above] of Object.entries(ON_TOP)) {
      await tryOut(t, await stacked([above, ...layers]), `${upper} over ${order.join(' over ')}`)
    }
  }
})

await t.test('the large one of two tiers can be tiers again', async (t) => {
  const large = withTiers(memoryStore(), { large: memoryStore(), thresholdBytes: 100_000 })
  const tiers = withTiers(memoryStore(), { large, thresholdBytes: 10 })
  await tryOut(t, tiers, 'three tiers')
})

await t.test(
  'a cache over a store without versions must say how long values are fresh',
  async (t) => {
    const inner = without('versions')
    t.throws(() => withCache(inner, { cache: memoryStore() }), RangeError)
    t.ok(withCache(inner, { cache: memoryStore(), freshMs: 1 }))
  },
)

await t.test('the picture of the architecture has every layer and every backend', async (t) => {
  const root = new URL('../../', import.meta.url)
  const picture = readFileSync(new URL('docs/design/architecture.svg', root), 'utf8')
  const manifest = readFileSync(new URL('package.json', root), 'utf8')
  const parts = [...manifest.matchAll(/dist\/lib\/(?:layers|backends)\/([a-z0-9]+)\.d\.ts/g)]
  t.ok(parts.length > 8)
  for (const [, name = ''] of parts) t.ok(picture.includes(`>${name}</text>`), name)
})

/** A store in memory that says it cannot do something. */
function without(ability: keyof Supports): ObjectStore {
  const inner = memoryStore()
  return {
    supports: { ...inner.supports, [ability]: false },
    read: (...call) => inner.read(...call),
    stat: (...call) => inner.stat(...call),
    write: (...call) => inner.write(...call),
    remove: (...call) => inner.remove(...call),
    take: (...call) => inner.take(...call),
    list: (...call) => inner.list(...call),
    close: () => inner.close(),
  }
}

await t.test('what a layer needs below is asked for at once, and the page says it', async (t) => {
  const page = readFileSync(PAGE, 'utf8')
  const rows = [...page.matchAll(/^\| `(with\w+)` \| ([^|]*) \| [^|]* \|$/gm)]
  t.same(
    rows.map(([, name]) => name),
    [...Object.keys(ON_TOP), ...Object.keys(ANYWHERE)],
    'the page has the layers in the order of this test',
  )
  for (const [, name = '', needs = ''] of rows) {
    const wanted = NEEDS[name] ?? []
    const said = [...needs.matchAll(/`(\w+)`/g)].map(([, ability]) => ability)
    t.same(
      said.sort(),
      [...wanted, ...(name === 'withCache' ? ['freshMs', 'versions'] : [])].sort(),
    )
    const layer = { ...ON_TOP, ...ANYWHERE }[name]!
    for (const ability of ABILITIES) {
      const built = async (): Promise<unknown> => await layer(without(ability))
      if (wanted.includes(ability))
        await t.rejects(built, { code: 'NOT_SUPPORTED' }, `${name}, ${ability}`)
      else await t.resolves(built, `${name}, ${ability}`)
    }
  }
})
