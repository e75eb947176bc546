import t, { type Test } from 'tap'
import type { Verdict } from './nfs-judgement.js'
import { nameOf, nameOfMount, runRows, runVisibility, type Mount, type Row } from './nfs-matrix.js'
import { IS_SHORT } from './selection.js'

const SEED = Number(process.env['LINKSTORE_TEST_SEED'] ?? Date.now() % 2 ** 31)
const VERSIONS = IS_SHORT ? ['3', '4.2'] : ['3', '4.0', '4.1', '4.2']
const OPTIONS = IS_SHORT
  ? [undefined, 'lookupcache=none']
  : [undefined, 'lookupcache=none', 'noac', 'actimeo=1']
const EPOCHS = IS_SHORT ? 5 : 10
const ROUNDS = IS_SHORT ? 10 : 25
/** So many calls of a key are made even on a busy machine; fewer would prove little. */
const MIN_CALLS = 4

function mountsOf(version: string): Mount[] {
  return OPTIONS.map((options) => ({ version, ...(options !== undefined && { options }) }))
}

/** The rows of one version of NFS; the newest with three hosts as well. */
function rowsOf(version: string): Row[] {
  const hostCounts = version === '4.2' && !IS_SHORT ? [2, 3] : [2]
  return hostCounts.flatMap((hosts) =>
    mountsOf(version).map((mount) => ({ ...mount, hosts, reader: 'store', epochs: EPOCHS })),
  )
}

/** Where nothing at all may be seen late: `docs/guarantees.md`. */
function isLinearizable({ version, options }: Mount): boolean {
  return version !== '3' || options === 'lookupcache=none'
}

function tellVerdict(t: Test, row: Row, { calls, keys, stale, broken }: Verdict): void {
  const counts = `${calls} calls, ${keys} keys, ${stale.length} stale, ${broken.length} broken`
  t.comment(`${nameOf(row)}: ${counts}`)
}

t.comment(`seed ${SEED}; set LINKSTORE_TEST_SEED for the same calls`)

for (const version of VERSIONS) {
  await t.test(`NFS ${version} keeps what is promised of it`, async (t) => {
    const rows = rowsOf(version)
    for (const [i, verdict] of (await runRows(t, rows, SEED)).entries()) {
      const row = rows[i]!
      const { calls, keys, stale, broken } = verdict
      tellVerdict(t, row, verdict)
      t.ok(calls >= MIN_CALLS * keys, `${nameOf(row)}: enough was done`)
      t.strictSame(broken, [], `${nameOf(row)}: nothing torn, one winner`)
      if (isLinearizable(row)) t.strictSame(stale, [], `${nameOf(row)}: nothing stale or missed`)
    }
  })
}

await t.test('hosts that believe their caches do see what is stale', async (t) => {
  const readers = ['stale', 'bare'] as const
  const rows = (IS_SHORT ? ['4.2'] : VERSIONS).flatMap((version) =>
    readers.map((reader): Row => ({ version, hosts: 2, reader, epochs: 5 })),
  )
  for (const [i, verdict] of (await runRows(t, rows, SEED)).entries()) {
    tellVerdict(t, rows[i]!, verdict)
    t.not(verdict.stale.length, 0, nameOf(rows[i]!))
  }
})

await t.test('what a host remembers', async (t) => {
  const mounts = VERSIONS.map((version): Mount => ({ version }))
  mounts.push({ version: '3', options: 'lookupcache=none' })
  for (const [i, reports] of (await runVisibility(t, mounts, ROUNDS)).entries()) {
    const mount = mounts[i]!
    t.equal(reports.length, 5, nameOfMount(mount))
    for (const { name, rounds, wrong, wrongPlain } of reports) {
      await t.test(`${name}, on ${nameOfMount(mount)}`, async (t) => {
        t.comment(`wrong in ${wrong} of ${rounds} rounds; by plain calls in ${wrongPlain}`)
        if (isLinearizable(mount)) t.equal(wrong, 0, 'linkstore is right')
        // A client that remembers no names is not wrong.
        if (mount.options === undefined) t.not(wrongPlain, 0, 'plain calls are wrong')
      })
    }
  }
})
