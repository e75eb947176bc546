/**
 * Does many operations at once, meant for a process that may have few descriptors; tells how
 * many descriptors it has open more than before.
 *
 *     worker-descriptors ROOT VERB COUNT BYTES
 */
import { readdirSync } from 'node:fs'
import { open, openSync, type Store } from '../../index.js'

const [root = '', verb = '', ...rest] = process.argv.slice(2)
const [count = 0, sizeBytes = 0] = rest.map(Number)
const KEYS = 10

const value = Buffer.alloc(sizeBytes, 'v')
const descriptors = (): number => readdirSync('/dev/fd').length

async function* inPieces(): AsyncGenerator<Buffer> {
  yield value.subarray(0, sizeBytes / 2)
  yield value.subarray(sizeBytes / 2)
}

/** Each says whether it had the effect it should. */
const VERBS: Record<string, (store: Store, index: number) => Promise<boolean>> = {
  get: async (store, index) => (await store.get(`k${index % KEYS}`))?.length === sizeBytes,
  set: async (store, index) => (await store.set(`new${index}`, value)).sizeBytes === sizeBytes,
  stream: async (store, index) => {
    let bytes = 0
    for await (const piece of store.createReadStream(`k${index % KEYS}`)) {
      bytes += (piece as Buffer).length
    }
    return bytes === sizeBytes
  },
  'set of a stream': async (store, index) =>
    (await store.set(`new${index}`, inPieces())).sizeBytes === sizeBytes,
  copy: (store, index) => store.copy(`k${index % KEYS}`, `new${index}`),
  rename: (store, index) => store.rename(`old${index}`, `new${index}`),
  take: async (store, index) => (await store.take(`old${index}`))?.length === sizeBytes,
}

async function doAtOnce(): Promise<number> {
  await using store = await open(root, { durability: 'none' })
  const act = VERBS[verb]!
  const done = await Promise.all(Array.from({ length: count }, (_, index) => act(store, index)))
  return done.filter(Boolean).length
}

function doSynchronously(): number {
  using store = openSync(root, { durability: 'none' })
  let done = 0
  for (let index = 0; index < count; index += 1) {
    const key = `k${index % KEYS}`
    store.set(key, value)
    if (store.get(key)?.length === sizeBytes && store.has(key)) done += 1
  }
  return done
}

{
  using store = openSync(root, { durability: 'none' })
  for (let index = 0; index < KEYS; index += 1) store.set(`k${index}`, value)
  const isMoved = verb === 'take' || verb === 'rename'
  for (let index = 0; isMoved && index < count; index += 1) store.set(`old${index}`, value)
}
const before = descriptors()
// A timer keeps the process alive, so that an operation that hangs is seen to hang.
const alive = setInterval(() => undefined, 1000)
const done = verb === 'sync' ? doSynchronously() : await doAtOnce()
clearInterval(alive)
// Before stdout is touched, which itself may open one.
const leaked = descriptors() - before
process.stdout.write(`${JSON.stringify({ done, leaked })}\n`)
