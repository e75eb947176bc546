import t, { type Test } from 'tap'
import { FILE_SYSTEMS, scratchDirectory } from '../support/surroundings.js'
import { resultOf, runWorker, startWorker } from '../support/workers.js'

const SYNC_READS = 100_000
const ASYNC_READS = 20_000
const BARE_MAX_MS = 20_000

interface Counts {
  readonly reads: number
  readonly misses: number
  readonly writes: number
}

/** Reads a key while another process overwrites it all the time. */
async function readHotKey(t: Test, parent: string, how: string, limit: number): Promise<Counts> {
  const root = `${await scratchDirectory(t, parent)}/store`
  const writer = startWorker(t, 'processes/worker-hot-writer.js', [root])
  await writer.ready
  const counts = await runWorker(t, 'processes/worker-hot-reader.js', [root, how, limit])
  writer.process.kill('SIGTERM')
  const { writes } = (await resultOf(writer)) as { writes: number }
  t.comment(`${how}: ${JSON.stringify(counts)} beside ${writes} writes`)
  return { ...(counts as Counts), writes }
}

for (const { name, parent, skip } of FILE_SYSTEMS) {
  await t.test(`on ${name} a key that is overwritten is never missed`, { skip }, async (t) => {
    const wanted = { misses: 0, torn: 0, backwards: 0 }
    const counts = await readHotKey(t, parent, 'sync', SYNC_READS)
    t.match(counts, { reads: SYNC_READS, ...wanted })
    t.ok(counts.writes > 1000, 'the writer was at work meanwhile')
    t.match(await readHotKey(t, parent, 'async', ASYNC_READS), wanted)
  })
}

for (const { name, parent, showsRace, skip } of FILE_SYSTEMS) {
  await t.test(`on ${name} a reader without the proof does miss it`, { skip }, async (t) => {
    const { misses } = await readHotKey(t, parent, 'bare', BARE_MAX_MS)
    if (showsRace) t.equal(misses, 1)
    else t.comment('how often this file system shows the race is not known')
  })
}
