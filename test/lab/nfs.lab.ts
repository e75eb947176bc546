import t, { type Test } from 'tap'
import { judge, type Verdict } from './nfs-judgement.js'
import { nameOf, nameOfMount, runRows, runVisibility, type Mount, type Row } from './nfs-matrix.js'
import type { Recorded } from './nfs-plan.js'
import { IS_SHORT } from './selection.js'

const SEED = Number(process.env['LINKSTORE_TEST_SEED'] ?? Date.now() % 2 ** 31)
const VERSIONS = IS_SHORT ? ['3', '4.2'] : ['3', '4.0', '4.1', '4.2']
const OPTIONS = IS_SHORT
  ? [undefined, 'lookupcache=none']
  : [undefined, 'lookupcache=none', 'noac', 'actimeo=1']
const EPOCHS = IS_SHORT ? 5 : 10
const ROUNDS = IS_SHORT ? 10 : 25
/** That what had been before was seen, or what is there was missed; not that anything was lost. */
const LATE =
  /^(before|get|delete|take|missed): (undefined|v0|v1|false|\d+), not |^after take of v2: v2, |^given up/
/** So many calls of a key are made even on a busy machine; fewer would prove little. */
const MIN_CALLS = 4

function mountsOf(version: string): Mount[] {
  return OPTIONS.map((options) => ({ version, ...(options !== undefined && { options }) }))
}

/** The rows of one version of NFS; the newest with three hosts as well. */
function rowsOf(version: string): Row[] {
  const hostCounts = version === '4.2' && !IS_SHORT ? [2, 3] : [2]
  const rows = hostCounts.flatMap((hosts) =>
    mountsOf(version).map((mount): Row => ({ ...mount, hosts, reader: 'store', epochs: EPOCHS })),
  )
  const most = hostCounts.at(-1)!
  const cached = mountsOf(version).filter(({ options }) => isDefault(version, options))
  return [
    ...rows,
    ...cached.map((mount): Row => ({ ...mount, hosts: most, reader: 'cached', epochs: EPOCHS })),
  ]
}

/** Whether a mount is as one would have it. */
function isDefault(version: string, options: string | undefined): boolean {
  return options === undefined || (version === '3' && options === 'lookupcache=none')
}

/** Where nothing at all may be seen late: `docs/guarantees.md`. */
function isLinearizable({ version, options }: Mount): boolean {
  return version !== '3' || options === 'lookupcache=none'
}

/** Whether a listing may contradict the names until the directory changes again: the same page. */
function mayGiveUp({ version }: Mount): boolean {
  return version === '3'
}

function tellVerdict(t: Test, row: Row, { calls, keys, stale, broken, givenUp }: Verdict): void {
  const counts = `${calls} calls, ${keys} keys, ${stale.length} stale, ${broken.length} broken`
  t.comment(`${nameOf(row)}: ${counts}, ${givenUp.length} given up`)
}

t.comment(`seed ${SEED}; set LINKSTORE_TEST_SEED for the same calls`)

/** A call in a history made up; histories name the first and the last moment of each. */
function call(times: [number, number], what: Partial<Recorded>): Recorded {
  return { host: 0, key: 'k', kind: 'read', called: times[0], returned: times[1], ...what }
}

await t.test('what hosts saw is judged rightly', async (t) => {
  const write = (at: number, value: string): Recorded =>
    call([at, at + 2], { kind: 'write', value })
  const read = (at: number, result?: string): Recorded =>
    call([at, at + 2], { host: 1, ...(result !== undefined && { result }) })
  const add = (at: number, value: string, host: number): Recorded =>
    call([at, at + 2], { kind: 'add', value, host, result: true })
  const take = (at: number, result: string): Recorded =>
    call([at, at + 2], { kind: 'take', result })
  const cases: [calls: Recorded[], verdict: 'sound' | 'stale' | 'broken'][] = [
    [[read(0), write(3, 'x'), read(6, 'x'), take(9, 'x'), read(12)], 'sound'],
    [[write(0, 'x'), write(3, 'y'), read(4, 'x'), read(6, 'y')], 'sound'],
    [[write(0, 'x'), read(3)], 'stale'],
    [[write(0, 'x'), write(3, 'y'), read(6, 'x')], 'stale'],
    [[write(0, 'x'), read(1, 'x'), read(4), read(7, 'x')], 'stale'],
    [[write(0, 'x'), call([3, 5], { kind: 'remove', result: false })], 'stale'],
    [[write(0, 'x'), call([3, 5], { kind: 'has', result: false })], 'stale'],
    [[write(0, 'x'), read(3, 'torn')], 'broken'],
    [[write(4, 'x'), read(0, 'x')], 'broken'],
    [[add(0, 'x', 0), add(1, 'y', 1)], 'broken'],
    [[write(0, 'x'), take(3, 'x'), take(4, 'x')], 'broken'],
  ]
  for (const [calls, verdict] of cases) {
    const { stale, broken } = judge([{ row: 0, host: 0, calls, faults: [] }])
    t.equal(broken.length > 0 ? 'broken' : stale.length > 0 ? 'stale' : 'sound', verdict)
  }
  t.strictSame(judge([{ row: 0, host: 0, calls: [], faults: ['an error'] }]).broken, ['an error'])
})

for (const version of VERSIONS) {
  await t.test(`NFS ${version} keeps what is promised of it`, async (t) => {
    const rows = rowsOf(version)
    for (const [i, verdict] of (await runRows(t, rows, SEED)).entries()) {
      const row = rows[i]!
      const { calls, keys, stale, broken, givenUp } = verdict
      tellVerdict(t, row, verdict)
      t.ok(calls >= MIN_CALLS * keys, `${nameOf(row)}: enough was done`)
      t.strictSame(broken, [], `${nameOf(row)}: nothing torn, one winner`)
      if (!mayGiveUp(row)) t.strictSame(givenUp, [], `${nameOf(row)}: nothing given up`)
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
    t.equal(reports.length, 7, nameOfMount(mount))
    for (const { name, rounds, wrong, wrongPlain } of reports) {
      await t.test(`${name}, on ${nameOfMount(mount)}`, async (t) => {
        const counts = `wrong in ${wrong.length} of ${rounds} rounds`
        t.comment(`${counts}; by plain calls in ${wrongPlain.length}`)
        if (isLinearizable(mount)) t.strictSame(wrong, [], 'linkstore is right')
        else
          t.strictSame(
            wrong.filter((what) => !LATE.test(what)),
            [],
            'it is late at most',
          )
      })
    }
    // A client that remembers no names is not wrong about them.
    if (mount.options !== undefined) continue
    const fooled = reports.filter(({ isRace, wrongPlain }) => !isRace && wrongPlain.length > 0)
    // On NFS 3 it depends on when the clock of the server ticks.
    const isSure = mount.version === '3' ? fooled.length > 0 : fooled.length === 5
    t.ok(isSure, `${nameOfMount(mount)}: plain calls are wrong`)
  }
})
