import t, { type Test } from 'tap'
import type { ObjectStore } from '../../index.js'
import type { Conformed } from './conformance-worker.js'
import { makeDisk } from './disk.js'
import { quote, runGuest, worker } from './guest.js'
import { LOCAL_MOUNTS, makeLocalDisks } from './local-mounts.js'
import { IS_SHORT, tellProgress } from './selection.js'

const WORKER = 'lab/conformance-worker.js'
const TIMEOUT_MS = 900_000
/** The suite has some thirty tests; fewer would mean that it did not run. */
const MIN_TESTS = 25

interface NfsMount {
  readonly options: string
  /**
   * The verbs that are called in a tick of the server's clock of their own, which is how a host on
   * NFS 3 is told of a change: docs/guarantees.md says what is not promised within one.
   */
  readonly ticked?: readonly (keyof ObjectStore)[]
}

const MOUNTS: readonly NfsMount[] = [
  { options: 'vers=4.2' },
  { options: 'vers=4.1' },
  { options: 'vers=4.0' },
  { options: 'vers=3,nolock,lookupcache=none', ticked: ['list'] },
  { options: 'vers=3,nolock', ticked: ['write', 'remove', 'take', 'list'] },
]
const NFS_MOUNTS = IS_SHORT ? MOUNTS.slice(0, 1) : MOUNTS

/** Runs a script for each name in one guest, and gives what the suite reported for each. */
async function runSuites(
  t: Test,
  disks: readonly string[],
  scripts: readonly (readonly [name: string, script: string])[],
): Promise<Map<string, Conformed[]>> {
  const suites = new Map<string, Conformed[]>()
  const parts = scripts.map(
    ([name, script]) => `echo ${quote(JSON.stringify(name))} >>$LAB_RESULTS\n${script}`,
  )
  await runGuest(t, {
    disks,
    memoryMiB: 768,
    timeoutMs: TIMEOUT_MS,
    script: parts.join('\n'),
    onResult: (result) => {
      if (typeof result === 'string') {
        tellProgress(`conformance, ${result}`)
        suites.set(result, [])
      } else [...suites.values()].at(-1)?.push(result as Conformed)
    },
  })
  return suites
}

async function judge(t: Test, suites: ReadonlyMap<string, Conformed[]>): Promise<void> {
  for (const [name, results] of suites) {
    await t.test(`${name} passes the conformance suite`, async (t) => {
      t.ok(results.length >= MIN_TESTS, 'the suite was run')
      for (const { title, failure } of results) t.equal(failure, undefined, title)
    })
  }
}

await t.test('every local file system behaves as a store must', async (t) => {
  const mounts = Object.entries(LOCAL_MOUNTS).map(([name, mount]): [string, string] => [
    name,
    `${mount}\n${worker(WORKER, `/run/${name}`)}`,
  ])
  await judge(t, await runSuites(t, makeLocalDisks(t), mounts))
})

await t.test('two hosts on NFS behave as one store must', async (t) => {
  const mounts = NFS_MOUNTS.map(({ options, ticked = [] }, index): [string, string] => [
    options,
    `${index === 0 ? 'disk_mount /dev/ubda /run/disk; nfs_server /run/disk' : ''}
    ${index === 0 ? 'host_add a 1; host_add b 2' : ''}
    for host in a b; do host_mount $host /run/mnt/$host ${quote(options)}; done
    ${worker(WORKER, ...ticked.map((verb) => `--tick=${verb}`), '/run/mnt/a', '/run/mnt/b')}
    umount /run/mnt/a /run/mnt/b`,
  ])
  const disks = [makeDisk(t, { fileSystem: 'ext4' })]
  await judge(t, await runSuites(t, disks, mounts))
})
