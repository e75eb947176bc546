import fc from 'fast-check'
import assert from 'node:assert/strict'
import type { ObjectStore } from '../../index.js'
import { hasCode } from '../../lib/errors.js'
import { memoryStore } from '../../lib/backends/memory.js'
import { json, withCodec } from '../../lib/layers/typed.js'
import type { IndexedStore } from '../../lib/layers/typed.js'
import { indexedStore } from '../../lib/layers/typed/indexed-store.js'
import { exploreAll, exploreOne, type Scenario } from '../support/interleavings.js'

interface Product {
  readonly ran: string | readonly string[]
  readonly count?: number
}

type Products = IndexedStore<Product, Product, 'ran'>
type Act = (products: Products) => Promise<unknown>

const HOUR_MS = 3_600_000
const INDEXES = { ran: ({ ran }: Product) => ran }
const KEYS = ['k', 'l']

let ids = 0

function open(objects: ObjectStore): Products {
  return indexedStore(withCodec<Product>(objects, json), INDEXES, {
    nowMs: () => HOUR_MS,
    newId: () => `${(ids += 1)}`,
    pause: () => Promise.resolve(),
  })
}

/** The keys in each posting, as they lie there, with how many intents each has. */
async function postingsIn(objects: ObjectStore): Promise<Map<string, Map<string, number>>> {
  const found = new Map<string, Map<string, number>>()
  for await (const { key } of objects.list({ prefix: '.linkstore-index/' })) {
    const object = await objects.read(key)
    const { value, keys } = (await object!.json()) as {
      value: string
      keys: [string, unknown[]?][]
    }
    const counts = keys.map(([name, intents = []]): [string, number] => [name, intents.length])
    found.set(value, new Map(counts))
  }
  return found
}

/** What the postings should have: each key under each of the values of its object. */
async function truthOf(objects: ObjectStore): Promise<Map<string, Map<string, number>>> {
  const truth = new Map<string, Map<string, number>>()
  for (const key of KEYS) {
    const object = await objects.read(key)
    const product = (await object?.json()) as Product | undefined
    for (const ran of product === undefined ? [] : [product.ran].flat()) {
      const text = `string:${JSON.stringify(ran)}`
      truth.set(text, (truth.get(text) ?? new Map<string, number>()).set(key, 0))
    }
  }
  return truth
}

/** Every key whose object has a value is in the posting of that value. */
async function nothingIsMissing(objects: ObjectStore): Promise<void> {
  const postings = await postingsIn(objects)
  for (const [text, keys] of await truthOf(objects)) {
    for (const key of keys.keys()) {
      assert.ok(postings.get(text)?.has(key), `${key} is missing in the posting of ${text}`)
    }
  }
}

async function nothingIsLeft(objects: ObjectStore): Promise<void> {
  const sorted = (all: Map<string, Map<string, number>>): unknown =>
    [...all].map(([text, keys]) => [text, [...keys].sort()] as const).sort()
  assert.deepEqual(sorted(await postingsIn(objects)), sorted(await truthOf(objects)))
}

function scenario(
  before: Readonly<Record<string, Product>>,
  acts: Readonly<Record<string, Act>>,
  others: Partial<Scenario> = {},
): Scenario {
  const actors = Object.entries(acts).map(
    ([name, act]) => [name, (objects: ObjectStore) => act(open(objects))] as const,
  )
  return {
    prepare: async () => {
      const objects = memoryStore()
      await open(objects).setMany(Object.entries(before))
      return objects
    },
    actors: Object.fromEntries(actors),
    check: nothingIsMissing,
    finish: async (objects, hasDied) => {
      if (!hasDied) {
        for (const keys of (await postingsIn(objects)).values()) {
          assert.deepEqual([...keys.values()].filter(Boolean), [], 'no intent is left')
        }
      }
      await open(objects).verify({ graceMs: 0 })
      await nothingIsLeft(objects)
    },
    ...others,
  }
}

const A: Product = { ran: 'a' }
const B: Product = { ran: 'b' }
const set =
  (key: string, product: Product): Act =>
  (products) =>
    products.set(key, product)
const remove: Act = (products) => products.delete('k')
const take: Act = (products) => products.take('k')
const add =
  (product: Product): Act =>
  (products) =>
    products.add('k', product)
const verify: Act = (products) => products.verify()
/** Replaces what it has read, or does nothing. */
const replace =
  (product: Product): Act =>
  async (products) => {
    const ifVersion = (await products.stat('k'))?.version
    await products.set('k', product, { ifVersion }).catch((error: unknown) => {
      assert.ok(hasCode(error, 'PRECONDITION_FAILED'), String(error))
    })
  }

const PAIRS: Readonly<Record<string, Scenario>> = {
  'there and back': scenario({ k: A }, { one: set('k', B), other: set('k', A) }),
  'to two values': scenario({ k: A }, { one: set('k', B), other: set('k', { ran: 'c' }) }),
  'the same value twice': scenario({}, { one: set('k', A), other: set('k', A) }),
  'a removal': scenario({ k: A }, { one: set('k', A), other: remove }),
  'a take': scenario({ k: A }, { one: set('k', B), other: take }),
  'two if absent': scenario({}, { one: add(A), other: add(B) }),
  'two by version': scenario({ k: A }, { one: replace(B), other: replace({ ran: 'c' }) }),
  'two keys of one value': scenario({ l: A }, { one: set('k', A), other: set('l', B) }),
  'several values': scenario({ k: { ran: ['a', 'b'] } }, { one: set('k', B), other: set('k', A) }),
  'a verify': scenario({ k: A }, { one: set('k', B), other: verify }),
}

const CRASHES: Readonly<Record<string, Scenario>> = {
  'a write of a new value': scenario({ k: A }, { one: set('k', B), other: set('k', A) }),
  'a write of a new object': scenario({}, { one: set('k', A), other: set('k', A) }),
  'a removal': scenario({ k: A }, { one: remove, other: set('k', B) }),
  'a verify': scenario({ k: A }, { one: verify, other: set('k', B) }),
}

/** The grace is too short for the writer, whose entry is missing until it has come to its end. */
async function exploreImpatience(): Promise<number> {
  const impatient: Act = (products) => products.verify({ graceMs: 0 })
  return await exploreAll({
    ...scenario({ k: A }, { one: set('k', B), impatient }),
    check: () => Promise.resolve(),
    finish: nothingIsMissing,
  })
}

async function exploreLookUps(): Promise<number> {
  const look: Act = async (products) => {
    const found: string[] = []
    for await (const [key, { ran }] of products.by('ran', 'a')) {
      assert.equal(ran, 'a')
      found.push(key)
    }
    assert.ok(found.includes('k'), `k is not in ${found.join()}`)
    assert.equal(new Set(found).size, found.length)
  }
  const counting = set('k', { ran: 'a', count: 2 })
  return await exploreAll(scenario({ k: A }, { look, counting, other: set('l', A) }))
}

const anyAct = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(A, B, { ran: ['a', 'b'] }).map((p) => set('k', p)) },
  fc.constantFrom(remove, take, add(A), add(B), replace(A), replace(B), verify, set('l', A)),
)
const anyBefore = fc.constantFrom<Record<string, Product>>({}, { k: A }, { k: B, l: A })
const RANDOM_RUNS = 1000

async function exploreByChance(): Promise<number> {
  const acts = fc.array(fc.tuple(anyAct, anyAct), { minLength: 2, maxLength: 3 })
  const picks = fc.infiniteStream(fc.nat())
  await fc.assert(
    fc.asyncProperty(anyBefore, acts, picks, fc.boolean(), async (before, all, stream, mayDie) => {
      const actors = all.map(([first, second], index): [string, Act] => [
        `${index}`,
        async (products) => {
          await first(products)
          await second(products)
        },
      ])
      const pick = (count: number): number => stream.next().value! % count
      const mortal = mayDie ? ['0'] : []
      await exploreOne({ ...scenario(before, Object.fromEntries(actors)), pick, mortal })
    }),
    { numRuns: RANDOM_RUNS },
  )
  return RANDOM_RUNS
}

function titled(
  title: string,
  scenarios: Readonly<Record<string, Scenario>>,
  others: Partial<Scenario> = {},
): [string, () => Promise<number>][] {
  return Object.entries(scenarios).map(([name, one]) => [
    `${title}: ${name}`,
    () => exploreAll({ ...one, ...others }),
  ])
}

/** What is gone through, by the title of its test; each says how many orders there were. */
export const EXPLORATIONS = new Map<string, () => Promise<number>>([
  ...titled('no order of two writers loses an entry of an index', PAIRS),
  ...titled('a writer may die before any call, and verify finds all of it', CRASHES, {
    mortal: ['one'],
  }),
  ['a verify that takes a slow writer for a dead one loses nothing in the end', exploreImpatience],
  ['a look-up gives what has the value throughout, whoever else writes', exploreLookUps],
  ['no order of three writers, each with two writes, loses an entry', exploreByChance],
])
