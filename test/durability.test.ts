import { readdirSync } from 'node:fs'
import t, { type Test } from 'tap'
import { open, openSync, type Store, type SyncStore } from '../index.js'
import { FaultyFileSystem, type Fault } from './support/faults.js'
import { privateNames } from './support/leftovers.js'
import { scratchDirectory, WITHOUT_STRACE } from './support/surroundings.js'
import { readTrace, slicesOf, stepsOf, straceInto } from './support/trace.js'
import { runWorker } from './support/workers.js'

/**
 * What each verb changes and flushes under durability `full`, step by step. A step in brackets
 * is done in the background by the asynchronous face, where nobody waits for it.
 *
 * Under `file` the flushes of directories fall away, under `none` all do; but a new store's
 * marker is flushed always.
 */
const STEPS: Readonly<Record<string, readonly string[]>> = {
  'open of a new store': [
    'mkdir root',
    'mkdir instance: ENOENT',
    'mkdir .tmp',
    'mkdir instance',
    'create private a',
    'write private a',
    'fsync private a',
    'close private a',
    'link private a to marker',
    'unlink private a',
    'fsync root',
    'fsync parent',
    'rmdir instance',
  ],
  'set in a new shard': [
    'create private a',
    'write private a',
    'fsync private a',
    'close private a',
    'rename private a to object: ENOENT',
    'mkdir outer',
    'mkdir shard',
    'rename private a to object',
    'fsync shard',
    'fsync outer',
    'fsync root',
  ],
  'set of a key that is there': [
    'create private a',
    'write private a',
    'fsync private a',
    'close private a',
    'rename private a to object',
    'fsync shard',
  ],
  'set of a large value': [
    'create private a',
    'write private a',
    'fsync private a',
    'close private a',
    'rename private a to object',
    'fsync shard',
  ],
  'add of a key that is not there': [
    'create private a',
    'write private a',
    'fsync private a',
    'close private a',
    'link private a to object',
    'fsync shard',
    '(unlink private a)',
  ],
  'add of a key that is there': [
    'create private a',
    'write private a',
    'fsync private a',
    'close private a',
    'link private a to object: EEXIST',
    '(unlink private a)',
  ],
  delete: ['unlink object', 'fsync shard'],
  take: ['rename object to private a', 'fsync shard', '(unlink private a)'],
  copy: [
    'link object to private a',
    '(unlink private a)',
    'create private b',
    'write private b',
    'fsync private b',
    'close private b',
    'rename private b to target',
    'fsync target shard',
  ],
  rename: [
    'link object to private a',
    '(unlink private a)',
    'create private b',
    'write private b',
    'fsync private b',
    'close private b',
    'rename private b to target',
    'fsync target shard',
    'unlink object',
    'fsync shard',
  ],
  'clear of one': ['unlink object', 'fsync shard'],
}

const isInBackground = (step: string): boolean => step.startsWith('(')
const bare = (step: string): string => step.replace(/[()]/g, '')

function stepsUnder(durability: string, name: string): readonly string[] {
  const steps = STEPS[name]!
  if (durability === 'full' || name === 'open of a new store') return steps
  return steps.filter((step) => !step.startsWith('fsync') || isKept(durability, step))
}

function isKept(durability: string, flush: string): boolean {
  return durability === 'file' && flush.includes('private')
}

for (const face of ['sync', 'async']) {
  const skip = WITHOUT_STRACE
  await t.test(`the ${face} face flushes what it must, in order`, { skip }, async (t) => {
    const scratch = await scratchDirectory(t)
    const tracePath = `${scratch}/trace`
    const wrapper = straceInto(tracePath)
    await runWorker(t, 'processes/worker-verbs.js', [`${scratch}/store`, face], { wrapper })
    const slices = slicesOf(readTrace(tracePath))
    t.equal(slices.size, Object.keys(STEPS).length * 3)
    for (const [title, calls] of slices) {
      const [name = '', durability = '', ...hashes] = title.split('/')
      const root = hashes.length === 0 ? `${scratch}/${durability}` : `${scratch}/store`
      const steps = stepsOf(calls, root, ...hashes)
      const wanted = stepsUnder(durability, name)
      const background = new Set(wanted.filter(isInBackground).map(bare))
      const inOrder = (step: string): boolean => face === 'sync' || !background.has(bare(step))
      const what = `${name}, ${durability}`
      t.strictSame(steps.filter(inOrder), wanted.map(bare).filter(inOrder), what)
      for (const step of background) t.ok(steps.includes(step), `${what}: ${step}`)
    }
  })
}

const ENOSPC = { number: 28, code: 'ENOSPC' }
/** Node has no name for this one. */
const EDQUOT = { number: 122, code: 'Unknown system error -122' }
const EIO = { number: 5, code: 'EIO' }
const NO_SPACE = { code: 'NO_SPACE', retryable: true }
const IO = { code: 'IO', retryable: false }

/** What can fail before a value is published, and the error that comes of it. */
const FAULTS: readonly (readonly [what: string, fault: Fault, wanted: object])[] = [
  ['a write without space', { call: 'write', on: 'file', ...ENOSPC }, NO_SPACE],
  ['a last write without space', { call: 'writev', on: 'file', ...ENOSPC }, NO_SPACE],
  ['a write beyond the quota', { call: 'write', on: 'file', ...EDQUOT }, NO_SPACE],
  ['a flush that fails', { call: 'fsync', on: 'file', ...EIO }, IO],
  ['a close that fails', { call: 'close', on: 'file', ...EIO }, IO],
  ['a close, where NFS tells of the quota,', { call: 'close', on: 'file', ...EDQUOT }, NO_SPACE],
  ['a rename that fails', { call: 'rename', on: 'name', ...EIO }, IO],
  ['a link that fails', { call: 'link', on: 'name', ...EIO }, IO],
]

const LARGE = Buffer.alloc(700_000, 'new')

interface Place {
  readonly root: string
  readonly faulty: FaultyFileSystem
}

/** That a write fails as it should, changes nothing and leaves nothing. */
async function checkFailure(
  t: Test,
  { root, faulty }: Place,
  fault: Fault,
  wanted: object,
  store: Store | SyncStore,
): Promise<void> {
  await store.set('k', 'old')
  const descriptors = readdirSync('/dev/fd').length
  // A link publishes what is added; a rename, what is set.
  const verb = fault.call === 'link' ? 'add' : 'set'
  const key = verb === 'add' ? 'new' : 'k'
  faulty.fault = fault
  await t.rejects(async () => store[verb](key, LARGE), {
    ...wanted,
    name: 'StoreError',
    operation: 'write',
    key,
    cause: { errno: -fault.number, syscall: fault.call },
  })
  t.same(privateNames(root), [], 'nothing is left')
  t.equal(readdirSync('/dev/fd').length, descriptors, 'no descriptor is left open')
  if (fault.call !== 'rename') t.equal(await store.delete('unknown'), false)
  faulty.fault = undefined
  t.equal(String(await store.get('k')), 'old', 'the old value is untouched')
  t.equal(await store.count(), 1)
  await store[verb](key, LARGE)
  t.same(await store.get(key), LARGE, 'the same call succeeds later')
}

for (const [what, fault, wanted] of FAULTS) {
  await t.test(`${what} is an error, and the old value stays`, async (t) => {
    const root = `${t.testdir()}/store`
    const faulty = new FaultyFileSystem()
    {
      using store = openSync(root, { fs: faulty.fs })
      await checkFailure(t, { root, faulty }, fault, wanted, store)
      store.clear()
    }
    await using store = await open(root, { fs: faulty.fs })
    await checkFailure(t, { root, faulty }, fault, wanted, store)
  })
}

await t.test('a name in use for a moment is waited for', async (t) => {
  const root = `${t.testdir()}/store`
  const faulty = new FaultyFileSystem()
  const busy = { on: 'name', number: 26, code: 'ETXTBSY' } as const
  const changing = async (store: Store | SyncStore): Promise<void> => {
    for (const times of [1, 4]) {
      faulty.fault = { call: 'rename', ...busy, times }
      await store.set('k', `value ${times}`)
      t.equal(String(await store.get('k')), `value ${times}`)
      faulty.fault = { call: 'unlink', ...busy, times }
      t.equal(await store.delete('k'), true)
    }
    await store.set('k', 'old')
    faulty.fault = { call: 'rename', ...busy }
    const startedAtMs = Date.now()
    await t.rejects(async () => store.set('k', 'new'), { code: 'UNAVAILABLE', retryable: true })
    t.ok(Date.now() - startedAtMs < 10_000, 'not for ever')
    faulty.fault = undefined
    t.equal(String(await store.get('k')), 'old')
  }
  {
    using store = openSync(root, { fs: faulty.fs })
    await changing(store)
  }
  t.same(readdirSync(`${root}/.tmp`), [])
  const store = await open(root, { fs: faulty.fs })
  await changing(store)
  faulty.fault = { call: 'rename', ...busy }
  const reason = new Error('enough')
  const aborting = new AbortController()
  setTimeout(() => aborting.abort(reason), 20)
  await t.rejects(store.set('k', 'new', { signal: aborting.signal }), { code: 'ABORTED' })
  faulty.fault = undefined
  await store.close()
  t.same(readdirSync(`${root}/.tmp`), [])
})

await t.test('a flush of a directory that fails is not acknowledged', async (t) => {
  const root = `${t.testdir()}/store`
  const faulty = new FaultyFileSystem()
  const store = await open(root, { fs: faulty.fs })
  await store.set('k', 'old')
  await store.set('taken', LARGE)
  faulty.fault = { call: 'fsync', on: 'directory', ...EIO }
  await t.rejects(store.set('k', 'new'), IO)
  await t.rejects(store.add('new', 'v'), IO)
  await t.rejects(store.delete('k'), IO)
  await t.rejects(store.take('taken'), IO)
  t.same(await store.get('taken'), LARGE, 'what nobody was given is put back')
  t.equal((await store.set('k', 'newer', { durability: 'file' })).sizeBytes, 5)
  faulty.fault = undefined
  t.equal(String(await store.get('k')), 'newer')
  t.same(await store.take('taken'), LARGE)
  await store.close()
  t.same(readdirSync(`${root}/.tmp`), [])
})

await t.test('a full disk does not keep anything from being deleted or read', async (t) => {
  const root = `${t.testdir()}/store`
  const faulty = new FaultyFileSystem()
  using store = openSync(root, { fs: faulty.fs })
  store.set('k', 'v')
  store.set('taken', 'v')
  // Without space even a name can be too much.
  faulty.fault = { call: 'link', on: 'name', ...ENOSPC }
  t.equal(String(store.get('k')), 'v')
  faulty.fault = { call: 'writev', on: 'file', ...ENOSPC }
  t.equal(String(store.take('taken')), 'v')
  t.equal(store.delete('k'), true)
  t.equal(store.count(), 0)
})
