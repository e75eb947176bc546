/**
 * Changes a directory through a write-back cache in another one, which is never flushed by itself,
 * says so, and goes on until it is killed.
 *
 *     worker-cached INNER CACHE KEYS
 */
import { directoryStore } from '../../index.js'
import { withCache } from '../../lib/layers/cached.js'

const [innerPath = '', cachePath = '', keys = '0'] = process.argv.slice(2)
const store = withCache(await directoryStore(innerPath, { durability: 'none' }), {
  cache: await directoryStore(cachePath, { durability: 'none' }),
  strategy: 'write-back',
  flushMs: 2 ** 31 - 1,
})
for (let i = 0; i < Number(keys); i += 1) {
  await store.write(`key ${i}`, 'first')
  await store.write(`key ${i}`, `value ${i}`, { metadata: { i: `${i}` }, ttlMs: 3_600_000 })
}
await store.remove('old')
process.stdout.write('acknowledged\n')
// Killed at any moment of these flushes.
for (let i = 0; ; i += 1) {
  await store.write('counter', `${i}`)
  process.stdout.write(`${i}\n`)
  if (i % 3 === 0) void store.flush()
}
