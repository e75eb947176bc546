/**
 * Gives objects as many names as their file system allows, and reports what each verb does then:
 * limits-links-worker DIRECTORY READERS
 */
import { linkSync, mkdirSync, statSync } from 'node:fs'
import { hashKey, open, type Store, type StoredObject } from '../../index.js'
import { report } from './channel.js'
import { LARGE, outcome, SMALL, wrongKeys } from './limits-values.js'

const [directory = '', readers = ''] = process.argv.slice(2)
const ROOT = `${directory}/store`

function pathOf(key: string): string {
  const hash = hashKey(key)
  return `${ROOT}/${hash.slice(0, 2)}/${hash.slice(2, 4)}/${hash.slice(4)}`
}

/** Gives a file names in one directory until there is no more to be had. */
function exhaustLinks(key: string): void {
  const names = `${directory}/names-of-${key}`
  mkdirSync(names)
  for (let count = 0; ; count += 1) {
    try {
      linkSync(pathOf(key), `${names}/${count}`)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EMLINK') return
      throw error
    }
  }
}

/** Opens a large object many times: each handle holds a link in the store's private directory. */
async function openMany(store: Store): Promise<Record<string, unknown>> {
  const handles: StoredObject[] = []
  for (let i = 0; i < Number(readers); i += 1) handles.push((await store.read('steady-0'))!)
  const links = statSync(pathOf('steady-0')).nlink - 1
  await store.set('steady-0', SMALL)
  const texts = await Promise.all([handles[0]!, handles.at(-1)!].map((handle) => handle.text()))
  for (const handle of handles) await handle.close()
  await store.set('steady-0', LARGE)
  return { areAllLinked: links === handles.length, isPinned: texts.every((text) => text === LARGE) }
}

const store = await open(ROOT)
await store.set('steady-0', LARGE)
await store.set('steady-1', SMALL)
const pinned = await openMany(store)
exhaustLinks('steady-0')
exhaustLinks('steady-1')
const links = statSync(pathOf('steady-1')).nlink
const wrong = await wrongKeys(store, ['steady-0', 'steady-1'])
const handle = await store.read('steady-0')
const verbs = {
  has: await outcome(() => store.has('steady-1')),
  add: await outcome(() => store.add('steady-1', SMALL)),
  copy: await outcome(() => store.copy('steady-1', 'copy')),
  set: (await outcome(() => store.set('steady-1', SMALL))) instanceof Object,
  take: await outcome(async () => (await store.take('steady-0'))?.equals(Buffer.from(LARGE))),
  delete: await outcome(() => store.delete('steady-1')),
}
const isPinned = (await handle?.text()) === LARGE
await handle?.close()
await store.close()
report({ links, wrong, verbs, isPinned, pinned })
