/**
 * Fills a file system by means of a store, and reports what each verb does then and, when there
 * is room again, afterwards:
 * limits-space-worker DIRECTORY [UID]
 */
import fs from 'fs-extra'
import { open, type Store } from '../../index.js'
import { report } from './channel.js'
import { outcome, STEADY_KEYS, steadyValue, tryWrites, wrongKeys } from './limits-values.js'

const [directory = '', uid = ''] = process.argv.slice(2)
const ROOT = `${directory}/store`
const BALLAST_SIZES_BYTES = [2 ** 20, 2 ** 16, 2 ** 12]
// A quota does not bind root. Another user may not be able to read the project, so everything is
// loaded before, and a store is given what it would load when it is opened.
if (uid !== '') process.setuid?.(Number(uid))

/** Writes until no more can be written. */
async function fill(store: Store): Promise<string[]> {
  const keys: string[] = []
  for (const sizeBytes of BALLAST_SIZES_BYTES) {
    const body = Buffer.alloc(sizeBytes, 'ballast')
    for (;;) {
      const key = `ballast-${keys.length}`
      const result = await outcome(() => store.set(key, body, { durability: 'none' }))
      if (result === 'NO_SPACE') break
      if (typeof result === 'string') throw new Error(`the disk is full, but set says ${result}`)
      keys.push(key)
    }
  }
  return keys
}

/** What each verb says that needs no room for a value. */
async function tryOthers(store: Store, ballast: string[]): Promise<Record<string, unknown>> {
  return {
    wrong: await wrongKeys(store),
    has: await outcome(() => store.has('steady-1')),
    count: await outcome(() => store.count()),
    findings: await outcome(async () => (await store.verify()).findings),
    take: await outcome(async () => (await store.take(ballast.pop()!)) !== undefined),
    delete: await outcome(() => store.delete(ballast.pop()!)),
  }
}

const store = await open(ROOT, { fs })
for (const key of STEADY_KEYS) await store.set(key, steadyValue(key))
const ballast = await fill(store)
const objects = STEADY_KEYS.length + ballast.length
const writes = await tryWrites(store)
const other = await open(ROOT, { fs })
const stranger = {
  wrong: await wrongKeys(other),
  delete: await outcome(() => other.delete(ballast.pop()!)),
}
await other.close()
report({ objects, writes, stranger, others: await tryOthers(store, ballast) })

const undeleted: unknown[] = []
for (const key of ballast) {
  const result = await outcome(() => store.delete(key))
  if (result !== true) undeleted.push(result)
}
const after = { wrong: await wrongKeys(store), writes: await tryWrites(store) }
const { findings } = await store.verify()
await store.close()
report({ undeleted, ...after, findings })
