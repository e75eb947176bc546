/**
 * Writes and removes a few keys with a few values in an indexed store, so often:
 *
 *     worker-indexed ROOT SEED TIMES
 */
import { open } from '../../index.js'
import { json, withCodec, withIndex } from '../../lib/layers/typed.js'

const [root = '', seed = '', times = ''] = process.argv.slice(2)
const store = await open(root, { durability: 'none' })
await using values = withIndex(withCodec<number>(store, json), { value: (value) => value })
let state = Number(seed)
for (let count = 0; count < Number(times); count += 1) {
  state = (state * 48_271) % 2_147_483_647
  const key = `${state % 3}`
  if (state % 11 === 0) await values.delete(key)
  else await values.set(key, (state >> 4) % 3)
}
process.stdout.write('{}\n')
