import t from 'tap'
import { runGuest, worker } from './guest.js'
import { LOCAL_MOUNTS, makeLocalDisks } from './local-mounts.js'
import { judge } from './nfs-judgement.js'
import type { HostPlan, HostReport } from './nfs-plan.js'
import { IS_SHORT, tellProgress } from './selection.js'

const SEED = Number(process.env['LINKSTORE_TEST_SEED'] ?? Date.now() % 2 ** 31)
const PROCESSES = 3
const EPOCHS = IS_SHORT ? 3 : 10
const EPOCH_MS = 1000
/** So many calls of a key are made even on a busy machine; fewer would prove little. */
const MIN_CALLS = 4

/** Several processes of one host use a store on each file system, one after the other. */
function scriptOf(name: string, index: number): string {
  const lines = [LOCAL_MOUNTS[name] ?? '', `echo '"${name}"' >>$LAB_RESULTS`, 'jobs=']
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

const names = Object.keys(LOCAL_MOUNTS)
const reports = new Map<string, HostReport[]>()
await runGuest(t, {
  disks: makeLocalDisks(t),
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
    const { calls, keys, stale, broken, givenUp } = judge(ofName)
    t.comment(`${calls} calls, ${keys} keys, ${stale.length} stale, ${broken.length} broken`)
    t.ok(calls >= MIN_CALLS * keys, 'enough was done')
    t.strictSame([...broken, ...givenUp], [], 'nothing torn, one winner, nothing given up')
    t.strictSame(stale, [], 'nothing stale or missed')
  })
}
