import { Store, type ObjectStore } from 'linkstore'
import { withBlobs } from 'linkstore/blob'
import { withCache } from 'linkstore/cached'
import { withCompression } from 'linkstore/compressed'
import { withLimits } from 'linkstore/limited'
import { memoryStore } from 'linkstore/memory'
import { withNamespace } from 'linkstore/namespaced'
import { withRetries } from 'linkstore/retrying'
import { createKeyring, generateIdentity, withSeal } from 'linkstore/sealed'
import { withTiers } from 'linkstore/tiered'
import { withTrace } from 'linkstore/traced'
import { structured, withCodec, withIndex, type TypedStore } from 'linkstore/typed'
import { together } from '../calls.js'
import { measureInRounds, type Comparison } from '../rounds.js'
import { contestant } from '../subjects/contestant.js'
import { firstKeys, loadOf } from '../subjects/load.js'
import type { Contestant, Load, Operation, Subject } from '../subjects/subject.js'
import type { Question } from './question.js'

const BARE = 'linkstore, memory'
const OPERATIONS: readonly Operation[] = ['get', 'set, overwriting']
const SIZES = [
  { valueBytes: 2 ** 10, keys: 128 },
  { valueBytes: 2 ** 20, keys: 8 },
] as const

const identity = generateIdentity()

async function sealed(inner: ObjectStore): Promise<ObjectStore> {
  await createKeyring(inner, { identity })
  return withSeal(inner, { identity })
}

type Over = (inner: ObjectStore) => ObjectStore | Promise<ObjectStore>

const LAYERS: readonly [subject: string, over: Over][] = [
  [BARE, (inner) => inner],
  ['linkstore, withTrace', (inner) => withTrace(inner, { name: 'bench' })],
  ['linkstore, withRetries', (inner) => withRetries(inner)],
  ['linkstore, withLimits', (inner) => withLimits(inner, { inFlight: 64 })],
  ['linkstore, withNamespace', (inner) => withNamespace(inner, 'bench')],
  ['linkstore, withCompression', (inner) => withCompression(inner)],
  ['linkstore, withSeal', sealed],
  ['linkstore, withCache', (inner) => withCache(inner, { cache: memoryStore() })],
  ['linkstore, withTiers', (inner) => withTiers(inner, { large: memoryStore() })],
]

/** What does each layer cost? */
export const layers: Question = {
  name: 'layers',
  asks: 'What does each layer cost?',
  explains: `Each [layer](layers.md) by itself over a store in memory, which costs next to nothing:
a \`get\` and an overwriting \`set\` of 1 KiB and 1 MiB, one call at a time. The values cannot
be compressed, so \`withCompression\` tries in vain. \`withCache\` keeps what it reads in another
store in memory; \`withTiers\` puts 1 MiB into another one. A \`set\` of \`withIndex\` mostly
changes what the value is found under; one of \`withBlobs\` meets a blob that is there. Over a
disk or a network the same microseconds are a smaller part.`,
  chart: { shows: 'figures', columns: 'operation' },
  whyOthersWin: {},
  measure: async (_, { rounds, isShort }, announce) => {
    const contestants: Contestant[] = []
    const comparisons: Comparison[] = []
    for (const { valueBytes, keys } of isShort ? SIZES.slice(0, 1) : SIZES) {
      const load = loadOf(valueBytes, firstKeys(keys))
      const entered = await Promise.all(
        subjects().map(
          async ([name, open]) => [name, await enter(name, await open(), load)] as const,
        ),
      )
      contestants.push(...entered.map(([, each]) => each))
      for (const operation of OPERATIONS) {
        comparisons.push({
          unit: 'µs per call',
          comparedWith: BARE,
          turns: isShort ? 1 : 4,
          facts: { fileSystem: '', operation, valueBytes, inFlight: 1 },
          runners: entered.map(([subject, each]) => ({
            subject,
            run: () => each.measure(operation, 1, isShort ? 10 : 25),
          })),
        })
      }
    }
    const groups = await measureInRounds(comparisons, rounds, (round) =>
      announce(`round ${round + 1} of ${rounds}`),
    )
    for (const each of contestants) {
      await each.check()
      await each.close()
    }
    return together(layers.name, [{ groups, missing: [] }])
  },
}

function subjects(): [name: string, open: () => Promise<Subject>][] {
  const ofBytes = LAYERS.map(([name, over]): [string, () => Promise<Subject>] => [
    name,
    async () => bytesIn(new Store(await over(memoryStore()))),
  ])
  return [
    ...ofBytes,
    ['linkstore, withCache, write-back', () => Promise.resolve(writtenBack())],
    ['linkstore, withBlobs', () => Promise.resolve(blobsIn(memoryStore()))],
    ['linkstore, withCodec', () => Promise.resolve(valuesIn(codedIn(memoryStore())))],
    ['linkstore, withIndex', () => Promise.resolve(valuesIn(indexedIn(memoryStore())))],
  ]
}

function enter(name: string, subject: Subject, load: Load): Promise<Contestant> {
  const arena = { directory: '', tools: '', load, isFilled: false }
  return contestant(name, subject, arena, () => false)
}

function bytesIn(store: Store): Subject {
  return {
    get: (key) => store.get(key),
    set: (key, value) => store.set(key, value),
    close: () => store.close(),
  }
}

function writtenBack(): Subject {
  const how = { cache: memoryStore(), strategy: 'write-back' } as const
  return bytesIn(new Store(withCache(memoryStore(), how)))
}

/** Blobs, whose names follow from what is in them. */
function blobsIn(objects: ObjectStore): Subject {
  const blobs = withBlobs(objects)
  const names = new Map<string, string>()
  return {
    get: async (key) => await (await blobs.getBlob(names.get(key) ?? ''))?.bytes(),
    set: async (key, value) => names.set(key, (await blobs.putBlob(value)).key),
    close: () => blobs.close(),
  }
}

/** A structured value, as an application has it, with the bytes in it. */
interface Value {
  readonly bytes: Buffer
}

function codedIn(objects: ObjectStore): TypedStore<Value> {
  return withCodec<Value>(objects, structured)
}

function indexedIn(objects: ObjectStore): TypedStore<Value> {
  return withIndex(codedIn(objects), { first: ({ bytes }) => bytes[0] })
}

function valuesIn(store: TypedStore<Value>): Subject {
  return {
    get: async (key) => (await store.get(key))?.bytes,
    set: (key, bytes) => store.set(key, { bytes }),
    close: () => store.close(),
  }
}
