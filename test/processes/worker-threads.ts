/**
 * Adds the same keys from several threads at once, each with a store of its own, and tells which
 * thread won which.
 *
 *     worker-threads ROOT KEYS
 */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { open, openSync } from '../../index.js'

const FACES = ['sync', 'async', 'sync', 'async']

interface Errand {
  readonly root: string
  readonly keys: number
  readonly face: string
  readonly name: string
  /** Where the threads wait for each other: how many have opened their store. */
  readonly gate: Int32Array
}

/** Waits until all threads are here. */
function pass(gate: Int32Array): void {
  let here = Atomics.add(gate, 0, 1) + 1
  Atomics.notify(gate, 0)
  while (here < FACES.length) {
    Atomics.wait(gate, 0, here)
    here = Atomics.load(gate, 0)
  }
}

/** The keys that one thread added. */
async function addAll({ root, keys, face, name, gate }: Errand): Promise<string[]> {
  const all = Array.from({ length: keys }, (_, index) => `k${index}`)
  if (face === 'sync') {
    using store = openSync(root, { durability: 'none' })
    pass(gate)
    return all.filter((key) => store.add(key, name))
  }
  await using store = await open(root, { durability: 'none' })
  pass(gate)
  const added = await Promise.all(all.map((key) => store.add(key, name)))
  return all.filter((_, index) => added[index])
}

function addInThread(errand: Errand): Promise<string[]> {
  const thread = new Worker(new URL(import.meta.url), { workerData: errand })
  return new Promise((resolve, reject) => {
    thread.once('message', resolve)
    thread.once('error', reject)
  })
}

if (isMainThread) {
  const [root = '', keys = ''] = process.argv.slice(2)
  const gate = new Int32Array(new SharedArrayBuffer(4))
  const shared = { root, keys: Number(keys), gate }
  const errands = FACES.map((face, index) => ({ ...shared, face, name: `${index}` }))
  const won = await Promise.all(errands.map(addInThread))
  process.stdout.write(`${JSON.stringify(won)}\n`)
} else {
  parentPort!.postMessage(await addAll(workerData as Errand))
}
