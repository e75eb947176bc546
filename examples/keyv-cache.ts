/** A cache of answers behind Keyv, shared by all replicas: what one asked, no other asks again. */
import { Keyv } from 'keyv'
import { KeyvLinkstore } from 'linkstore/keyv'

/** As each replica makes it. A cache need not survive a power cut. */
function openCache(): Keyv<string> {
  const store = new KeyvLinkstore('./cache', { durability: 'none' })
  const cache = new Keyv<string>({ store, namespace: 'answers', ttl: 60_000 })
  return cache.on('error', (error: Error) => console.error(`the cache: ${error.message}`))
}

let asked = 0
async function answer(cache: Keyv<string>, question: string): Promise<string> {
  const known = await cache.get(question)
  if (known !== undefined) return known
  asked += 1
  const found = question.toUpperCase()
  await cache.set(question, found)
  return found
}

const one = openCache()
const other = openCache()
console.log(await answer(one, 'what is it?')) // => WHAT IS IT?
console.log(await answer(other, 'what is it?')) // => WHAT IS IT?
console.log(asked) // => 1
await one.disconnect()
await other.disconnect()
