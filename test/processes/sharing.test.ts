import { execFileSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { open, openSync } from '../../index.js'
import { plain } from '../support/plain.js'
import { scratchDirectory } from '../support/surroundings.js'
import { DIST_PATH, runWorker } from '../support/workers.js'

await t.test('both faces work on one directory at the same time', async (t) => {
  const root = `${t.testdir()}/store`
  await using store = await open(root, { durability: 'none' })
  await using second = await open(root, { durability: 'none' })
  using sync = openSync(root, { durability: 'none' })
  const keys = Array.from({ length: 100 }, (_, index) => `k${index}`)

  const adding = keys.flatMap((key) => [store.add(key, 'first'), second.add(key, 'second')])
  const addedNow = keys.map((key) => sync.add(key, 'sync'))
  const added = await Promise.all(adding)
  for (const [index, key] of keys.entries()) {
    const winners = [...added.slice(2 * index, 2 * index + 2), addedNow[index]]
    const names = ['first', 'second', 'sync'].filter((_, which) => winners[which])
    t.strictSame(names, [String(sync.get(key))], `${key} was added once, and has that value`)
  }

  await store.set('seen', 'at once')
  t.equal(String(sync.get('seen')), 'at once')
  sync.set('seen', 'the other way')
  t.equal(String(await second.get('seen')), 'the other way')
  const takes = [store.take('seen'), second.take('seen')]
  const taken = [sync.take('seen'), ...(await Promise.all(takes))]
  t.equal(taken.filter((value) => value !== undefined).length, 1, 'one take wins')
})

await t.test('threads share a store', async (t) => {
  const root = `${await scratchDirectory(t)}/store`
  const keys = 1000
  const won = (await runWorker(t, 'processes/worker-threads.js', [root, keys])) as string[][]
  t.ok(won.filter((each) => each.length > 0).length > 1, 'they were at work at the same time')
  t.equal(won.flat().length, keys)
  using store = openSync(root)
  for (const [thread, added] of won.entries()) {
    t.comment(`thread ${thread} won ${added.length}`)
    t.ok(added.every((key) => String(store.get(key)) === String(thread)))
  }
  t.same(store.verify().findings, [])
  t.equal(readdirSync(`${root}/.tmp`).length, 1, 'of this process alone')
})

await t.test('CommonJS can require the package', async (t) => {
  const scratch = await scratchDirectory(t)
  const script = `
    const { open, openSync, StoreError } = require(process.argv[2])
    const store = openSync(process.argv[3])
    store.set('k', 'sync')
    open(process.argv[3]).then(async (other) => {
      await other.set('l', 'async')
      console.log(String(await other.get('k')), String(store.get('l')), StoreError.name)
      await other.close()
      store.close()
    })`
  writeFileSync(`${scratch}/script.cjs`, script)
  const values = [`${scratch}/script.cjs`, `${DIST_PATH}/index.js`, `${scratch}/store`]
  const command = plain([process.execPath, ...values])
  const env = { PATH: process.env['PATH'] }
  const output = execFileSync(...command, { env, encoding: 'utf8', stdio: 'pipe' })
  t.equal(output, 'sync async StoreError\n')
})
