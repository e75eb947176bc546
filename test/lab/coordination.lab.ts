import t, { type Test } from 'tap'
import {
  hostsOf,
  inBackground,
  nameOf,
  PREPARATION,
  rootOf,
  runRows,
  selected,
  type Row,
} from './coordination-guest.js'
import { judgeCell, judgeLease } from './coordination-judgement.js'
import { COSTS } from './coordination-costs.js'
import {
  COUNTED,
  COUNTED_BY_CELL,
  COUNTED_BY_FLOCK,
  COUNTED_BY_LOCK,
  makeTools,
  sumUp,
} from './coordination-counted.js'
import {
  CUT_KEY,
  type CellCall,
  type CellReport,
  type CostReport,
  type CountedReport,
  type FlightReport,
  type LeaseEvent,
  type LeaseReport,
  type ListingReport,
  type QueueReport,
} from './coordination-plan.js'
import { makeDisk, WHOLE_SECONDS } from './disk.js'
import { background, runGuest, worker } from './guest.js'
import { callsIn, isKnown } from './rpc-table.js'
import { IS_SHORT, WITH_FLOCK } from './selection.js'

const LISTINGS = IS_SHORT ? 40 : 100
const KEYS = 10
const COUNTING_MS = 3000
const TURNS_MS = 6000
const CUT_MS = 4000
/** What a maker that is cut off may be ahead of the next: a lease and some, on a busy machine. */
const TAKE_OVER_MS = 5000

const CELL_ROWS = selected([
  { options: 'vers=4.2', hosts: 3, cut: 'b' },
  { options: 'vers=4.0', hosts: 3, isLong: true },
  { options: 'vers=3,nolock', hosts: 2, cut: 'b' },
  { options: 'vers=3,nolock,lookupcache=none', hosts: 2, isLong: true },
])
const CUT_ROWS = selected([
  { options: 'vers=4.2', hosts: 3, cut: 'a' },
  { options: 'vers=3,nolock', hosts: 2, cut: 'a', isLong: true },
])
/** On NFS 3 the second look, under the lease, is as late as any read, if names are remembered. */
const FLIGHT_ROWS = selected([
  { options: 'vers=4.2', hosts: 3, cut: 'a' },
  { options: 'vers=3,nolock,lookupcache=none', hosts: 2, cut: 'a', isLong: true },
])
const COST_ROWS = selected([
  { options: 'vers=4.2', hosts: 2 },
  { options: 'vers=3,nolock', hosts: 2, isLong: true },
])

const COUNT_ROWS: readonly Row[] = [
  { options: 'vers=4.2', hosts: 3 },
  ...(WITH_FLOCK ? [{ options: 'vers=4.2,lookupcache=none', hosts: 3 }] : []),
]
/** The server lets nobody lock before this grace is over, and gives delegations after it. */
const MEASURED = { settings: WITH_FLOCK ? 'nlm_grace_s=1' : '', ticksFinely: true }
const BESIDE_MS = 3000
/** What a change under a lock may cost at most, in calls to the server. */
const LOCK_BUDGET = 40

/** Shell that pulls the cable of a host, when a condition holds, and puts it back. */
function pull({ cut }: Row, condition: string): string {
  if (cut === undefined) return ''
  const heal = `sleep ${CUT_MS / 1000}; host_heal ${cut}`
  return `until ${condition}; do sleep 0.05; done; host_cut ${cut}; ${heal}`
}

await t.test('what hosts saw of cells and leases is judged rightly', async (t) => {
  const call = (kind: CellCall['kind'], generation: number, called: number): CellCall => {
    return { host: 'a', kind, generation, value: generation, called, returned: called + 2 }
  }
  const cells: [calls: CellCall[], isRight: boolean][] = [
    [[call('update', 1, 0), call('read', 1, 3), call('update', 2, 6), call('read', 2, 9)], true],
    [[call('update', 1, 0), call('read', 0, 1), call('read', 1, 1.5)], true],
    [[call('update', 1, 0), call('read', 0, 3)], false],
    [[call('read', 2, 0), call('read', 1, 3)], false],
    [[call('read', 1, 0), call('update', 1, 3)], false],
    [[call('update', 2, 0), call('update', 1, 3)], false],
    [[call('update', 1, 0), call('update', 1, 1)], false],
    [[call('update', 1, 0), { ...call('update', 2, 3), value: 1 }], false],
  ]
  for (const [calls, isRight] of cells) t.equal(judgeCell(calls).length === 0, isRight)
  const event = (kind: LeaseEvent['kind'], token: number, atMs: number): LeaseEvent => {
    return { host: 'a', kind, token, atMs }
  }
  const begun = event('begun', 2, 0)
  const leases: [events: LeaseEvent[], isRight: boolean][] = [
    [[begun, event('ended', 2, 1), event('begun', 5, 2), event('lost', 5, 3)], true],
    [[begun, event('begun', 5, 2), event('ended', 2, 3)], false],
    [[begun, event('ended', 2, 1), event('begun', 1, 2)], false],
    [[begun, event('lost', 2, 1), event('release rejected', 2, 2), event('begun', 2, 3)], false],
  ]
  for (const [events, isRight] of leases) t.equal(judgeLease(events).length === 0, isRight)
})

await t.test('after a change of its own a host on NFS 3 lists what is there', async (t) => {
  const paths = ['a', 'b'].map((host) => `/run/mnt/${host}/listed`)
  const reports = (await runGuest(t, {
    disks: [makeDisk(t, { fileSystem: 'ext4', makeOptions: WHOLE_SECONDS })],
    script: `
      ${PREPARATION}
      for host in a b; do host_mount $host /run/mnt/$host vers=3,nolock; done
      ${worker('lab/coordination-listing-worker.js', ...paths, LISTINGS)}`,
  })) as ListingReport[]
  t.equal(reports.length, 3)
  for (const { change, rounds, missed } of reports) {
    const title = `${change}: missed ${missed} of ${rounds}`
    if (change === 'none') t.ok(missed > 0, `${title}: so it can be told`)
    else t.equal(missed, 0, title)
  }
})

await t.test('hosts count in a cell, and no change is lost or seen late', async (t) => {
  const reports = await runRows(t, CELL_ROWS, (row) => {
    const lengthMs = COUNTING_MS + (row.cut === undefined ? 0 : CUT_MS)
    const values = (host: string): (string | number)[] => {
      return [rootOf(host), host, row.hosts, '/run/row/meeting', lengthMs]
    }
    return `
      ${hostsOf(row)
        .map((host) => inBackground(host, 'lab/coordination-cells-worker.js', ...values(host)))
        .join('\n')}
      ${pull(row, `[ -e /run/row/meeting/${row.cut} ] && sleep 2`)}`
  })
  for (const [i, row] of CELL_ROWS.entries()) {
    const ofRow = reports[i] as CellReport[]
    await t.test(nameOf(row), async (t) => {
      t.equal(ofRow.length, row.hosts)
      const calls = ofRow.flatMap(({ calls }) => calls)
      const updates = calls.filter(({ kind }) => kind === 'update')
      const unknown = ofRow.reduce((sum, each) => sum + each.unknown, 0)
      const reads = calls.length - updates.length
      t.comment(`${updates.length} updates, ${unknown} not known, ${reads} reads`)
      // Whoever is held up while others go on by more generations than are kept cannot be told.
      const mostUnknown = row.cut === undefined ? 0 : row.hosts
      t.ok(unknown <= mostUnknown, 'of nearly each it is known whether it was made')
      t.strictSame(
        ofRow.flatMap(({ failed }) => failed),
        [],
        'no call failed',
      )
      t.strictSame(judgeCell(calls).slice(0, 10), [], 'all in order')
      const ends = ofRow.map(({ calls }) => calls.at(-1)?.value ?? NaN)
      const last = Math.max(...ends)
      t.ok(
        ends.every((end) => end === last),
        'each host finds the same at the end',
      )
      t.ok(last >= updates.length && last <= updates.length + unknown, 'and all changes in it')
      t.ok(updates.length > 10 * row.hosts, 'enough was done')
    })
  }
})

await t.test('hosts take turns at a lease, and whoever is cut off loses it', async (t) => {
  const reports = await runRows(
    t,
    CUT_ROWS,
    (row) => `
    ${hostsOf(row)
      .map((host) => {
        const values = [rootOf(host), host, row.hosts, '/run/row/meeting', TURNS_MS]
        if (host === row.cut) values.push('/run/row/ready')
        return inBackground(host, 'lab/coordination-leases-worker.js', ...values)
      })
      .join('\n')}
    ${pull(row, '[ -e /run/row/ready ]')}`,
  )
  for (const [i, row] of CUT_ROWS.entries()) {
    const events = (reports[i] as LeaseReport[]).flatMap(({ events }) => events)
    await t.test(nameOf(row), async (t) => {
      t.strictSame(judgeLease(events), [], 'one holder at a time, with a larger token each')
      const kindsOf = (kind: LeaseEvent['kind']): LeaseEvent[] =>
        events.filter((event) => event.kind === kind)
      const turns = hostsOf(row).map(
        (host) => kindsOf('begun').filter((event) => event.host === host).length,
      )
      t.comment(`turns: ${turns.join(', ')}`)
      const lost = kindsOf('lost')
      const loss = lost.find(({ host }) => host === row.cut)
      t.equal(loss?.code, 'LEASE_LOST', 'it was told that it had lost it')
      const rejected = kindsOf('release rejected').find(({ token }) => token === loss?.token)
      t.equal(rejected?.code, 'LEASE_LOST', 'and could not release it')
      for (const { host, token } of lost) t.comment(`${host} lost ${token}`)
      const later = kindsOf('begun').filter(({ atMs }) => atMs > loss!.atMs)
      for (const host of hostsOf(row)) {
        const count = later.filter((event) => event.host === host).length
        t.ok(count >= 3, `${host} had its turns, ${count} of them after that`)
      }
      t.not(later.toSorted((a, b) => a.atMs - b.atMs)[0]?.host, row.cut, 'others went on')
    })
  }
})

/** Enough for each of the hosts to be at work for a while. */
const jobsOf = ({ hosts }: Row): number => (hosts < 3 ? 350 : 500)

await t.test('each job is done, with a consumer killed and another cut off', async (t) => {
  const journals = ['a', 'b', 'c', 'b-again'].map((name) => `/run/row/journal-${name}`)
  const consume = (host: string, name = host): string => {
    const values = [rootOf(host), `/run/row/journal-${name}`, 1500, 4, '/run/row/start']
    const consumer = worker('processes/worker-queue.js', ...values)
    return background(`host_run ${host} ${consumer} >/run/row/ready-${name}`)
  }
  const judge = 'lab/coordination-queue-worker.js'
  const reports = await runRows(
    t,
    CUT_ROWS,
    (row) => `
    touch ${journals.join(' ')}
    ${worker(judge, 'push', rootOf('b'), '/run/row/pushed', jobsOf(row))}
    ${hostsOf(row)
      .map((host) => consume(host))
      .join('\n')}
    until [ $(cat /run/row/ready-* | wc -l) = ${row.hosts} ]; do sleep 0.05; done
    touch /run/row/start
    until [ $(wc -l </run/row/journal-a) -gt 20 ]; do sleep 0.05; done
    host_cut a
    victim=$(pgrep -f journal-b)
    until [ $(wc -l </run/row/journal-b) -gt 30 ]; do sleep 0.05; done
    kill -9 $victim
    ${consume('b', 'b-again')}
    sleep 5
    host_heal a
    for job in $jobs; do wait $job || [ $? = 137 ]; done
    jobs=
    ${worker(judge, 'judge', rootOf('b'), '/run/row/pushed', ...journals)}`,
  )
  for (const [i, row] of CUT_ROWS.entries()) {
    const [report] = reports[i] as QueueReport[]
    await t.test(nameOf(row), async (t) => {
      const { acknowledged = 0, unheard = 0, repeated, refused } = report ?? {}
      t.comment(`${unheard} unheard, ${repeated} repeated, ${refused} refused`)
      t.strictSame(report?.problems, [], 'none is lost, none is acknowledged twice')
      t.strictSame(report?.counts, { ready: 0, delayed: 0, claimed: 0, dead: 0 })
      t.equal(acknowledged + unheard, jobsOf(row))
      t.ok(unheard <= 4, 'each of these had the consumer that was killed')
    })
  }
})

await t.test(
  'what many hosts ask for is made once, and by another if its maker is cut off',
  async (t) => {
    const reports = await runRows(
      t,
      FLIGHT_ROWS,
      (row) => `
    ${hostsOf(row)
      .map((host) => {
        const values = [rootOf(host), host, row.hosts, '/run/row/meeting', KEYS, '/run/row/ready']
        return inBackground(host, 'lab/coordination-flights-worker.js', ...values)
      })
      .join('\n')}
    ${pull(row, '[ -e /run/row/ready ]')}`,
    )
    for (const [i, row] of FLIGHT_ROWS.entries()) {
      const events = (reports[i] as FlightReport[])
        .flatMap(({ events }) => events)
        .toSorted((one, other) => one.atMs - other.atMs)
      await t.test(nameOf(row), async (t) => {
        for (let number = 0; number < KEYS; number += 1) {
          const ofKey = events.filter(({ key }) => key === `key ${number}`)
          const makers = ofKey.filter(({ kind }) => kind === 'begun').map(({ host }) => host)
          t.equal(makers.length, 1, `key ${number} was made once`)
          const got = ofKey.filter(({ kind }) => kind === 'got').map(({ what }) => what)
          t.strictSame(
            got,
            hostsOf(row).map(() => `key ${number} by ${makers[0]}`),
          )
        }
        const ofCut = events.filter(({ key }) => key === CUT_KEY)
        const aborted = ofCut.find(({ kind }) => kind === 'aborted')
        const [first, second, ...more] = ofCut.filter(({ kind }) => kind === 'begun')
        t.equal(first?.host, row.cut, 'the maker is cut off')
        t.ok(aborted!.atMs < second!.atMs, 'it was told so before another began')
        const tookMs = second!.atMs - first!.atMs
        t.ok(tookMs < TAKE_OVER_MS, `another took over after ${tookMs.toFixed(0)} ms`)
        t.strictSame(more, [], 'one of them')
        t.match(
          ofCut.find(({ kind }) => kind === 'failed'),
          { host: row.cut, what: 'LEASE_LOST' },
        )
        const values = ofCut.filter(({ kind }) => kind === 'got').map(({ what }) => what)
        const value = `${CUT_KEY} by ${second!.host}`
        t.strictSame(
          values,
          hostsOf(row).map(() => value),
          'all have what that one made',
        )
      })
    }
  },
)

await t.test('cells, leases and queues cost the calls that are known', async (t) => {
  const script = worker('lab/coordination-rpc-worker.js', '/run/mnt/a', '/run/mnt/b')
  const reports = await runRows(t, COST_ROWS, () => script, { ticksFinely: true })
  for (const [i, row] of COST_ROWS.entries()) {
    const costs = reports[i] as CostReport[]
    await t.test(nameOf(row), (t) => {
      for (const [at, [name, nfs4, nfs3]] of COSTS.entries()) {
        const expected = row.options.startsWith('vers=3') ? nfs3 : nfs4
        const { counts = '' } = costs[at] ?? {}
        t.equal(costs[at]?.name, name)
        const title = `${name}: ${callsIn(counts)}: ${counts}`
        t.ok(
          expected.some((each) => isKnown(counts, each, row.options.startsWith('vers=3'))),
          title,
          { expected },
        )
      }
      // These depend on the delegations that the server gives, too.
      for (const { name, counts } of costs.slice(COSTS.length)) {
        t.comment(`${name}: ${callsIn(counts)}: ${counts}`)
        if (name === COUNTED_BY_LOCK)
          t.ok(callsIn(counts) <= LOCK_BUDGET, 'a lock is in its budget')
      }
      t.ok(costs.length >= COSTS.length + COUNTED.length, 'all was counted')
      t.end()
    })
  }
})

await t.test('a change under a lock of NFS is counted', { skip: !WITH_FLOCK }, async (t) => {
  const tools = await makeTools(t)
  const script = worker('lab/coordination-rpc-worker.js', '/run/mnt/a', '/run/mnt/b', tools)
  const rows = COUNT_ROWS.slice(0, 1)
  const [costs] = (await runRows(t, rows, () => script, MEASURED)) as [CostReport[]]
  const ofLocks = costs.filter(({ name }) => COUNTED_BY_FLOCK.includes(name))
  t.equal(ofLocks.length, COUNTED_BY_FLOCK.length)
  for (const { name, counts } of ofLocks) t.comment(`${name}: ${callsIn(counts)}: ${counts}`)
})

const BESIDE_TITLE = 'hosts count in a cell beside others that count, and no change is lost'

await t.test(BESIDE_TITLE, { skip: IS_SHORT }, async (t) => {
  const tools = WITH_FLOCK ? await makeTools(t) : ''
  const subjects = [COUNTED_BY_CELL, ...COUNTED, ...(tools === '' ? [] : COUNTED_BY_FLOCK)]
  const scriptOf = (row: Row): string =>
    hostsOf(row)
      .map((host) => {
        const facts = [`/run/mnt/${host}`, host, row.hosts, '/run/row/meeting', BESIDE_MS, tools]
        return inBackground(host, 'lab/coordination-counting-worker.js', ...facts, ...subjects)
      })
      .join('\n')
  const ofRows = (await runRows(t, COUNT_ROWS, scriptOf, MEASURED)) as CountedReport[][]
  for (const [i, row] of COUNT_ROWS.entries()) {
    await t.test(nameOf(row), (t) => {
      judgeCounted(t, row, ofRows[i] ?? [], subjects)
      t.end()
    })
  }
})

/** Nothing that was counted in the cell may be lost; how the others do is told. */
function judgeCounted(
  t: Test,
  row: Row,
  reports: readonly CountedReport[],
  subjects: readonly string[],
): void {
  const byCell = reports.filter(({ subject }) => subject === COUNTED_BY_CELL)
  const cell = sumUp(byCell)
  t.equal(byCell.length, row.hosts, 'all hosts have counted')
  for (const { host, value = NaN } of byCell) {
    t.ok(value >= cell.added, `${host} finds all of ${cell.added} changes`, { value })
    t.ok(value <= cell.added + cell.failed, 'and no others', { value })
  }
  t.ok(cell.added > 10 * byCell.length, 'enough was done')
  // How the others do is for docs/benchmarks.md, and no matter of right or wrong here.
  for (const subject of subjects) {
    const count = sumUp(reports.filter((report) => report.subject === subject))
    const ratio = (count.perSecond / cell.perSecond).toFixed(2)
    t.comment(`${subject}: ${count.description}; ${ratio} of the cell's rate`)
  }
}
