import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { formatDisk, makeDisk, scratchPath, type DiskFileSystem } from './disk.js'
import { runGuest } from './guest.js'
import { WriteLog } from './power-cut-log.js'
import type { Report, StorePlan } from './power-cut-plan.js'
import { DURABILITIES, StoreRecord, type Tally } from './power-cut-record.js'
import * as setup from './power-cut-setup.js'
import { IS_SHORT, tellProgress } from './selection.js'

const FILE_SYSTEMS: readonly DiskFileSystem[] = IS_SHORT ? ['btrfs'] : ['ext4', 'xfs', 'btrfs']
/** How many moments of each log are tried; a guest has 16 disks. */
const STATES = IS_SHORT ? 2 : 5
const WORK_MS = 5000

const tallies: Tally[] = []

/** A disk that is logged, as it was before, and its log. */
interface LoggedDisk {
  readonly path: string
  readonly originalPath: string
  readonly logPath: string
}

function makeLoggedDisk(t: Test, fileSystem: DiskFileSystem): LoggedDisk {
  const path = join(scratchPath(t), 'disk.img')
  formatDisk(path, { fileSystem })
  return { path, originalPath: copyOf(t, path), logPath: makeDisk(t) }
}

function copyOf(t: Test, path: string): string {
  const copyPath = join(scratchPath(t), 'disk.img')
  execFileSync('cp', ['--sparse=always', path, copyPath])
  return copyPath
}

/** Runs stores on dm-log-writes for a while, and gives what they did. */
async function keepLogs(
  t: Test,
  fileSystem: DiskFileSystem,
  disks: readonly LoggedDisk[],
): Promise<ReadonlyMap<string, StoreRecord>> {
  const stores = setup.storePlans(
    (i) => `log${i}`,
    () => [],
  )
  const options = setup.mountOptions(fileSystem, true)
  const lines = [setup.HASTY, 'modprobe dm-mod', 'modprobe dm-log-writes']
  for (const [i, { device, mountPoint }] of stores.entries()) {
    const [disk, log] = [setup.deviceOf(i), setup.deviceOf(i + disks.length)]
    const table = `0 $(blockdev --getsz ${disk}) log-writes ${disk} ${log}`
    lines.push(`dmsetup create --noudevsync ${device} --table "${table}"`, 'dmsetup mknodes')
    lines.push(`disk_mount /dev/mapper/${device} ${mountPoint} ${options}`)
  }
  const plan = { round: 0, durationMs: WORK_MS, stores }
  lines.push(setup.planned(t, 'lab/power-cut-writer.js', plan, 'log'))
  for (const { device, mountPoint } of stores) {
    // A log is whole when its device is gone.
    lines.push(`umount ${mountPoint}`, `dmsetup remove --noudevsync ${device}`)
  }
  const records = new Map(stores.map(({ name }) => [name, new StoreRecord()]))
  const results = await runGuest(t, {
    disks: [...disks.map(({ path }) => path), ...disks.map(({ logPath }) => logPath)],
    script: lines.join('\n'),
    memoryMiB: setup.MEMORY_MIB,
  })
  for (const told of results as Report[]) {
    if (told.kind !== 'working') records.get(told.store)!.take(told)
  }
  return records
}

/** A state in which a cut may have left the disk of one store. */
interface LeftState {
  readonly plan: StorePlan
  readonly imagePath: string
  /** What the store had done by then. */
  readonly record: StoreRecord
}

function leaveStates(
  t: Test,
  { originalPath, logPath }: LoggedDisk,
  record: StoreRecord,
  index: number,
): LeftState[] {
  const log = new WriteLog(logPath)
  const durability = DURABILITIES[index]!
  t.comment(`${durability}: ${JSON.stringify(log.size)}`)
  const states = Array.from({ length: STATES }, (_, i) => {
    const cut = i % 2 === 0 ? log.cutInOrder('ready', 'together') : log.cutReordered('ready')
    const imagePath = copyOf(t, originalPath)
    log.replay(cut, imagePath)
    const name = `${durability}-${i}`
    const device = setup.deviceOf(index * STATES + i)
    const about = { name, durability, device, mountPoint: `/run/disk/${name}` }
    return { plan: { ...about, keys: record.keys() }, imagePath, record: record.asOf(cut.marks) }
  })
  log.close()
  return states
}

for (const fileSystem of FILE_SYSTEMS) {
  await t.test(`on ${fileSystem} a disk may write in any order`, async (t) => {
    const rows = setup.tallyOf(fileSystem)
    tallies.push(...rows.values())
    const disks = DURABILITIES.map(() => makeLoggedDisk(t, fileSystem))
    const records = [...(await keepLogs(t, fileSystem, disks)).values()]
    const states = disks.flatMap((disk, i) => leaveStates(t, disk, records[i]!, i))
    tellProgress(`power-cut-order: ${fileSystem}, ${states.length} states to be checked`)
    const stores = states.map(({ plan }) => plan)
    const checkPlan = { round: 2, durationMs: 0, stores }
    const results = await runGuest(t, {
      disks: states.map(({ imagePath }) => imagePath),
      script: setup.planned(t, 'lab/power-cut-checker.js', checkPlan, fileSystem),
      memoryMiB: setup.MEMORY_MIB,
    })
    for (const { plan, record } of states) {
      const after = new StoreRecord()
      for (const told of results as Report[]) {
        if (told.kind !== 'working' && told.store === plan.name) after.take(told)
      }
      rows.get(plan.durability)!.add(record, after.found!)
      t.ok(after.isClosed, `${plan.name} works`)
    }
    setup.checkTallies(t, rows, STATES)
  })
}

setup.printTable(t, tallies)
// Two cuts may happen to lose nothing.
if (!IS_SHORT) {
  setup.checkTeeth(t, tallies, 'none')
  setup.checkTeeth(t, tallies, 'file')
}
