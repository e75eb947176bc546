import * as nodeFs from 'node:fs'
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { open, Store } from '../index.js'
import { linkstore } from './cli/command.js'
import { MemoryStore } from './support/memory-store.js'
import { scratchDirectory } from './support/surroundings.js'

await t.test('a store that answers is healthy, and nothing is changed by asking', async (t) => {
  const root = join(await scratchDirectory(t), 'store')
  await using store = await open(root, { durability: 'none' })
  await store.set('k', 'v')
  const before = nodeFs.readdirSync(root, { recursive: true })
  const { isHealthy, tookMs, error } = await store.health()
  t.equal(isHealthy, true)
  t.ok(tookMs >= 0 && tookMs < 2000)
  t.equal(error, undefined)
  t.same(nodeFs.readdirSync(root, { recursive: true }), before)
  t.match(await new Store(new MemoryStore()).health(), { isHealthy: true })
})

await t.test('one that is not there, or was closed, is not', async (t) => {
  const root = join(await scratchDirectory(t), 'store')
  const store = await open(root, { durability: 'none' })
  // As an unmounted volume looks: an empty directory.
  renameSync(root, `${root}-away`)
  mkdirSync(root)
  t.match(await store.health(), { isHealthy: false, error: { code: 'UNAVAILABLE' } })
  rmSync(root, { recursive: true })
  renameSync(`${root}-away`, root)
  t.match(await store.health(), { isHealthy: true })
  await store.close()
  t.match(await store.health(), { isHealthy: false, error: { code: 'CLOSED' } })
})

await t.test('one that hangs is not, in time, and others may ask meanwhile', async (t) => {
  const root = join(await scratchDirectory(t), 'store')
  const fs = { ...nodeFs }
  const hanging: (() => void)[] = []
  let isHanging = false
  // As calls on a hard mount hang, until the server is back.
  for (const name of ['open', 'lstat'] as const) {
    const call = nodeFs[name] as (...values: unknown[]) => void
    Object.assign(fs, {
      [name]: (...values: unknown[]) => {
        if (isHanging) hanging.push(() => call(...values))
        else call(...values)
      },
    })
  }
  const store = await open(root, { fs, durability: 'none', sweep: false })
  isHanging = true
  const startMs = performance.now()
  const answers = await Promise.all([1, 2, 3].map(() => store.health({ timeoutMs: 100 })))
  t.ok(performance.now() - startMs < 1000, 'though nothing ever answers')
  for (const answer of answers) {
    t.match(answer, { isHealthy: false, error: { code: 'UNAVAILABLE', retryable: true } })
    t.ok(answer.tookMs >= 99)
  }
  isHanging = false
  for (const call of hanging.splice(0)) call()
  t.match(await store.health(), { isHealthy: true })
  await store.close()
})

await t.test('misuse is misuse', async (t) => {
  await using store = await open(join(await scratchDirectory(t), 'store'))
  for (const timeoutMs of [0, -1, 0.5, NaN])
    await t.rejects(store.health({ timeoutMs }), RangeError)
  await t.rejects(store.health({ timeoutMs: '1' as never }), TypeError)
  await t.rejects(store.health({ timeout: 1 } as never), TypeError)
})

await t.test('the command says it by its status', async (t) => {
  const directory = await scratchDirectory(t)
  const root = join(directory, 'store')
  await (await open(root)).close()
  const healthy = await linkstore(['-d', root, 'health'])
  t.equal(healthy.status, 0)
  t.match(healthy.stdout.toString(), /^healthy: it answered in \d+ ms\n$/)
  t.equal(healthy.stderr, '')
  const json = await linkstore(['-d', root, 'health', '--json', '--timeout', '5s'])
  t.match(JSON.parse(json.stdout.toString()), { isHealthy: true, tookMs: Number })

  const absent = await linkstore(['-d', join(directory, 'absent'), 'health'])
  t.equal(absent.status, 1)
  t.match(absent.stdout.toString(), /^not healthy: .*absent/)
  writeFileSync(join(directory, 'file'), '')
  const file = await linkstore(['-d', join(directory, 'file'), 'health', '--json'])
  t.equal(file.status, 1)
  t.match(JSON.parse(file.stdout.toString()), { isHealthy: false, problem: String })
  t.equal((await linkstore(['health'])).status, 2)
  t.equal((await linkstore(['-d', root, 'health', '--timeout', 'soon'])).status, 2)
})
