import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import t, { type Test } from 'tap'
import { hashKey, open, openSync, type OpenOptions } from '../index.js'
import { copyPackage, ONE, WITHOUT_USERS } from './support/other-users.js'
import { scratchDirectory, WITHOUT_MOUNTS, WITHOUT_STRACE } from './support/surroundings.js'
import { readTrace, stepsOf, straceInto } from './support/trace.js'
import { DIST_PATH, runWorker, type WorkerOptions } from './support/workers.js'

const FACES = ['sync', 'async'] as const
const ACCESS_DENIED = { code: 'ACCESS_DENIED', retryable: false }

type Step = readonly [verb: string, ...values: unknown[]]

/** Runs verbs in a process of their own and gives their results. */
async function runScript(
  t: Test,
  root: string,
  face: string,
  options: OpenOptions,
  steps: readonly Step[],
  how: WorkerOptions = {},
): Promise<unknown[]> {
  const values = [root, face, JSON.stringify(options), JSON.stringify(steps)]
  return (await runWorker(t, 'processes/worker-script.js', values, how)) as unknown[]
}

const withUmask = (umask: string): string[] => ['sh', '-c', `umask ${umask}; exec "$@"`, 'sh']

/** The modes of all that is in a directory, and of itself, by kind. */
function modesIn(root: string): { files: string[]; directories: string[] } {
  const [files, directories] = [new Set<string>(), new Set<string>()]
  const names = readdirSync(root, { recursive: true }) as string[]
  for (const name of ['', ...names]) {
    const stats = statSync(`${root}/${name}`)
    const mode = (stats.mode & 0o7777).toString(8)
    ;(stats.isDirectory() ? directories : files).add(mode)
  }
  return { files: [...files], directories: [...directories] }
}

for (const umask of [0o022, 0o027, 0o007, 0o077]) {
  const shown = umask.toString(8).padStart(3, '0')
  await t.test(`without modes of its own the store follows the umask ${shown}`, async (t) => {
    for (const face of FACES) {
      const root = `${await scratchDirectory(t)}/store`
      const steps: Step[] = [
        ['set', 'k', 'v', { ttlMs: 1e9 }],
        ['add', 'l', 'v'],
      ]
      await runScript(t, root, face, {}, steps, { wrapper: withUmask(shown) })
      t.same(modesIn(root), {
        files: [(0o666 & ~umask).toString(8)],
        directories: [(0o777 & ~umask).toString(8)],
      })
    }
  })
}

const SHARED: OpenOptions = { fileMode: 0o660, dirMode: 0o2770 }

await t.test('modes that are given are exact, whatever the umask', async (t) => {
  for (const face of FACES) {
    const root = `${await scratchDirectory(t)}/store`
    const steps: Step[] = [
      ['set', 'k', 'v', { ttlMs: 1e9 }],
      ['add', 'l', 'v'],
    ]
    await runScript(t, root, face, SHARED, steps, { wrapper: withUmask('077') })
    t.same(modesIn(root), { files: ['660'], directories: ['2770'] })
  }
})

await t.test('nothing is visible before it has its mode', { skip: WITHOUT_STRACE }, async (t) => {
  const scratch = await scratchDirectory(t)
  const root = `${scratch}/store`
  using _store = openSync(root, SHARED)
  const wrapper = straceInto(`${scratch}/trace`)
  for (const face of FACES) {
    const steps = [['set', `in a new shard, ${face}`, 'v']] as const
    await runScript(t, root, face, { ...SHARED, durability: 'none' }, steps, { wrapper })
    const calls = readTrace(`${scratch}/trace`)
    t.strictSame(stepsOf(calls, root, hashKey(`in a new shard, ${face}`)), [
      'mkdir root: EEXIST',
      'mkdir instance',
      'chmod 02770 instance',
      'create private a',
      'fchmod 0660 private a',
      'write private a',
      'close private a',
      'rename private a to object: ENOENT',
      'mkdir private b',
      'chmod 02770 private b',
      'rename private b to outer',
      'mkdir private b',
      'chmod 02770 private b',
      'rename private b to shard',
      'rename private a to object',
      'rmdir instance',
    ])
  }
})

/** Another user of the same group, and one of none. */
const OTHER = { uid: 12_346, gid: ONE.gid }
const STRANGER = { uid: 12_347, gid: 23_457 }

/** A directory that a group shares, as an administrator makes one. */
async function sharedDirectory(t: Test): Promise<string> {
  const root = `${await scratchDirectory(t)}/shared`
  mkdirSync(root)
  chownSync(root, 0, ONE.gid)
  chmodSync(root, 0o2770)
  return root
}

/** The links that a process tried to make to objects, and how they ended. */
function linksIn(tracePath: string): string[] {
  const isLink = ({ name, paths }: { name: string; paths: readonly string[] }): boolean =>
    name === 'link' && /\/[0-9a-f]{60}$/.test(paths[0] ?? '')
  return readTrace(tracePath)
    .filter(isLink)
    .map(({ error }) => error)
}

const WRITES: Step[] = [
  ['set', 'overwritten', 'first'],
  ['set', 'deleted', 'first'],
  ['set', 'taken', 'first'],
  ['set', 'kept', 'first', { ttlMs: 1e9 }],
]
const CHANGES: Step[] = [
  ['get', 'kept'],
  ['set', 'overwritten', 'second', { ttlMs: 1e9 }],
  ['delete', 'deleted'],
  ['take', 'taken'],
  ['add', 'taken', 'second'],
  ['add', 'kept', 'second'],
  ['rename', 'kept', 'moved'],
]
const CHANGED = ['first', { sizeBytes: 6 }, true, 'first', true, false, true]

await t.test('two users of a group share a store', { skip: WITHOUT_USERS }, async (t) => {
  const distPath = await copyPackage(t)
  for (const [face, umask] of [
    ['sync', '022'],
    ['async', '077'],
  ] as const) {
    const root = await sharedDirectory(t)
    const how = { distPath, wrapper: withUmask(umask) }
    for (const [writer, changer] of [
      [ONE, OTHER],
      [OTHER, ONE],
    ] as const) {
      await runScript(t, root, face, SHARED, WRITES, { ...how, ...writer })
      t.match(await runScript(t, root, face, SHARED, CHANGES, { ...how, ...changer }), CHANGED)
      const again: Step[] = [
        ['take', 'overwritten'],
        ['take', 'moved'],
        ['get', 'taken'],
        ['verify'],
        ['clear'],
      ]
      t.match(await runScript(t, root, face, SHARED, again, { ...how, ...writer }), [
        'second',
        'first',
        'second',
        { objects: 1, findings: [] },
        1,
      ])
    }
    t.same(readdirSync(`${root}/.tmp`), [])
    const modes = modesIn(root)
    t.same(modes, { files: ['660'], directories: ['2770'] })
  }
})

const skipLinks = WITHOUT_USERS || WITHOUT_STRACE
await t.test(
  "another user's object is read by link where that is allowed",
  { skip: skipLinks },
  async (t) => {
    const distPath = await copyPackage(t)
    const isProtected = readFileSync('/proc/sys/fs/protected_hardlinks', 'utf8').trim() === '1'
    const refused = isProtected ? 'EPERM' : ''
    for (const [fileMode, ending] of [
      [0o660, ''],
      [0o640, refused],
    ] as const) {
      const root = await sharedDirectory(t)
      const options = { fileMode, dirMode: 0o2770 }
      await runScript(t, root, 'sync', options, WRITES, { ...ONE, distPath })
      for (const face of FACES) {
        const wrapper = straceInto(`${root}/../trace`)
        chmodSync(`${root}/..`, 0o777)
        const reads: Step[] = [['get', 'kept'], ['keys'], ['verify']]
        t.match(await runScript(t, root, face, options, reads, { ...OTHER, distPath, wrapper }), [
          'first',
          ['deleted', 'kept', 'overwritten', 'taken'],
          { objects: 4, findings: [] },
        ])
        t.same([...new Set(linksIn(`${root}/../trace`))], [ending], 'links, and how they end')
      }
      t.match(await runScript(t, root, 'sync', options, CHANGES, { ...OTHER, distPath }), CHANGED)
    }
  },
)

const READS: Step[] = [
  ['get', 'kept'],
  ['has', 'missing'],
  ['stat', 'kept'],
  ['keys'],
  ['count'],
  ['verify'],
]
const READ = [
  'first',
  false,
  { sizeBytes: 5 },
  ['deleted', 'kept', 'overwritten', 'taken'],
  4,
  { objects: 4, findings: [] },
]
const REFUSED: Step[] = [
  ['set', 'kept', 'v'],
  ['set', 'kept', 'v', { ttlMs: 1 }],
  ['add', 'missing', 'v'],
  ['delete', 'kept'],
  ['take', 'kept'],
  ['copy', 'kept', 'l'],
  ['rename', 'kept', 'l'],
  ['clear'],
  ['destroy'],
]

/** That a store can be read and not be changed, and says why. */
async function checkReadOnly(
  t: Test,
  root: string,
  options: OpenOptions,
  reason: RegExp,
  how: WorkerOptions,
): Promise<void> {
  for (const face of FACES) {
    const results = await runScript(t, root, face, options, [...READS, ...REFUSED], how)
    t.match(results.slice(0, READS.length), READ)
    const refusals = results.slice(READS.length)
    const wanted = { ...ACCESS_DENIED, message: reason }
    t.match(
      refusals,
      REFUSED.map(() => wanted),
    )
    t.equal(refusals.length, REFUSED.length)
  }
}

await t.test('a store that is opened read-only is not changed', async (t) => {
  const root = `${await scratchDirectory(t)}/store`
  await runScript(t, root, 'sync', {}, WRITES)
  const before = statSync(`${root}/.tmp`).mtimeMs
  await checkReadOnly(t, root, { readOnly: true }, /opened with readOnly: true/, {})
  t.equal(statSync(`${root}/.tmp`).mtimeMs, before, 'not even a private name was made')
  await t.rejects(open(`${root}/nowhere`, { readOnly: true }), { code: 'NOT_A_STORE' })
})

await t.test('a user who may not write can read', { skip: WITHOUT_USERS }, async (t) => {
  const root = `${await scratchDirectory(t)}/store`
  const distPath = await copyPackage(t)
  await runScript(t, root, 'sync', {}, WRITES)
  await checkReadOnly(t, root, {}, /this user may not write/, { ...STRANGER, distPath })
})

/** Runs a command first, in a mount namespace of its own; `$0` is the directory. */
const inMounts = (directory: string, command: string): string[] => [
  ...['unshare', '-m', 'sh', '-c', `${command} && exec "$@"`, directory],
]
const READ_ONLY_MOUNT = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0"'

await t.test('a read-only mount makes the store read-only', { skip: WITHOUT_MOUNTS }, async (t) => {
  const root = `${await scratchDirectory(t)}/store`
  await runScript(t, root, 'sync', {}, WRITES)
  const wrapper = inMounts(root, READ_ONLY_MOUNT)
  await checkReadOnly(t, root, {}, /mounted read-only/, { wrapper })
})

await t.test('a mount may become read-only under a store', { skip: WITHOUT_MOUNTS }, async (t) => {
  for (const face of FACES) {
    const root = `${await scratchDirectory(t)}/store`
    const wrapper = inMounts(root, 'mkdir "$0" && mount --bind "$0" "$0"')
    const steps: Step[] = [
      ...WRITES,
      ['sh', `mount -o remount,bind,ro ${root}`],
      ...READS,
      ...REFUSED.filter(([verb]) => verb !== 'destroy'),
    ]
    const results = await runScript(t, root, face, {}, steps, { wrapper })
    t.match(results.slice(WRITES.length + 1), [
      ...READ,
      ...REFUSED.slice(1).map(() => ({ ...ACCESS_DENIED, message: /read-only/ })),
    ])
  }
})

const FILL = 'fill="$(dirname {})/fill"'
const FULL = [
  ['by bytes', 'size=1m', `${FILL}; cat /dev/zero > "$fill" || true`],
  ['by inodes', 'size=100m,nr_inodes=40', `${FILL}; while touch "$fill"; do fill="$fill"-; done`],
] as const
const NO_SPACE = { code: 'NO_SPACE', retryable: true }

for (const [what, limit, fill] of FULL) {
  await t.test(`a disk that is full ${what} loses nothing`, { skip: WITHOUT_MOUNTS }, async (t) => {
    for (const face of FACES) {
      const mount = await scratchDirectory(t)
      const root = `${mount}/store`
      const wrapper = inMounts(mount, `mount -t tmpfs -o ${limit} none "$0"`)
      const value = { repeated: 50_000 }
      const sets = Array.from({ length: 40 }, (_, index): Step => ['set', `k${index}`, value])
      const elsewhere = JSON.stringify([
        ['get', 'kept'],
        ['delete', 'k0'],
        ['set', 'kept', value],
      ])
      const script = `${DIST_PATH}/test/processes/worker-script.js`
      const steps: Step[] = [
        ['set', 'kept', 'first'],
        ...sets,
        ['sh', `find ${root}/.tmp -type f | wc -l`],
        ['sh', `${fill.replace('{}', root)} 2>/dev/null`],
        ['set', 'kept', value],
        ['get', 'kept'],
        ['take', 'k1'],
        ['delete', 'k2'],
        ['set', 'kept', 'second'],
        ['get', 'kept'],
        ['verify'],
        ['sh', `${process.execPath} ${script} ${root} sync '{}' '${elsewhere}'`],
      ]
      const results = await runScript(t, root, face, {}, steps, { wrapper })
      const ofSets = results.slice(1, 1 + sets.length) as { code?: string }[]
      const failed = ofSets.filter(({ code }) => code !== undefined)
      t.ok(failed.length > 5 && failed.length < 38, `${failed.length} sets did not fit`)
      for (const failure of failed) t.match(failure, NO_SPACE)
      const objects = 1 + sets.length - failed.length - 2
      t.match(results.slice(1 + sets.length), [
        ...['0', '', NO_SPACE, 'first', '50000 bytes', true, { sizeBytes: 6 }, 'second'],
        { objects, findings: [] },
        /^\["second",true,/,
      ])
    }
  })
}
