/** A cache that many processes share: values expire, and one of many makes a missing one. */
import { setTimeout as sleep } from 'node:timers/promises'
import { open, type Store } from 'linkstore'

/** The value of a key, made if there is none. Two makers at a time both work; one is kept. */
async function getOrMake(
  store: Store,
  key: string,
  ttlMs: number,
  make: () => Promise<string>,
): Promise<string> {
  const cached = await store.get(key)
  if (cached !== undefined) return cached.toString()
  const made = await make()
  if (await store.add(key, made, { ttlMs })) return made
  // Someone else was faster; theirs is what everybody gets, unless it has expired already.
  return (await store.get(key))?.toString() ?? made
}

// A cache can be made again, so it need not survive a power cut.
await using store = await open('./cache', { durability: 'none' })

let made = 0
async function price(): Promise<string> {
  made += 1
  await sleep(10)
  return `${made} euro`
}

const HOUR_MS = 60 * 60 * 1000
console.log(await getOrMake(store, 'price:apples', HOUR_MS, price)) // => 1 euro
console.log(await getOrMake(store, 'price:apples', HOUR_MS, price)) // => 1 euro

// What has expired is absent to every verb.
await store.set('price:pears', '9 euro', { ttlMs: 1 })
await sleep(20)
console.log(await store.has('price:pears')) // => false
console.log(await getOrMake(store, 'price:pears', HOUR_MS, price)) // => 2 euro
