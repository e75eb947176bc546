import { randomInt } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { makeDisk, type DiskFileSystem } from './disk.js'
import { Guest } from './guest.js'
import { VERBS } from './power-cut-lanes.js'
import type { Plan, Report } from './power-cut-plan.js'
import { StoreRecord, type Tally } from './power-cut-record.js'
import * as setup from './power-cut-setup.js'
import { IS_SHORT, tellProgress } from './selection.js'

const FILE_SYSTEMS: readonly DiskFileSystem[] = IS_SHORT ? ['ext4'] : ['ext4', 'xfs', 'btrfs']
const CUTS = IS_SHORT ? 2 : 5
const MIN_WORK_MS = 200
const MAX_WORK_MS = 2500
const LAST_WORK_MS = 300
const FOR_EVER_MS = 3_600_000

const tallies: Tally[] = []

/** Boots a guest in which a worker first reads the stores and then changes them. */
function boot(
  t: Test,
  fileSystem: DiskFileSystem,
  disks: readonly string[],
  plan: Plan,
): BootedGuest {
  const isHasty = plan.round % 2 === 1
  const options = setup.mountOptions(fileSystem, isHasty)
  const lines = plan.stores.map((s) => `disk_mount ${s.device} ${s.mountPoint} ${options}`)
  if (isHasty) lines.unshift(setup.HASTY)
  lines.push(setup.planned(t, 'lab/power-cut-writer.js', plan))
  const records = new Map(plan.stores.map(({ name }) => [name, new StoreRecord()]))
  const onResult = (result: unknown): void => {
    const told = result as Report
    if (told.kind !== 'working') records.get(told.store)!.take(told)
  }
  const script = lines.join('\n')
  const guest = new Guest(t, { disks, script, memoryMiB: setup.MEMORY_MIB, onResult })
  return { guest, records }
}

interface BootedGuest {
  readonly guest: Guest
  readonly records: ReadonlyMap<string, StoreRecord>
}

/** Whether each verb is at work. */
function isBusy({ changes }: StoreRecord): boolean {
  return new Set([...changes.values()].map(({ verb }) => verb)).size === VERBS.length
}

for (const fileSystem of FILE_SYSTEMS) {
  await t.test(`on ${fileSystem} what was acknowledged survives a power cut`, async (t) => {
    const rows = setup.tallyOf(fileSystem)
    tallies.push(...rows.values())
    const disks = [...rows].map(() => makeDisk(t, { fileSystem }))
    let previous: ReadonlyMap<string, StoreRecord> = new Map()
    for (let round = 0; round <= CUTS; round += 1) {
      const isLast = round === CUTS
      const keys = (name: string): string[] => previous.get(name)?.keys() ?? []
      const stores = setup.storePlans(setup.deviceOf, keys)
      const durationMs = isLast ? LAST_WORK_MS : FOR_EVER_MS
      const { guest, records } = boot(t, fileSystem, disks, { round, durationMs, stores })
      await guest.waitFor((result) => (result as Report).kind === 'working')
      for (const [name, record] of previous) rows.get(name)!.add(record, records.get(name)!.found!)
      if (isLast) {
        t.equal((await guest.ended).status, 0, 'the stores work on')
        for (const { isClosed } of records.values()) t.ok(isClosed, 'to the end')
        break
      }
      await guest.waitFor(() => [...records.values()].every(isBusy))
      await setTimeout(randomInt(MIN_WORK_MS, MAX_WORK_MS))
      await guest.cut()
      previous = records
      tellProgress(`power-cut: ${fileSystem}, cut ${round + 1} of ${CUTS}`)
    }
    setup.checkTallies(t, rows, CUTS)
  })
}

setup.printTable(t, tallies)
setup.checkTeeth(t, tallies, 'none')
