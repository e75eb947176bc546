import * as nodeFs from 'node:fs'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { open, type OpenOptions, type Store } from '../index.js'
import { QuickCalls } from '../lib/drivers/quick-calls.js'
import { scratchDirectory } from './support/surroundings.js'

type Call = (...values: unknown[]) => unknown
type Functions = Record<string, Call>

/** `node:fs`, telling which calls were made at once, and which by the thread pool. */
function watchedFs(): { fs: Functions; atOnce: string[]; byPool: string[] } {
  const fs = { ...(nodeFs as unknown as Functions) }
  const atOnce: string[] = []
  const byPool: string[] = []
  for (const name of [
    'open',
    'close',
    'read',
    'write',
    'writev',
    'link',
    'unlink',
    'rename',
    'fsync',
  ]) {
    const [later, now] = [fs[name]!, fs[`${name}Sync`]!]
    fs[name] = (...values) => (byPool.push(name), later(...values))
    fs[`${name}Sync`] = (...values) => (atOnce.push(name), now(...values))
  }
  return { fs, atOnce, byPool }
}

/**
 * A file system whose links take as long as they are told to, by a clock that stands still
 * otherwise: a process that is preempted measures nothing else.
 */
function slowFs(): { quick: QuickCalls; tookMs: number } {
  let nowMs = 0
  const linkSync = (): void => void (nowMs += slow.tookMs)
  const quick = new QuickCalls({ ...nodeFs, linkSync }, () => nowMs)
  const slow = { quick, tookMs: 0 }
  return slow
}

const LINK = { call: 'link', values: ['a', 'b'] }

/** Makes so many links as the driver would; returns how many were made at once. */
function makeLinks(quick: QuickCalls, count: number): number {
  let made = 0
  for (let index = 0; index < count; index += 1) {
    if (!quick.takes(LINK)) continue
    quick.perform(LINK)
    made += 1
  }
  return made
}

async function openOn(root: string, options: OpenOptions): Promise<Store> {
  const store = await open(root, { durability: 'none', sweep: false, ...options })
  await store.set('k', 'value')
  return store
}

/** A busy machine can make calls slow by preempting the process; then it is tried again. */
async function undisturbed<T>(attempt: () => Promise<T>, isRight: (found: T) => boolean) {
  for (let tries = 1; ; tries += 1) {
    const found = await attempt()
    if (isRight(found) || tries === 20) return found
  }
}

await t.test('on a local file system small calls are made at once', async (t) => {
  const calls = (verb: (store: Store) => Promise<unknown>): Promise<[string[], string[]]> =>
    undisturbed(
      async () => {
        const { fs, atOnce, byPool } = watchedFs()
        const root = join(await scratchDirectory(t), 'store')
        await using store = await openOn(root, { fs, inline: true })
        atOnce.length = byPool.length = 0
        await verb(store)
        await nextTurn()
        return [[...atOnce], [...byPool]]
      },
      ([, byPool]) => byPool.every((call) => call === 'fsync' || call === 'write'),
    )
  const getting = async (store: Store): Promise<void> => {
    t.equal(String(await store.get('k')), 'value')
  }
  t.same(await calls(getting), [['link', 'open', 'read', 'close', 'unlink'], []])
  t.same(await calls((store) => store.set('k', 'other')), [
    ['open', 'writev', 'close', 'rename'],
    [],
  ])
  const [, flushing] = await calls((store) => store.set('k', 'flushed', { durability: 'full' }))
  t.same(flushing, ['fsync', 'fsync'], 'what flushes is never made at once')
  const [, large] = await calls((store) => store.set('k', Buffer.alloc(300_000)))
  t.same(large, ['write'], 'nor what is large')
  const [none] = await calls((store) => store.queue('jobs').push('job'))
  t.same(none, [], 'nor where consumers contend with each other')
})

await t.test(
  'with inline: false, or a module as fs, none are; fresh changes nothing',
  async (t) => {
    const root = join(await scratchDirectory(t), 'store')
    for (const options of [{ inline: false }, {}, { inline: true, fresh: true }]) {
      const { fs, atOnce, byPool } = watchedFs()
      await using store = await openOn(root, { ...options, fs })
      atOnce.length = byPool.length = 0
      t.equal(String(await store.get('k')), 'value')
      const isTold = 'fresh' in options
      t.equal(atOnce.length > 0, isTold, 'a local file system is local, whoever revalidates')
      if (!isTold) t.ok(byPool.length > 0)
    }
    await t.rejects(open(root, { inline: 1 as never }), TypeError)
  },
)

await t.test('where the file system may be one of many hosts, none are', async (t) => {
  const root = join(await scratchDirectory(t), 'store')
  // What statfs(2) says of NFS, of CephFS, and of something that nobody knows.
  for (const type of [0x6969, 0x00c36400, 0x1234567]) {
    const { fs, atOnce, byPool } = watchedFs()
    const { statfs } = fs
    fs['statfs'] = (path, done) =>
      statfs!(path, (error: unknown, found: object) =>
        (done as (error: unknown, found: object) => void)(error, { ...found, type }),
      )
    await using store = await openOn(root, { fs, inline: true })
    t.equal(String(await store.get('k')), 'value')
    t.same(atOnce, [])
    t.ok(byPool.length > 0)
  }
})

await t.test('a kind of call that turns slow goes to the pool, and comes back', async (t) => {
  const slow = slowFs()
  const { quick } = slow
  t.equal(makeLinks(quick, 1000), 1000, 'quick ones are all made at once')
  slow.tookMs = 2
  t.equal(makeLinks(quick, 1), 1)
  slow.tookMs = 0
  t.equal(makeLinks(quick, 1000), 1000, 'one that took long is no reason')
  slow.tookMs = 2
  const made = makeLinks(quick, 2000)
  t.equal(made, 2, 'two in a row are')
  t.ok(quick.takes({ call: 'unlink', values: [] }), 'other kinds are not concerned')
  slow.tookMs = 0
  makeLinks(quick, 2 ** 17)
  t.equal(makeLinks(quick, 1000), 1000, 'quick again')
})

await t.test('after a millisecond the event loop has its turn', async (t) => {
  const slow = slowFs()
  slow.tookMs = 0.125
  const { quick } = slow
  let made = 0
  while (!quick.isSpent) made += makeLinks(quick, 1)
  t.equal(made, 8, 'calls of an eighth of a millisecond')
  const order: string[] = []
  for (const name of ['first', 'second']) quick.afterTurn(() => void order.push(name))
  t.same(order, [])
  await nextTurn()
  t.same(order, ['first', 'second'])
  t.notOk(quick.isSpent)
})

await t.test('reads that follow each other hold up nobody', async (t) => {
  const root = join(await scratchDirectory(t), 'store')
  await using store = await openOn(root, {})
  let isOver = false
  let longestMs = 0
  let turns = 0
  const watch = (async (): Promise<void> => {
    for (let lastMs = performance.now(); !isOver; turns += 1) {
      await nextTurn()
      longestMs = Math.max(longestMs, performance.now() - lastMs)
      lastMs = performance.now()
    }
  })()
  const startMs = performance.now()
  let reads = 0
  // Each goes on in a microtask of the one before it: without turns no timer would ever fire.
  for (; performance.now() - startMs < 1000; reads += 1) await store.get('k')
  isOver = true
  await watch
  t.ok(turns > 10, `${turns} turns of the event loop beside ${reads} reads`)
  t.ok(longestMs < 500, `the longest took ${longestMs} ms`)
})

await t.test('what fails at once fails as it does later', async (t) => {
  const root = join(await scratchDirectory(t), 'store')
  await using store = await openOn(root, {})
  t.equal(await store.get('absent'), undefined)
  const { hashKey } = await import('../index.js')
  const hash = hashKey('directory')
  mkdirSync(join(root, hash.slice(0, 2), hash.slice(2, 4), hash.slice(4)), { recursive: true })
  await t.rejects(store.get('directory'), { code: 'CORRUPT' })
})
