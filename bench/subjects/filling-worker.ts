/**
 * A process that makes a part of the objects of a store, for `filled-store.ts`:
 *
 *     filling-worker DIRECTORY PART PARTS OBJECTS VALUE_BYTES
 */
import { openSync } from '../../index.js'
import { keyOf, loadOf } from './load.js'

const [directory = '', ...numbers] = process.argv.slice(2)
const [part = NaN, parts = NaN, objects = NaN, valueBytes = NaN] = numbers.map(Number)

const store = openSync(directory, { durability: 'none' })
const { value } = loadOf(valueBytes, [])
for (let index = part; index < objects; index += parts) store.set(keyOf(index), value(index, 0))
store.close()
