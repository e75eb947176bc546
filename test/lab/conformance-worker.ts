/**
 * Runs the conformance suite on directories of a guest, and reports each of its tests.
 *
 *     conformance-worker ROOT [ROOT_OF_ANOTHER_HOST ...]
 *
 * With several roots, which are one directory as different hosts see it, each store that a test
 * opens is opened on the next host.
 */
import { rm } from 'node:fs/promises'
import { directoryStore } from '../../index.js'
import { conformance, type Subject } from '../conformance/index.js'
import { report } from './channel.js'

/** How one test of the suite ended. */
export interface Conformed {
  readonly title: string
  /** What it failed with; undefined when it passed. */
  readonly failure: string | undefined
}

const roots = process.argv.slice(2)
let subjects = 0

async function factory(): Promise<Subject> {
  subjects += 1
  const directory = `subject-${subjects}`
  let opened = 0
  return {
    open: async () => {
      opened += 1
      return await directoryStore(`${roots[opened % roots.length] ?? ''}/${directory}`)
    },
    remove: () => rm(`${roots[0] ?? ''}/${directory}`, { recursive: true, force: true }),
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

const supports = { list: true, metadata: true, expiry: true, versions: true, conditions: false }
await conformance({ test, factory, supports })
