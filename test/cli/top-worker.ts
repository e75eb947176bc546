/** Works on a store and reports it, until its standard input ends. */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { open } from '../../index.js'
import { reportActivity } from '../../lib/activity/index.js'

const [path = ''] = process.argv.slice(2)
const store = await open(path, { durability: 'none' })
const reporting = await reportActivity(path, { intervalMs: 200, program: 'worker' })
let isOver = false
const ended = once(process.stdin.resume(), 'end').then(() => (isOver = true))
while (!isOver) {
  await store.set('key', 'value')
  await store.get('key')
  await store.get('none')
  await sleep(5)
}
await ended
await reporting.stop()
await store.close()
