import t from 'tap'
import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync } from 'node:fs'
import { open, type OpenOptions } from '../index.js'
import { bothFaces, drain, failureOf, privateFiles, type Faces } from './support/faces.js'
import { scratchDirectory } from './support/surroundings.js'

type Verb = readonly [name: string, call: (faces: Faces) => unknown]

const VERBS: readonly Verb[] = [
  ['get', ({ store }) => store.get('k')],
  ['get of an absent key', ({ store }) => store.get('absent')],
  ['has', ({ store }) => store.has('absent')],
  ['stat', ({ store }) => store.stat('absent')],
  ['read', ({ store }) => store.read('absent')],
  ['set', ({ store }) => store.set('k', 'new')],
  ['set of a new key', ({ store }) => store.set('new', 'new', { ttlMs: 10_000 })],
  ['set of a stream', ({ store }) => store.set('k', new Blob(['new']))],
  ['add', ({ store }) => store.add('new', 'new')],
  ['delete', ({ store }) => store.delete('absent')],
  ['take', ({ store }) => store.take('absent')],
  ['copy', ({ store }) => store.copy('absent', 'new')],
  ['rename', ({ store }) => store.rename('k', 'new')],
  ['keys', ({ store }) => drain(store.keys())],
  ['count', ({ store }) => store.count()],
  ['verify', ({ store }) => store.verify()],
  ['clear', ({ store }) => store.clear()],
  ['destroy', ({ store }) => store.destroy()],
  ['sync get', ({ sync }) => sync.get('absent')],
  ['sync has', ({ sync }) => sync.has('absent')],
  ['sync set', ({ sync }) => sync.set('k', 'new')],
  ['sync add', ({ sync }) => sync.add('new', 'new')],
  ['sync delete', ({ sync }) => sync.delete('absent')],
  ['sync take', ({ sync }) => sync.take('absent')],
  ['sync keys', ({ sync }) => drain(sync.keys())],
  ['sync count', ({ sync }) => sync.count()],
  ['sync clear', ({ sync }) => sync.clear()],
  ['sync destroy', ({ sync }) => sync.destroy()],
]

const KINDS: readonly [what: string, options: OpenOptions, warm: boolean][] = [
  ['a store', {}, true],
  ['a store that has not been used yet', {}, false],
  ['a store that believes no directory', { fresh: true }, true],
  ['a store that reads by plain open', { reads: 'open' }, true],
  ['a raw store', { format: 'raw' }, true],
]

for (const [what, options, warm] of KINDS) {
  await t.test(
    `a root that is gone is UNAVAILABLE, never a miss, until it is back: ${what}`,
    async (t) => {
      const faces = await bothFaces(t, options)
      const { root, store, sync } = faces
      {
        await using other = await open(root)
        await other.set('k', 'value')
        await other.set('large', Buffer.alloc(300_000, 'large'))
      }
      if (warm) {
        await store.set('k', 'value')
        sync.set('k', 'value')
      }
      const away = `${root}-away`
      for (const mountPoint of [false, true]) {
        renameSync(root, away)
        // What is left of a volume that is not mounted is its empty mount point.
        if (mountPoint) mkdirSync(root)
        for (const [name, call] of VERBS) {
          if (options.format === 'raw' && /keys|new key/.test(name)) continue
          const error = await failureOf(() => call(faces))
          t.match(error, { name: 'StoreError', code: 'UNAVAILABLE', retryable: true }, name)
        }
        if (mountPoint) {
          t.same(readdirSync(root), [], 'nothing was written where the volume should be')
          rmdirSync(root)
        }
        t.notOk(existsSync(root))
        renameSync(away, root)
        t.same(await store.get('k'), Buffer.from('value'), 'it is back, and needs no opening')
        t.same(sync.get('k'), Buffer.from('value'))
        t.equal(await store.has('absent'), false)
        t.equal(sync.has('new'), false)
        t.same(await store.get('large'), Buffer.alloc(300_000, 'large'))
        await store.set('k', 'value')
        sync.set('k', 'value')
        t.equal(await store.count(), 2)
      }
      await store.close()
      sync.close()
      t.same(privateFiles(root), [])
      t.same(readdirSync(`${root}/.tmp`), [], 'no private directory is left')
    },
  )
}

await t.test('a store whose root is gone can be closed', async (t) => {
  const root = `${await scratchDirectory(t)}/store`
  const store = await open(root)
  await store.set('k', 'value')
  renameSync(root, `${root}-away`)
  t.equal(await store.close(), undefined)
})
