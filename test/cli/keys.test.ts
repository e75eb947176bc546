import t from 'tap'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isOneLine, scratch } from './scratch.js'

await t.test('a store is sealed, read by whom it is for, and by nobody else', async (t) => {
  const { dir, store, run } = scratch(t)
  const as = (name: string, passphrase?: string): { env: NodeJS.ProcessEnv } => ({
    env: {
      LINKSTORE_DIR: store,
      LINKSTORE_IDENTITY: join(dir, name),
      LINKSTORE_PASSPHRASE: passphrase,
      LINKSTORE_TRUST: undefined,
    },
  })
  const made = await run(['keys', 'generate', 'ada', '--comment', 'ada'])
  t.match(made.stdout.toString(), /^linkstore-public:\S+ ada\n$/)
  t.equal(statSync(join(dir, 'ada')).mode & 0o777, 0o600)
  const kept = readFileSync(join(dir, 'ada'))
  t.match(await run(['keys', 'generate', 'ada']), { status: 3, stderr: /never overwritten/ })
  t.same(readFileSync(join(dir, 'ada')), kept)
  const locked = as('bob', 'a passphrase')
  const bob = (await run(['keys', 'generate', 'bob', '--lock'], locked)).stdout.toString().trim()
  t.equal((await run(['keys', 'public'], locked)).stdout.toString().trim(), bob)
  t.match(await run(['keys', 'public'], as('bob')), { status: 2, stderr: /locked/ })
  t.match(await run(['keys', 'public'], as('bob', 'other')), { status: 3, stderr: /passphrase/ })

  t.match(await run(['set', 'k', 'v'], as('ada')), { status: 3, stderr: /not sealed/ })
  t.match(await run(['keys', 'init', bob], as('ada')), { status: 0 })
  t.match(await run(['keys', 'init'], as('ada')), { status: 1, stderr: /sealed already/ })
  t.match(await run(['set', 'k', 'v'], as('ada')), { status: 0 })
  t.equal((await run(['ls'], as('ada'))).stdout.toString(), 'k\n')
  t.notMatch((await run(['ls'])).stdout.toString(), /^k$/m)
  t.match(await run(['get', 'k'], locked), { status: 3, stderr: /does not trust/ })
  const ada = made.stdout.toString().trim()
  t.equal((await run(['take', 'k', '--trust', ada], locked)).stdout.toString(), 'v')
  t.match(await run(['keys', 'recipients', 'remove', bob], as('ada')), { status: 0 })
  const left = (await run(['keys', 'recipients', 'list'], as('ada'))).stdout.toString()
  t.equal(left.trim(), ada.split(' ')[0], 'whoever makes it needs no comment')
  t.match(await run(['get', 'k', '--trust', ada], locked), { status: 3, stderr: /recipient/ })
  t.match(await run(['keys', 'rotate'], as('ada')), { status: 0, stderr: /generation 3/ })
  t.match(await run(['keys', 'recipients', 'add', 'ada'], as('ada')), { status: 2 })
  t.match(await run(['cell', 'set', 'c', 'v'], as('ada')), { status: 3, stderr: /cell/ })
  for (const words of [['verify'], ['sweep'], ['count']]) {
    t.match(await run(words, as('ada')), { status: 0 }, words.join())
  }
  const without = await run(['keys', 'rotate'])
  t.ok(isOneLine(without.stderr) && without.status === 2)
})
