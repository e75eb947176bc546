/**
 * Overwrites one key as fast as it can until SIGTERM, then tells how often it did.
 *
 *     worker-hot-writer ROOT
 */
import { setImmediate } from 'node:timers/promises'
import { openSync } from '../../index.js'
import { stampedValue } from './stamp.js'

const [root = ''] = process.argv.slice(2)
let stopped = false
process.once('SIGTERM', () => (stopped = true))

using store = openSync(root, { durability: 'none' })
let count = 1
store.set('hot', stampedValue(0, count))
process.stdout.write('ready\n')
while (!stopped) {
  for (const end = count + 100; count < end;) store.set('hot', stampedValue(0, (count += 1)))
  await setImmediate()
}
process.stdout.write(`${JSON.stringify({ writes: count })}\n`)
