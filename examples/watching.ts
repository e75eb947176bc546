/** Says on the terminal what a store does: what took long, what failed, what was missed. */
import { subscribe } from 'node:diagnostics_channel'
import { open, OPERATION_NAMES, type OperationMessage } from 'linkstore'

const SLOW_MS = 1000
const counts = new Map<string, number>()

function note(message: OperationMessage): void {
  const { operation, outcome = '', durationMs = 0, keyHash = '-', error } = message
  const kind = `${operation} ${outcome}`
  counts.set(kind, (counts.get(kind) ?? 0) + 1)
  if (outcome === 'failed') console.error(`${operation} of ${keyHash} failed:`, error)
  if (durationMs > SLOW_MS) console.error(`${operation} of ${keyHash} took ${durationMs} ms`)
}

for (const name of OPERATION_NAMES) {
  subscribe(`tracing:linkstore:${name}:asyncEnd`, (message) => note(message as OperationMessage))
}

const store = await open('./things')
await store.set('greeting', 'Hello')
await store.get('greeting')
await store.get('nobody has this key')
await store.add('greeting', 'Hello again')
await store.close()

for (const [kind, count] of counts) console.log(`${kind}: ${count}`)
// => open done: 1
// => write done: 1
// => read done: 1
// => read absent: 1
// => add refused: 1
// => close done: 1
