/**
 * Reads the stores of a plan, then changes them, until the power is cut or the time is over:
 * power-cut-writer PLAN_FILE [log]
 *
 * With `log`, the devices are those of dm-log-writes, in whose logs each acknowledgement is marked,
 * and half of the time there is one operation at a time.
 */
import { readFileSync } from 'node:fs'
import { open, type Store } from '../../index.js'
import { report } from './channel.js'
import { prepareSources, runLanes, type Witness } from './power-cut-lanes.js'
import { Marker } from './power-cut-marker.js'
import { inspect, type Plan, type Report, type StorePlan } from './power-cut-plan.js'

const [planPath = '', mode] = process.argv.slice(2)
const plan = JSON.parse(readFileSync(planPath, 'utf8')) as Plan
const marker = mode === 'log' ? new Marker() : undefined
const tell: (told: Report) => void = report

function witnessOf({ name, device }: StorePlan): Witness {
  let count = 0
  return {
    began: (verb, key, becomes) => {
      tell({ kind: 'began', store: name, index: count, verb, key, becomes })
      return count++
    },
    acknowledged: async (index) => {
      tell({ kind: 'acknowledged', store: name, index })
      await marker?.mark(device, String(index))
    },
  }
}

const stores = await Promise.all(
  plan.stores.map(async (about) => {
    const store = await open(`${about.mountPoint}/store`, { durability: about.durability })
    if (plan.round === 0) await prepareSources(store)
    tell({ kind: 'state', store: about.name, state: await inspect(store, about.keys) })
    await marker?.mark(about.device, 'ready')
    return { about, store }
  }),
)
tell({ kind: 'working' })

const startMs = Date.now()
const isPast = (durationMs: number) => () => Date.now() >= startMs + durationMs

async function work(about: StorePlan, store: Store): Promise<void> {
  const witness = witnessOf(about)
  const { round, durationMs } = plan
  if (marker !== undefined) {
    const isOver = isPast(durationMs / 2)
    await runLanes(store, witness, { round: round + 1, isSerial: true, isOver })
    await marker.mark(about.device, 'together')
  }
  await runLanes(store, witness, { round, isSerial: false, isOver: isPast(durationMs) })
  await store.close()
  tell({ kind: 'closed', store: about.name })
}

await Promise.all(stores.map(({ about, store }) => work(about, store)))
marker?.close()
