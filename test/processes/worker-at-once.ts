/**
 * Begins very many reads at the same time, and tells how many gave the right value, how many
 * descriptors were open at most that were not before, and how much memory that took.
 *
 *     worker-at-once ROOT COUNT BYTES
 */
import { readdirSync } from 'node:fs'
import { open } from '../../index.js'

const [root = '', ...rest] = process.argv.slice(2)
const [count = 0, sizeBytes = 0] = rest.map(Number)
const KEYS = 10

const values = Array.from({ length: KEYS }, (_, key) => Buffer.alloc(sizeBytes, `value ${key}`))

/** How many descriptors are open; 0 where there is none left to look with. */
function descriptors(): number {
  try {
    return readdirSync('/dev/fd').length
  } catch {
    return 0
  }
}

/** The most memory that was ever resident. Asking takes no descriptor. */
const residentMiB = (): number => process.resourceUsage().maxRSS / 1024

await using store = await open(root, { durability: 'none' })
await store.setMany(values.map((value, key) => [`k${key}`, value]))

const isRight = async (index: number): Promise<boolean> =>
  (await store.get(`k${index % KEYS}`))?.equals(values[index % KEYS]!) === true
const allAtOnce = (many: number): Promise<boolean[]> =>
  Promise.all(Array.from({ length: many }, (_, index) => isRight(index)))

// What is only made once, such as compiled code, is not counted.
await allAtOnce(1000)
const before = { descriptors: descriptors(), residentMiB: residentMiB() }
let mostDescriptors = 0
const looking = setInterval(() => {
  mostDescriptors = Math.max(mostDescriptors, descriptors())
}, 5)
const beganMs = performance.now()
const done = (await allAtOnce(count)).filter(Boolean).length
const tookMs = Math.round(performance.now() - beganMs)
clearInterval(looking)
const opened = mostDescriptors - before.descriptors
const grownMiB = Math.round(residentMiB() - before.residentMiB)
process.stdout.write(`${JSON.stringify({ done, opened, grownMiB, tookMs })}\n`)
