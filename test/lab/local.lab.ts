import t from 'tap'
import { makeDisk, type DiskFileSystem } from './disk.js'
import { runGuest, worker } from './guest.js'
import { judge } from './nfs-judgement.js'
import type { HostPlan, HostReport } from './nfs-plan.js'
import { IS_SHORT, tellProgress } from './selection.js'

const SEED = Number(process.env['LINKSTORE_TEST_SEED'] ?? Date.now() % 2 ** 31)
const PROCESSES = 3
const EPOCHS = IS_SHORT ? 3 : 10
const EPOCH_MS = 1000
/** So many calls of a key are made even on a busy machine; fewer would prove little. */
const MIN_CALLS = 4

const DISKS: readonly DiskFileSystem[] = ['ext4', 'xfs', 'btrfs']
/** How each file system gets to be at `/run/NAME`. */
const PREPARATIONS: Readonly<Record<string, string>> = {
  ext4: 'disk_mount /dev/ubda /run/ext4',
  XFS: 'disk_mount /dev/ubdb /run/XFS',
  btrfs: 'disk_mount /dev/ubdc /run/btrfs',
  tmpfs: 'mkdir /run/tmpfs; mount -t tmpfs tmpfs /run/tmpfs',
  overlayfs: `
    mkdir -p /run/overlayfs /run/ext4/lower /run/ext4/upper /run/ext4/work
    modprobe overlay
    mount -t overlay -o lowerdir=/run/ext4/lower,upperdir=/run/ext4/upper,workdir=/run/ext4/work \
      overlay /run/overlayfs`,
}

/** Several processes of one host use a store on each file system, one after the other. */
function scriptOf(name: string, index: number): string {
  const lines = [PREPARATIONS[name] ?? '', `echo '"${name}"' >>$LAB_RESULTS`, 'jobs=']
  for (let host = 0; host < PROCESSES; host += 1) {
    const plan: HostPlan = {
      ...{ host, hosts: PROCESSES, reader: 'store', epochs: EPOCHS, epochMs: EPOCH_MS },
      seed: SEED + index,
      root: `/run/${name}/store`,
      meetingPath: `/run/meeting-${name}`,
    }
    lines.push(`${worker('lab/nfs-host-worker.js', JSON.stringify(plan))} & jobs="$jobs $!"`)
  }
  lines.push('for job in $jobs; do wait $job; done')
  return lines.join('\n')
}

t.comment(`seed ${SEED}; set LINKSTORE_TEST_SEED for the same calls`)

const names = Object.keys(PREPARATIONS)
const reports = new Map<string, HostReport[]>()
await runGuest(t, {
  disks: DISKS.map((fileSystem) => makeDisk(t, { fileSystem })),
  memoryMiB: 768,
  timeoutMs: 120_000 + names.length * (60_000 + EPOCHS * EPOCH_MS),
  script: names.map(scriptOf).join('\n'),
  onResult: (result) => {
    if (typeof result === 'string') {
      tellProgress(result)
      reports.set(result, [])
    } else [...reports.values()].at(-1)?.push(result as HostReport)
  },
})

for (const name of names) {
  await t.test(`${name} keeps what is promised of it`, async (t) => {
    const ofName = reports.get(name) ?? []
    t.equal(ofName.length, PROCESSES)
    const { calls, keys, stale, broken } = judge(ofName)
    t.comment(`${calls} calls, ${keys} keys, ${stale.length} stale, ${broken.length} broken`)
    t.ok(calls >= MIN_CALLS * keys, 'enough was done')
    t.strictSame(broken, [], 'nothing torn, one winner')
    t.strictSame(stale, [], 'nothing stale or missed')
  })
}
