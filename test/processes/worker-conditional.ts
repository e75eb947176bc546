/**
 * Counts in an object of a conditional store, so often:
 *
 *     worker-conditional ROOT TIMES
 */
import { open, StoreError, type Store } from '../../index.js'

const [root = '', times = ''] = process.argv.slice(2)

/** Adds one, as often as it takes for nobody to be faster. */
async function addOne(store: Store): Promise<void> {
  for (;;) {
    const seen = await store.stat('counter')
    const count = Number((await store.get('counter')) ?? 0)
    const condition = seen === undefined ? { ifAbsent: true } : { ifVersion: seen.version }
    try {
      await store.set('counter', String(count + 1), condition)
      return
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'PRECONDITION_FAILED') throw error
    }
  }
}

await using store = await open(root, { durability: 'none' })
for (let count = 0; count < Number(times); count += 1) await addOne(store)
