/** A store in a directory: any number of processes, on any number of hosts, may run this. */
import { open } from 'linkstore'

const store = await open('./things')

await store.set('user:1', JSON.stringify({ plan: 'free' }), { contentType: 'application/json' })
await store.set('user:2', JSON.stringify({ plan: 'paid' }), { metadata: { source: 'import' } })

// get answers with a Buffer, or undefined where there is nothing.
const value = await store.get('user:1')
console.log(value?.toString()) // => {"plan":"free"}
console.log(await store.get('user:3')) // => undefined

// stat answers without reading the value.
const info = await store.stat('user:2')
console.log(info?.sizeBytes, info?.metadata['source']) // => 15 import

// A listing has no order of its own.
const keys: string[] = []
for await (const key of store.keys({ prefix: 'user:' })) keys.push(key)
console.log(keys.sort().join(' ')) // => user:1 user:2

// add stores only where there is nothing yet; of many contenders one is told true.
console.log(await store.add('user:1', 'too late')) // => false

console.log(await store.delete('user:1'), await store.count()) // => true 1

await store.close()
