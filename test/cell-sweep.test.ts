import { readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { hashKey, type Store } from '../index.js'
import { bothFaces } from './support/faces.js'
import { age, HOUR_MS } from './support/leftovers.js'

function cellPath(root: string, space: string, name: string): string {
  const hash = hashKey(name)
  return join(root, space, hash.slice(0, 2), hash.slice(2, 4), hash.slice(4))
}

function generations(path: string): string[] {
  return readdirSync(path).sort()
}

/** Makes all of a cell look two hours old. */
function ageCell(path: string): void {
  for (const name of generations(path)) age(join(path, name), 2 * HOUR_MS)
}

async function makeValue(store: Store, key: string): Promise<string> {
  return String(await store.getOrCreate(key, () => 'made'))
}

for (const face of ['store', 'sync'] as const) {
  await t.test(`by ${face} old flights go, with all that is in them`, async (t) => {
    const faces = await bothFaces(t)
    for (const key of ['old', 'new']) await makeValue(faces.store, key)
    const [old, recent] = ['old', 'new'].map((key) => cellPath(faces.root, '.flights', key))
    const files = generations(old!)
    t.ok(files.length > 0)
    ageCell(old!)
    const { abandoned } = await faces[face].sweep({ dryRun: true })
    t.equal(abandoned.count, files.length + 1, 'the files, and the directory')
    t.same(generations(old!), files, 'a dry run leaves them')
    t.same((await faces[face].sweep()).abandoned, abandoned)
    t.notOk(readdirSync(dirname(old!)).includes(hashKey('old').slice(4)))
    t.ok(statSync(recent!).isDirectory(), 'one that was just made stays')
    t.equal(String(await faces.store.get('old')), 'made', 'the value has nothing to do with it')
    await faces.store.delete('old')
    t.equal(await makeValue(faces.store, 'old'), 'made', 'it is made again')
  })
}

await t.test('cells and leases stay, however old: their numbers must rise', async (t) => {
  const { root, store } = await bothFaces(t)
  await store.cell('c').update(() => 'v')
  await (await store.lease('c')).release()
  for (const space of ['.cells', '.leases']) ageCell(cellPath(root, space, 'c'))
  t.equal((await store.sweep()).abandoned.count, 0)
  t.equal(await store.cell('c').compareAndSet(1, 'w'), 2)
  const lease = await store.lease('c')
  t.equal(lease.token, 3)
  await lease.release()
})
