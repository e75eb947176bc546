import t from 'tap'
import type { Verdict } from '../../lib/doctor/index.js'
import { makeDisk } from './disk.js'
import type { DoctorResult } from './doctor-worker.js'
import { runGuest, worker } from './guest.js'
import { IS_SHORT } from './selection.js'

const TIMEOUT_MS = 240_000
const [MOUNT, SERVED] = ['/run/mnt/a', '/run/disk']
/** How long each probe may take on the mount whose cable is pulled, and what it may all take. */
const [HANG, MAX_HANG_MS] = ['2s', 20_000]
/** How long each probe may take elsewhere; those that repeat themselves take a part of it. */
const PROBE = '5s'

interface Row {
  readonly options: string
  readonly verdict: Verdict
  /** Whether a value is whole, seen, never missed, has one winner, and survives. */
  readonly promises: string
  readonly says: RegExp
}

const HOLDS = 'holds holds holds holds depends'
const LATE = 'holds fails fails holds depends'

const ALL_ROWS: readonly Row[] = [
  {
    options: 'vers=4.2,hard',
    ...{ verdict: 'fit', promises: HOLDS },
    says: /^NFS 4.2: opening a directory asks the server for changes$/,
  },
  {
    options: 'vers=4.1,nocto',
    ...{ verdict: 'limited', promises: LATE },
    says: /^nocto keeps this host from asking/,
  },
  {
    options: 'vers=4.0,softerr',
    ...{ verdict: 'limited', promises: LATE },
    // The kernel adds softreval by itself.
    says: /^while the server is away, softerr brings softreval, which lets this host go by/,
  },
  {
    options: 'vers=4.2,soft,noac',
    ...{ verdict: 'fit', promises: HOLDS },
    says: /^NFS 4.2: .*\(noac\); soft: while the server is away, calls fail/,
  },
  {
    options: 'vers=3,nolock',
    ...{ verdict: 'limited', promises: LATE },
    says: /^NFS 3 tells changes by time stamps/,
  },
  {
    options: 'vers=3,nolock,lookupcache=positive,actimeo=1',
    ...{ verdict: 'limited', promises: LATE },
    says: /\(lookupcache=pos, acregmin=1, acregmax=1, acdirmin=1, acdirmax=1\)$/,
  },
  {
    options: 'vers=3,nolock,lookupcache=none',
    ...{ verdict: 'fit', promises: HOLDS },
    says: /^NFS 3: lookupcache=none has every name asked for/,
  },
]

const SHORT_OPTIONS = ['vers=4.2,hard', 'vers=3,nolock']
const ROWS = ALL_ROWS.filter(({ options }) => !IS_SHORT || SHORT_OPTIONS.includes(options))

/** All rows in one guest, and then one mount whose cable is pulled. */
async function examineAll(): Promise<Map<string, DoctorResult>> {
  const rows = ROWS.map(
    ({ options }) => `
    host_mount a ${MOUNT} ${options}
    ${worker('lab/doctor-worker.js', options, MOUNT, SERVED, '--timeout', PROBE)}
    umount ${MOUNT}`,
  )
  const script = `
    disk_mount /dev/ubda ${SERVED}
    nfs_server ${SERVED}
    host_add a 1
    ${rows.join('')}
    host_mount a ${MOUNT} vers=4.2,hard
    host_cut a
    ${worker('lab/doctor-worker.js', 'cut', MOUNT, SERVED, '--timeout', HANG)}
    host_heal a`
  const disks = [makeDisk(t, { fileSystem: 'ext4' })]
  const results = await runGuest(t, { disks, script, timeoutMs: TIMEOUT_MS })
  return new Map((results as DoctorResult[]).map((result) => [result.name, result]))
}

const STATUS: Readonly<Record<Verdict, number>> = { fit: 0, limited: 1, unfit: 3 }
const results = await examineAll()

for (const { options, verdict, promises, says } of ROWS) {
  await t.test(`on NFS mounted with ${options} doctor says what holds`, async (t) => {
    const { status, report, stderr, left, durationMs } = results.get(options)!
    t.comment(`${Math.round(durationMs)} ms`)
    const summaries = report.checks.map(({ id, grade, summary }) => `${id} ${grade}: ${summary}`)
    t.equal(report.verdict, verdict, summaries.join('\n'))
    t.equal(status, STATUS[verdict])
    t.equal(report.promises.map((promise) => promise.verdict).join(' '), promises)
    t.match(report.checks.find(({ id }) => id === 'visibility')?.summary, says)
    const bad = report.checks.filter(({ grade }) => ['bad', 'unknown'].includes(grade))
    t.same(bad, [], 'every probe worked')
    const { mount, linkCount, clock } = report.facts
    t.match(mount, { mountPoint: MOUNT, type: options.includes('vers=3') ? 'nfs' : 'nfs4' })
    t.match(linkCount, { kind: 'found', value: { isLimit: false } })
    t.equal(clock.kind, 'found')
    if (clock.kind === 'found') {
      const { offsetMs, uncertaintyMs } = clock.value
      t.ok(Math.abs(offsetMs) <= uncertaintyMs + 50, `${offsetMs} ± ${uncertaintyMs} ms`)
    }
    t.equal(stderr, '')
    t.same(left, ['lost+found'], 'nothing is left on the server')
  })
}

await t.test('a mount that hangs is told in time, and holds nobody up', async (t) => {
  const { status, report, durationMs, left } = results.get('cut')!
  t.equal(report.verdict, 'unfit')
  t.equal(status, 3)
  t.match(report.checks[0], { id: 'response', grade: 'bad', summary: /no answer within 2 s/ })
  t.ok(durationMs < MAX_HANG_MS, `${Math.round(durationMs)} ms`)
  t.same(left, ['lost+found'])
})
