/** Items in unstorage that all replicas share, some of them for a short time. */
import linkstoreDriver from 'linkstore/unstorage'
import { createStorage, prefixStorage } from 'unstorage'

const storage = createStorage()
storage.mount('shared', linkstoreDriver({ store: './shared' }))
const users = prefixStorage<{ name: string }>(storage, 'shared:users')

await users.setItem('1', { name: 'Ada' })
await users.setItem('1:old', { name: 'Augusta' }) // beside the other one
await storage.setItem('shared:codes:1', '1234', { ttl: 300 }) // for five minutes
console.log((await users.getItem('1'))?.name) // => Ada
for (const key of (await storage.getKeys('shared:users')).sort()) console.log(key)
// => shared:users:1
// => shared:users:1:old

const { mtime, ttl } = await storage.getMeta('shared:codes:1')
console.log(mtime instanceof Date, Math.ceil(Number(ttl)) <= 300) // => true true
await storage.dispose()
