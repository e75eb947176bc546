import * as nodeFs from 'node:fs'
import { existsSync, readdirSync, renameSync, rmdirSync, statSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { mock } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { open, openSync } from '../index.js'
import { checkOpen } from '../lib/backends/opening.js'
import { SyncDriver } from '../lib/drivers/sync.js'
import { HEARTBEAT_MS } from '../lib/protocol/heartbeat.js'
import { openStore } from '../lib/protocol/open.js'
import { takeTurn, TURN_MS } from '../lib/protocol/sweep-turn.js'
import { age, HOUR_MS, leaveBehind, placeOf } from './support/leftovers.js'
import { scratchDirectory } from './support/surroundings.js'

await t.test('of all processes one has the turn to sweep, at most once an hour', async (t) => {
  const root = `${await scratchDirectory(t)}/store`
  const driver = new SyncDriver()
  const contender = (): boolean => {
    const [path, how] = checkOpen(root, {})
    return driver.run(takeTurn(driver.run(openStore(path, how))))
  }
  const turns = (): string[] =>
    readdirSync(join(root, '.tmp')).filter((name) => name.startsWith('swept-'))
  t.same(Array.from({ length: 4 }, contender), [true, false, false, false])
  const [first = ''] = turns()
  t.equal(Number(first.slice('swept-'.length)), Math.floor(Date.now() / TURN_MS))
  // The same turn, as it looks when the next one has begun.
  const earlier = join(root, '.tmp', `swept-${Number(first.slice('swept-'.length)) - 1}`)
  renameSync(join(root, '.tmp', first), earlier)
  age(earlier, TURN_MS - 60_000)
  t.equal(contender(), false, 'less than an hour ago, though in the hour before')
  age(earlier, TURN_MS + 60_000)
  t.equal(contender(), true, 'more than an hour ago')
  t.same(turns(), [first], 'and the turns before are forgotten')
})

/** Lets so much time pass for the timers of the stores, and what that starts come to its end. */
async function pass(ms: number, isDone: () => boolean): Promise<boolean> {
  mock.timers.tick(ms)
  for (let tries = 0; tries < 200 && !isDone(); tries += 1) await setTimeout(10)
  return isDone()
}

await t.test('an open store sweeps by itself, unless it is told not to', async (t) => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  const root = `${await scratchDirectory(t)}/store`
  const dead = leaveBehind(root, { '1': 'abandoned' })
  writeFileSync(
    join(root, 'linkstore.json'),
    '{"store":"linkstore","format":"envelope","version":1}',
  )
  const off = await open(root, { sweep: false })
  t.ok(existsSync(dead), 'opening removes nothing')
  t.equal(await pass(HEARTBEAT_MS * 3, () => !existsSync(dead)), false, 'sweep: false')
  await off.close()
  const before = openSync(root, { durability: 'none' })
  for (const [index, key] of ['k0', 'k1', 'k2'].entries()) {
    before.set(key, 'value')
    age(placeOf(root, key), (3 - index) * HOUR_MS)
  }
  const on = await open(root, { sweep: { maxObjects: 2 } })
  t.equal(await pass(HEARTBEAT_MS, () => !existsSync(dead)), true, 'within ten minutes')
  t.equal(await pass(0, () => !existsSync(placeOf(root, 'k0'))), true, 'its limits hold')
  const again = leaveBehind(root, { '1': 'abandoned' })
  t.equal(await pass(HEARTBEAT_MS, () => !existsSync(again)), false, 'not twice in an hour')
  await on.close()
  t.same(readdirSync(join(root, '.tmp')).filter((name) => name.startsWith('swept-')).length, 1)
})

await t.test('a store that only holds an object open shows that it is alive', async (t) => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  const root = `${await scratchDirectory(t)}/store`
  await using store = await open(root, { sweep: false })
  await store.set('large', Buffer.alloc(200_000, 'x'))
  await using _object = await store.read('large')
  const names = readdirSync(join(root, '.tmp'))
  const directory = join(root, '.tmp', names[0] ?? '')
  age(directory, 2 * HOUR_MS)
  const isTouched = (): boolean => Date.now() - statSync(directory).mtimeMs < HOUR_MS
  t.equal(isTouched(), false)
  t.equal(await pass(HEARTBEAT_MS, isTouched), true)
})

await t.test('a sign of life whose reply NFS loses is one all the same', async (t) => {
  for (const [call, code] of [
    ['mkdirSync', 'EEXIST'],
    ['rmdirSync', 'ENOENT'],
  ] as const) {
    const root = `${await scratchDirectory(t)}/store`
    let lost = 0
    const done = nodeFs[call] as (...values: unknown[]) => unknown
    // The call takes effect; then the client asks again, and is refused.
    const repeated = (...values: unknown[]): unknown => {
      const result = done(...values)
      if (!isProbe(String(values[0]))) return result
      lost += 1
      throw Object.assign(new Error(code), { code, errno: -constants.errno[code] })
    }
    const store = openSync(root, { fs: { ...nodeFs, [call]: repeated } })
    leaveBehind(root, { '1': 'abandoned' })
    t.match(store.sweep(), { abandoned: { count: 2 } }, call)
    t.equal(lost, 1, 'a reply was lost')
    store.close()
  }
})

await t.test(
  'a store whose private directory was swept shows that it is alive again',
  async (t) => {
    const root = `${await scratchDirectory(t)}/store`
    const store = openSync(root)
    store.set('k', 'value')
    for (const name of readdirSync(join(root, '.tmp'))) rmdirSync(join(root, '.tmp', name))
    leaveBehind(root, { '1': 'abandoned' })
    t.match(store.sweep(), { abandoned: { count: 2 } })
    t.equal(readdirSync(join(root, '.tmp')).length, 1, 'in a new one')
    store.close()
  },
)

/** Whether a path is a private name, not a directory of private names. */
function isProbe(path: string): boolean {
  return /\/\.tmp\/[^/]+\/[^/]+$/.test(path)
}
