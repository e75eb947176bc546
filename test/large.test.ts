import { readdirSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import t, { type Test } from 'tap'
import { scratchDirectory } from './support/surroundings.js'
import { runWorker } from './support/workers.js'

const MIB = 1024 * 1024
const GIB = 1024 * MIB
const MAX_RESIDENT_MIB = 150

interface LargeResult {
  readonly isRangeRight: boolean
  readonly digests: Readonly<Record<string, string>>
  readonly residentMiB: number
}

const CASES = [
  // Some bytes more than 2 GiB: beyond what a signed 32-bit number can count.
  { size: '2 GiB', sizeBytes: 2 * GIB + 4321, how: 'once', ways: 2 },
  { size: '200 MiB', sizeBytes: 200 * MIB + 4321, how: 'every-way', ways: 6 },
]

/** Memory depends on when garbage is collected too: a bad measurement is made once more. */
async function measure(t: Test, values: (string | number)[]): Promise<LargeResult> {
  for (let attempt = 1; ; attempt += 1) {
    const how = { timeoutMs: 400_000 }
    const result = (await runWorker(t, 'processes/worker-large.js', values, how)) as LargeResult
    t.comment(`${result.residentMiB} MiB resident`)
    if (result.residentMiB < MAX_RESIDENT_MIB || attempt === 2) return result
  }
}

for (const { size, sizeBytes, how, ways } of CASES) {
  const { bavail, bsize } = statfsSync(tmpdir())
  const skip = bavail * bsize > sizeBytes + GIB ? false : `needs ${size} of disk`
  await t.test(`a value of ${size} streams through little memory`, { skip }, async (t) => {
    const root = `${await scratchDirectory(t)}/store`
    const result = await measure(t, [root, sizeBytes, how])
    t.ok(result.residentMiB < MAX_RESIDENT_MIB)
    t.ok(result.isRangeRight, 'a part at its end can be read')
    t.equal(Object.keys(result.digests).length, ways)
    t.equal(new Set(Object.values(result.digests)).size, 1, 'what is read is what was written')
    t.same(readdirSync(`${root}/.tmp`), [])
  })
}

/** Runs a command that may have so many descriptors. */
const withDescriptors = (limit: number): string[] => [
  'sh',
  '-c',
  `ulimit -n ${limit}; exec "$@"`,
  'sh',
]
const AT_ONCE = 1000
const VERBS = ['get', 'set', 'stream', 'set of a stream', 'copy', 'rename', 'take', 'sync']

for (const sizeBytes of [100, 100_000]) {
  await t.test(`64 descriptors are enough for values of ${sizeBytes} bytes`, async (t) => {
    for (const verb of VERBS) {
      const root = `${await scratchDirectory(t)}/store`
      const values = [root, verb, AT_ONCE, sizeBytes]
      const how = { wrapper: withDescriptors(64), timeoutMs: 55_000 }
      const result = await runWorker(t, 'processes/worker-descriptors.js', values, how)
      t.match(result, { done: AT_ONCE, leaked: 0 }, `${AT_ONCE} of ${verb} at once`)
      t.same(readdirSync(`${root}/.tmp`), [])
    }
  })
}

/** As many as a store has places for. */
const MAX_OPENED = 64
/** The memory of a call that waits, and of its value; it was 5.7 KiB at most. */
const MAX_KIB_EACH = 7

for (const [limit, count] of [
  [64, 100_000],
  [1024, 20_000],
] as const) {
  const title = `${count} reads at once open few descriptors of ${limit}, and take bounded memory`
  await t.test(title, async (t) => {
    const root = `${await scratchDirectory(t)}/store`
    const how = { wrapper: withDescriptors(limit), timeoutMs: 400_000 }
    const values = [root, count, 1024]
    const result = await runWorker(t, 'processes/worker-at-once.js', values, how)
    const { done, opened, grownMiB } = result as Readonly<Record<string, number>>
    t.comment(JSON.stringify(result))
    t.equal(done, count, 'each has its value')
    t.ok(opened! <= MAX_OPENED)
    t.ok((grownMiB! * 1024) / count <= MAX_KIB_EACH)
    t.same(readdirSync(`${root}/.tmp`), [])
  })
}
