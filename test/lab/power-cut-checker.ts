/**
 * Mounts each disk of a plan, reads its store, does a little of everything to it, and reads it
 * again: power-cut-checker PLAN_FILE
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { open } from '../../index.js'
import { report } from './channel.js'
import { runLanes, type Witness } from './power-cut-lanes.js'
import { inspect, type Plan, type Report, type StorePlan } from './power-cut-plan.js'

const [planPath = '', fileSystem = ''] = process.argv.slice(2)
const plan = JSON.parse(readFileSync(planPath, 'utf8')) as Plan
const tell: (told: Report) => void = report

async function check({ name, durability, mountPoint, keys }: StorePlan): Promise<void> {
  const store = await open(`${mountPoint}/store`, { durability })
  const state = await inspect(store, keys)
  tell({ kind: 'state', store: name, state })
  const last = new Map(state.contents)
  const changes: [key: string, becomes: string | null][] = []
  const witness: Witness = {
    began: (_verb, key, becomes) => changes.push([key, becomes]) - 1,
    acknowledged: (index) => {
      const [key, becomes] = changes[index]!
      if (becomes === null) last.delete(key)
      else last.set(key, becomes)
    },
  }
  await runLanes(store, witness, { round: plan.round, isSerial: false, isOver: () => true })
  const { contents, contradictions } = await inspect(store, [...last.keys()])
  await store.close()
  const text = (entries: Iterable<readonly [string, string]>): string =>
    JSON.stringify([...entries].sort())
  if (contradictions.length > 0 || text(contents) !== text(last)) {
    throw new Error(`${name} does not work: ${contradictions.join('; ')}`)
  }
  tell({ kind: 'closed', store: name })
}

for (const about of plan.stores) {
  mkdirSync(about.mountPoint, { recursive: true })
  // The disks are states of one disk, whose name XFS and btrfs accept only once at a time.
  execFileSync('mount', [about.device, about.mountPoint])
  await check(about)
  execFileSync('umount', [about.mountPoint])
  if (fileSystem === 'btrfs') execFileSync('btrfs', ['-q', 'device', 'scan', '--forget'])
}
