/**
 * Runs the conformance suite on directories of a guest, and reports each of its tests.
 *
 *     conformance-worker [--tick VERB]... ROOT [ROOT_OF_ANOTHER_HOST ...]
 *
 * With several roots, which are one directory as different hosts see it, each store that a test
 * opens is opened on the next host. Calls of a VERB are made in a tick of their own.
 */
import { rm } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { directoryStore, type ObjectStore } from '../../index.js'
import { conformance, type Subject } from '../conformance/index.js'
import { report } from './channel.js'

/** How one test of the suite ended. */
export interface Conformed {
  readonly title: string
  /** What it failed with; undefined when it passed. */
  readonly failure: string | undefined
}

/** The clock of a kernel, which files are stamped with, ticks every 10 ms at the least. */
const TICK_MS = 20

const { values, positionals: roots } = parseArgs({
  options: { tick: { type: 'string', multiple: true, default: [] } },
  allowPositionals: true,
})
const ticked = new Set(values.tick)
let subjects = 0

async function factory(): Promise<Subject> {
  subjects += 1
  const directory = `subject-${subjects}`
  let opened = 0
  return {
    open: async () => {
      opened += 1
      return ticking(await directoryStore(`${roots[opened % roots.length] ?? ''}/${directory}`))
    },
    remove: () => rm(`${roots[0] ?? ''}/${directory}`, { recursive: true, force: true }),
  }
}

/** A store that waits for the next tick before each call of those verbs. */
function ticking(store: ObjectStore): ObjectStore {
  const pause = async (verb: keyof ObjectStore): Promise<void> => {
    if (ticked.has(verb)) await setTimeout(TICK_MS)
  }
  return {
    supports: store.supports,
    read: async (...call) => (await pause('read'), await store.read(...call)),
    stat: async (...call) => (await pause('stat'), await store.stat(...call)),
    write: async (...call) => (await pause('write'), await store.write(...call)),
    remove: async (...call) => (await pause('remove'), await store.remove(...call)),
    take: async (...call) => (await pause('take'), await store.take(...call)),
    async *list(...call) {
      await pause('list')
      yield* store.list(...call)
    },
    close: () => store.close(),
  }
}

async function test(title: string, body: () => Promise<void>): Promise<void> {
  let failure: string | undefined
  try {
    await body()
  } catch (error) {
    failure = error instanceof Error ? (error.stack ?? error.message) : String(error)
  }
  report({ title, failure } satisfies Conformed)
}

const supports = {
  list: true,
  metadata: true,
  expiry: true,
  versions: true,
  conditions: false,
  maxKeyBytes: 65_536,
}
await conformance({ test, factory, supports })
