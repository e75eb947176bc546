import t from 'tap'
import { runGuest, together, worker } from './guest.js'
import { LOCAL_MOUNTS, makeLocalDisks } from './local-mounts.js'
import { judge } from './nfs-judgement.js'
import { HOST_WORKER, type HostPlan, type HostReport } from './nfs-plan.js'
import { IS_SHORT, tellProgress } from './selection.js'

const SEED = Number(process.env['LINKSTORE_TEST_SEED'] ?? Date.now() % 2 ** 31)
const PROCESSES = 3
const EPOCHS = IS_SHORT ? 3 : 10
const EPOCH_MS = 1000
/** So many calls of a key are made even on a busy machine; fewer would prove little. */
const MIN_CALLS = 4

const NAMES = Object.keys(LOCAL_MOUNTS)

/** Several processes of one host use a store on each file system, one after the other. */
function commandOf(host: number): string {
  const plans = NAMES.map((name, row): HostPlan => ({
    ...{ row, host, hosts: PROCESSES, reader: 'store', epochs: EPOCHS, epochMs: EPOCH_MS },
    seed: SEED + row,
    root: `/run/${name}/store`,
    meetingPath: `/run/meeting-${name}`,
  }))
  return worker(HOST_WORKER, ...plans.map((plan) => JSON.stringify(plan)))
}

t.comment(`seed ${SEED}; set LINKSTORE_TEST_SEED for the same calls`)

const reports: HostReport[][] = NAMES.map(() => [])
await runGuest(t, {
  disks: makeLocalDisks(t),
  memoryMiB: 768,
  timeoutMs: 120_000 + NAMES.length * (60_000 + EPOCHS * EPOCH_MS),
  script: [
    ...Object.values(LOCAL_MOUNTS),
    together(Array.from({ length: PROCESSES }, (_, host) => commandOf(host))),
  ].join('\n'),
  onResult: (result) => {
    const { row } = result as HostReport
    if (reports[row]!.push(result as HostReport) === PROCESSES) tellProgress(NAMES[row]!)
  },
})

for (const [row, name] of NAMES.entries()) {
  await t.test(`${name} keeps what is promised of it`, async (t) => {
    const ofName = reports[row]!
    t.equal(ofName.length, PROCESSES)
    const { calls, keys, stale, broken, givenUp } = judge(ofName)
    t.comment(`${calls} calls, ${keys} keys, ${stale.length} stale, ${broken.length} broken`)
    t.ok(calls >= MIN_CALLS * keys, 'enough was done')
    t.strictSame([...broken, ...givenUp], [], 'nothing torn, one winner, nothing given up')
    t.strictSame(stale, [], 'nothing stale or missed')
  })
}
