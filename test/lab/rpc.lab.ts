import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { hashKey } from '../../index.js'
import { makeDisk } from './disk.js'
import { runGuest, worker } from './guest.js'
import { describeCounts } from './rpc-counter.js'
import { BUDGET, callsIn, documentLines, isKnown, ROWS, type Cost } from './rpc-table.js'
import { IS_SHORT } from './selection.js'

const VERSIONS = IS_SHORT ? ['4.2'] : ['4.2', '4.1', '4.0', '3,nolock']
const DOCUMENT_PATH = join(import.meta.dirname, '../../docs/file-systems.md')
/** The shard directory that all keys belong in, and how many the worker needs. */
const SHARD = 'abcd'
const KEYS = 12
const TIMEOUT_MS = 240_000

function keysOfOneShard(): string[] {
  const keys: string[] = []
  for (let number = 0; keys.length < KEYS; number += 1) {
    if (hashKey(`key ${number}`).startsWith(SHARD)) keys.push(`key ${number}`)
  }
  return keys
}

/** Counts on all versions, in one guest. */
async function countAll(): Promise<Cost[]> {
  const [a, b] = ['/run/mnt/a', '/run/mnt/b']
  const rounds = VERSIONS.map(
    (version) => `
    rm -rf /run/disk/*
    for host in a b; do host_mount $host /run/mnt/$host vers=${version}; done
    ${worker('lab/rpc-worker.js', version, a, b, ...keysOfOneShard())}
    umount ${a} ${b}`,
  )
  const script = `
    disk_mount /dev/ubda /run/disk
    nfs_server /run/disk
    host_add a 1; host_add b 2
    ${rounds.join('')}`
  const disks = [makeDisk(t, { fileSystem: 'ext4' })]
  return (await runGuest(t, { disks, script, timeoutMs: TIMEOUT_MS })) as Cost[]
}

const costs = await countAll()
for (const version of VERSIONS) {
  const isVersion3 = version.startsWith('3')
  const mine = costs.filter((cost) => cost.version === version)
  await t.test(`on NFS ${version} each verb costs the calls that are known`, async (t) => {
    const expected = new Map(ROWS.map(([name, nfs4, nfs3]) => [name, isVersion3 ? nfs3 : nfs4]))
    for (const { name, counts, isAsynchronous } of mine) {
      const found = describeCounts(counts)
      const title = `${name}${isAsynchronous ? ', asynchronous' : ''}: ${callsIn(found)}: ${found}`
      t.ok(isKnown(found, expected.get(name), isVersion3), title, { expected: expected.get(name) })
    }
    const counted = new Set(mine.map(({ name }) => name))
    t.strictSame([...counted], [...expected.keys()])
  })
}

await t.test('set, get and delete stay within their budget of calls', async (t) => {
  for (const { version, name, counts } of costs) {
    const most = BUDGET[name]
    const calls = callsIn(describeCounts(counts))
    if (most !== undefined) t.ok(calls <= most, `NFS ${version}, ${name}: ${calls} of ${most}`)
  }
})

await t.test('the documentation tells these costs', async (t) => {
  const lines = readFileSync(DOCUMENT_PATH, 'utf8').split('\n')
  t.strictSame(
    documentLines().filter((line) => !lines.includes(line)),
    [],
  )
})
