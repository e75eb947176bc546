import t, { type Test } from 'tap'
import { makeDisk } from './disk.js'
import { reportOf, type FaultReport } from './faults-report.js'
import { isRight, type Outcome } from './faults-verbs.js'
import { runGuest, worker } from './guest.js'
import { IS_SHORT, tellProgress } from './selection.js'

/** How the fault comes about, and the mount that it befalls. */
interface Fault {
  readonly name: string
  readonly options: string
  /** Shell, before the worker starts. */
  readonly prepare?: string
}

const TIMEOUT_MS = 240_000
const CUT_MS = 5000
/** An abort waits one second for the kernel; the rest is for a machine that is busy. */
const ABORT_MS = 300 + 1000
const BUSY_MS = 2000
const HARD = 'hard,timeo=20,retrans=2'
const VERSIONS = ['vers=4.2', 'vers=3,nolock']
const SOME_VERSIONS = IS_SHORT ? VERSIONS.slice(0, 1) : VERSIONS
const MOUNT_POINT = '/run/mnt/a'
const FUNCTIONS = 'host_cut host_heal host_run host_mount nfs_down nfs_up nfs_export nfs_unexport'

/** Beside another export: a client that has none at all is refused, which is EACCES. */
const OTHER_EXPORT = `
  mkdir /run/other
  exportfs -i -o rw,fsid=7,insecure,no_subtree_check '*:/run/other'`
/** The store's directory is what is mounted. */
const OWN_MOUNT = `
  mkdir -p /run/disk/store ${MOUNT_POINT}/store
  mount_again() {
    umount -l ${MOUNT_POINT}/store || true
    host_run a mount -t nfs -o vers=4.2,${HARD} 10.9.1.1:/store ${MOUNT_POINT}/store
  }
  renew_directory() {
    cp -a /run/disk/store /run/disk/copy
    rm -rf /run/disk/store
    mv /run/disk/copy /run/disk/store
  }
  export -f mount_again renew_directory
  mount_again`

/** What a worker tells of a fault, in a guest of its own. */
async function suffer(t: Test, { name, options, prepare = '' }: Fault): Promise<FaultReport[]> {
  tellProgress(`${name} on ${options}`)
  const script = `
    export -f ${FUNCTIONS}
    disk_mount /dev/ubda /run/disk
    nfs_server /run/disk
    export nfs_exported
    host_add a 1
    ${prepare}
    mountpoint -q ${MOUNT_POINT}/store || host_mount a ${MOUNT_POINT} ${options}
    export UV_THREADPOOL_SIZE=16
    ${worker('lab/faults-worker.js', name, `${MOUNT_POINT}/store`, '/run/disk/store')}`
  const disks = [makeDisk(t, { fileSystem: 'ext4' })]
  return (await runGuest(t, { disks, script, timeoutMs: TIMEOUT_MS })) as FaultReport[]
}

/** Every call has failed with one of some codes. */
function checkCodes(t: Test, outcomes: readonly Outcome[], codes: readonly string[]): void {
  for (const { verb, code, elapsedMs } of outcomes) {
    t.ok(codes.includes(code), `${verb}: ${code} after ${elapsedMs} ms`)
  }
}

/** In the same process, with the same store, all is well again. */
function checkRecovery(t: Test, reports: readonly FaultReport[]): void {
  const { recoveryMs, wrong } = reportOf(reports, 'recovered')
  t.strictSame(wrong, [], `it works again after ${recoveryMs} ms, and no value is wrong`)
  t.ok(reports.some(({ kind }) => kind === 'closed'))
}

/** Work went on through the fault, all of it right and none of it failed. */
function checkLanes(t: Test, reports: readonly FaultReport[], leastMs: number): void {
  const { done, wrong, failed, slowestMs, denials } = reportOf(reports, 'lanes')
  t.comment(`${JSON.stringify(done)}, the slowest took ${slowestMs} ms, denials: ${denials}`)
  t.strictSame(wrong, [])
  t.strictSame(failed, [])
  t.ok(slowestMs >= leastMs, 'calls were under way when it broke')
  t.strictSame(reportOf(reports, 'closed').leftOver, [])
}

for (const version of SOME_VERSIONS) {
  await t.test(`${version}: a cable pulled for 5 s delays calls, and no more`, async (t) => {
    const reports = await suffer(t, { name: 'cut', options: `${version},${HARD}` })
    checkLanes(t, reports, CUT_MS - 1000)
    t.equal(reportOf(reports, 'lanes').denials, 0)
  })

  const title = `${version}: an export that is gone is UNAVAILABLE until it is back`
  await t.test(title, async (t) => {
    const fault = { name: 'unexport', options: `${version},${HARD}`, prepare: OTHER_EXPORT }
    const reports = await suffer(t, fault)
    checkCodes(t, reportOf(reports, 'calls').outcomes, ['UNAVAILABLE'])
    checkRecovery(t, reports)
  })
}

await t.test(
  'a mounted directory that is made anew is UNAVAILABLE until it is mounted again',
  { skip: IS_SHORT },
  async (t) => {
    const fault = { name: 'renew', options: `vers=4.2,${HARD}`, prepare: OWN_MOUNT }
    const reports = await suffer(t, fault)
    checkCodes(t, reportOf(reports, 'calls').outcomes, ['UNAVAILABLE'])
    checkRecovery(t, reports)
  },
)

await t.test('calls on a mount that hangs are aborted within a second', async (t) => {
  const reports = await suffer(t, { name: 'abort', options: `vers=4.2,${HARD}` })
  const { outcomes } = reportOf(reports, 'calls')
  checkCodes(t, outcomes, ['ABORTED'])
  for (const { verb, elapsedMs } of outcomes) t.ok(elapsedMs < ABORT_MS + BUSY_MS, verb)
  checkRecovery(t, reports)
  t.strictSame(reportOf(reports, 'closed').leftOver, [])
})

for (const options of ['vers=4.2,soft', 'vers=3,nolock,softerr']) {
  const title = `${options}: calls fail with IO or UNAVAILABLE, and the store works again`
  await t.test(title, { skip: IS_SHORT }, async (t) => {
    const fault = { name: 'fail', options: `${options},timeo=5,retrans=1` }
    const reports = await suffer(t, fault)
    // On NFS 4.1 and later the client may wait for its session for as long as the server is away.
    const mayWait = options.startsWith('vers=4')
    const { outcomes } = reportOf(reports, 'calls')
    const failed = outcomes.filter((outcome) => !mayWait || !isRight(outcome))
    checkCodes(t, failed, ['IO', 'UNAVAILABLE'])
    t.comment(`${failed.length} of ${outcomes.length} calls failed`)
    checkRecovery(t, reports)
  })
}

for (const version of VERSIONS) {
  const title = `${version}: a server that is restarted delays calls, and no more`
  await t.test(title, { skip: IS_SHORT }, async (t) => {
    const reports = await suffer(t, { name: 'restart', options: `${version},${HARD}` })
    checkLanes(t, reports, 1000)
  })
}
