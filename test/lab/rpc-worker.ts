/**
 * Counts what each verb costs on NFS:
 * rpc-worker VERSION MOUNT_POINT OTHER_HOSTS_MOUNT_POINT KEY ...
 *
 * The keys belong in one shard directory. The store is a synchronous one, which has done all of a
 * verb, clean-up too, when it returns. That the asynchronous one costs the same is counted for
 * the verbs that have a budget.
 */
import { writeFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { hashKey, open, openSync, type SyncStore } from '../../index.js'
import { report } from './channel.js'
import { difference, RpcCounter, type RpcCounts } from './rpc-counter.js'
import type { Cost } from './rpc-table.js'

/** What an asynchronous store still does when a call has returned takes less. */
const CLEAN_UP_MS = 100
const HOUR_MS = 3_600_000
const VALUE = 'value'
/** Where the kernel is told to forget what it remembers: 1 for contents, 3 for names too. */
const DROP_PATH = '/proc/sys/vm/drop_caches'

const [version = '', mountPoint = '', otherMountPoint = '', ...keys] = process.argv.slice(2)
const [key = '', target = '', absent = '', some = '', ...unused] = keys
const counter = new RpcCounter(mountPoint)
const path = `${mountPoint}/store`
const store = openSync(path)
const byOpen = openSync(path, { reads: 'open' })
const cached = openSync(path, { cache: { maxBytes: 1e6 } })
const other = openSync(`${otherMountPoint}/store`)
const withMode = openSync(`${mountPoint}/mode`, { fileMode: 0o640 })
const expiring = openSync(`${mountPoint}/expiring`)

type Step = () => unknown
const nothing: Step = () => undefined

function tell(name: string, counts: RpcCounts, isAsynchronous = false): void {
  const cost: Cost = { version, name, isAsynchronous, counts }
  report(cost)
}

async function count(name: string, call: Step, prepare: Step = nothing): Promise<void> {
  // Once without counting: then it is warm.
  await prepare()
  await call()
  tell(name, await counter.measure(call, prepare))
}

async function countAsynchronous(
  name: string,
  call: () => Promise<unknown>,
  prepare: Step = nothing,
): Promise<void> {
  const callAndCleanUp = async (): Promise<void> => {
    await call()
    await setTimeout(CLEAN_UP_MS)
  }
  await prepare()
  await call()
  tell(name, await counter.measure(callAndCleanUp, prepare), true)
}

/** What a walk costs for each of the things that some keys add to a store. */
async function countMore(
  name: string,
  walk: (walked: SyncStore) => unknown,
  more: readonly string[],
  things: number,
): Promise<void> {
  const walked = openSync(`${mountPoint}/${name.slice(0, 4)}`)
  const walkIt: Step = () => walk(walked)
  walked.set(key, VALUE)
  walkIt()
  const before = await counter.measure(walkIt, nothing)
  for (const each of more) walked.set(each, VALUE)
  walkIt()
  tell(name, difference(await counter.measure(walkIt, nothing), before, things))
}

/** Makes the client forget all that it remembers. */
function forget(): void {
  for (let time = 0; time < 2; time += 1) writeFileSync(DROP_PATH, '3')
}

async function countWarm(): Promise<void> {
  const set: Step = () => store.set(some, VALUE)
  await count('set, new', () => store.set(unused.pop()!, VALUE))
  await count('set, overwriting', () => store.set(key, VALUE))
  await count('set with `fileMode`', () => withMode.set(key, VALUE))
  await count('set with `ttlMs`', () => expiring.set(key, VALUE, { ttlMs: HOUR_MS }))
  const unflushed = { durability: 'none' } as const
  await count("set with `durability: 'none'`", () => store.set(key, VALUE, unflushed))
  await count('get', () => store.get(key))
  await count("get with `reads: 'open'`", () => byOpen.get(key))
  await count('get from memory', () => cached.get(key))
  await count('has', () => store.has(key))
  await count('stat', () => store.stat(key))
  await count('get or has, absent', () => store.get(absent))
  await count('add, won', () => store.add(unused.pop()!, VALUE))
  await count('add, lost', () => store.add(key, VALUE))
  await count('delete', () => store.delete(some), set)
  await count('delete, absent', () => store.delete(absent))
  // Whether what was just written is still known depends on the clock; here it never is.
  const setInto = (one: SyncStore) => (): void => {
    one.set(some, VALUE)
    writeFileSync(DROP_PATH, '1')
  }
  await count('delete, in a store with `ttlMs`', () => expiring.delete(some), setInto(expiring))
  await count('take', () => store.take(some), setInto(store))
  await count('copy', () => store.copy(key, target))
  await count('rename', () => store.rename(some, target), setInto(store))
}

async function countMany(): Promise<void> {
  await countMore(
    'list, each object',
    (walked) => [...walked.keys()],
    keys.slice(1),
    keys.length - 1,
  )
  const elsewhere = Array.from({ length: 10 }, (_, i) => `elsewhere ${i}`)
  const directories = elsewhere.map(hashKey).flatMap((hash) => [hash.slice(0, 2), hash.slice(0, 4)])
  const added = new Set(directories).size
  await countMore('count, each directory', (walked) => walked.count(), elsewhere, added)
}

async function countElsewhere(): Promise<void> {
  const replace: Step = () => other.set(key, VALUE)
  await count('get, just replaced by another host', () => store.get(key), replace)
  const name = "get with `reads: 'open'`, just replaced by another host"
  await count(name, () => byOpen.get(key), replace)
  let made = 0
  await count('set, into a new directory', () => store.set(`new ${(made += 1)}`, VALUE))
  await count('open and close', () => openSync(path).close())
}

async function countCold(): Promise<void> {
  await count('get, cold', () => store.get(key), forget)
  await count("get with `reads: 'open'`, cold", () => byOpen.get(key), forget)
  await count('set, cold', () => store.set(key, VALUE), forget)
  const setAndForget: Step = () => {
    store.set(some, VALUE)
    forget()
  }
  await count('delete, cold', () => store.delete(some), setAndForget)
}

async function countAllAsynchronous(): Promise<void> {
  const asynchronous = await open(path)
  const asynchronousByOpen = await open(path, { reads: 'open' })
  await countAsynchronous('set, overwriting', () => asynchronous.set(key, VALUE))
  await countAsynchronous('get', () => asynchronous.get(key))
  await countAsynchronous("get with `reads: 'open'`", () => asynchronousByOpen.get(key))
  const set: Step = () => store.set(some, VALUE)
  await countAsynchronous('delete', () => asynchronous.delete(some), set)
  await asynchronous.close()
  await asynchronousByOpen.close()
}

for (const each of [store, withMode]) each.set(key, VALUE)
expiring.set(key, VALUE, { ttlMs: HOUR_MS })
await countWarm()
await countMany()
await countElsewhere()
await countCold()
await countAllAsynchronous()
for (const each of [store, byOpen, other, withMode, expiring, cached]) each.close()
