/**
 * Does a number of operations, chosen by a seed, and keeps a journal of them. Started again
 * after a SIGKILL, it goes on after the last one that it began.
 *
 *     worker-mixed ROOT JOURNAL SLOT OPERATIONS SEED sync|async
 */
import { open, openSync } from '../../index.js'
import { Journal, readJournal, type Call } from './journal.js'
import { ownKeys, RACE_KEYS, SLOTS, STEADY_KEYS, TOKEN_KEYS } from './mixed-keys.js'
import { stampedValue, stampOf } from './stamp.js'

type Awaitable<T> = T | Promise<T>

/** What both faces of a store have. */
interface Face {
  set(key: string, value: Buffer): unknown
  get(key: string): Awaitable<Buffer | undefined>
  has(key: string): Awaitable<boolean>
  delete(key: string): Awaitable<boolean>
  add(key: string, value: Buffer): Awaitable<boolean>
  take(key: string): Awaitable<Buffer | undefined>
  copy(from: string, to: string): Awaitable<boolean>
  rename(from: string, to: string): Awaitable<boolean>
  keys(): Iterable<string> | AsyncIterable<string>
  close(): Awaitable<void>
}

const [root = '', journalPath = '', ...rest] = process.argv.slice(2)
const [slot = 0, operations = 0, seed = 0] = rest.slice(0, 3).map(Number)
const isSync = rest[3] === 'sync'

/** A number below `limit` that depends on nothing but its arguments. */
function choose(index: number, purpose: number, limit: number): number {
  let hash = Math.imul(seed ^ Math.imul(slot + 1, 0x9e3779b1), 0x85ebca6b)
  for (const part of [index, purpose]) {
    hash = Math.imul((hash ^ part) >>> 0, 0xc2b2ae35)
    hash ^= hash >>> 15
    hash = Math.imul(hash, 0x27d4eb2f)
    hash ^= hash >>> 13
  }
  return (hash >>> 0) % limit
}

/** One of the verbs for one of the keys; operations of one lane come one after the other. */
function callAt(index: number): [lane: string, call: Call] {
  const pick = (keys: readonly string[]): string => keys[choose(index, 1, keys.length)]!
  const verbOf = (...verbs: string[]): string => verbs[choose(index, 2, verbs.length)]!
  const detail = `${slot}.${index}`
  const neighbour = (slot + 1 + choose(index, 1, SLOTS - 1)) % SLOTS
  const share = choose(index, 0, 100)
  if (share < 20) return ['steady', { verb: 'set', key: pick(STEADY_KEYS), detail }]
  if (share < 40) return ['steady', { verb: verbOf('get', 'get', 'has'), key: pick(STEADY_KEYS) }]
  if (share < 45) return ['own', { verb: 'set', key: ownKeys(slot)[0], detail }]
  if (share < 52) return ['other', { verb: 'get', key: ownKeys(neighbour)[0] }]
  if (share < 75) return ['own', ownCall(index, detail)]
  if (share < 97) return ['token', { verb: verbOf('add', 'take'), key: pick(TOKEN_KEYS), detail }]
  if (share < 99) return ['token', { verb: 'add', key: pick(RACE_KEYS), detail }]
  return ['list', { verb: 'keys', key: '' }]
}

function ownCall(index: number, stamp: string): Call {
  const [log, ...free] = ownKeys(slot)
  const first = choose(index, 1, 2)
  const [key, other] = [free[first]!, free[1 - first]!]
  const calls: Call[] = [
    { verb: 'set', key, detail: stamp },
    { verb: 'get', key },
    { verb: 'delete', key },
    { verb: 'take', key },
    { verb: 'add', key, detail: stamp },
    { verb: 'copy', key: log, detail: key },
    { verb: 'rename', key, detail: other },
  ]
  return calls[choose(index, 2, calls.length)]!
}

async function perform(store: Face, index: number, { verb, key, detail }: Call): Promise<unknown> {
  const stamp = (value: Buffer | undefined): string | null =>
    value === undefined ? null : stampOf(value)
  switch (verb) {
    case 'set':
      await store.set(key, stampedValue(slot, index))
      return true
    case 'add':
      return await store.add(key, stampedValue(slot, index))
    case 'get':
      return stamp(await store.get(key))
    case 'take':
      return stamp(await store.take(key))
    case 'has':
      return await store.has(key)
    case 'delete':
      return await store.delete(key)
    case 'copy':
      return await store.copy(key, detail!)
    case 'rename':
      return await store.rename(key, detail!)
    default: {
      const keys: string[] = []
      for await (const found of store.keys()) keys.push(found)
      return keys
    }
  }
}

const store: Face = isSync
  ? openSync(root, { durability: 'none' })
  : await open(root, { durability: 'none' })
const journal = new Journal(journalPath)
const lanes = new Map<string, Promise<void>>()
process.stdout.write('ready\n')
for (let index = readJournal(journalPath, slot).length; index < operations; index += 1) {
  const [lane, call] = callAt(index)
  await lanes.get(lane)
  journal.began(index, call)
  lanes.set(
    lane,
    perform(store, index, call).then((result) => journal.ended(index, result)),
  )
  if (isSync) await lanes.get(lane)
}
await Promise.all(lanes.values())
await store.close()
process.stdout.write('true\n')
