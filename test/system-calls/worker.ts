/**
 * Does every verb once, on the store in SCRATCH/store, with marks around it for strace.
 *
 *     worker SCRATCH sync|async
 */
import { accessSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { open, openSync, type Store } from '../../index.js'
import { perform, VERBS, type Opener } from './verbs.js'

/** So many turns of the event loop without a call of the file system: nothing goes on. */
const QUIET_TURNS = 10

const [scratch = '', face = ''] = process.argv.slice(2)

const openIt: Opener = (path, options) =>
  // Their verbs have the same names and arguments, and whoever awaits cannot tell them apart.
  face === 'sync' ? (openSync(path, options) as unknown as Store) : open(path, options)

function mark(text: string): void {
  try {
    accessSync(`/mark/${text}`)
  } catch {
    // It is never there; strace sees the call.
  }
}

/** Until nothing is done in the background any more; it makes no call itself. */
async function untilQuiet(): Promise<void> {
  const isBusy = (): boolean => process.getActiveResourcesInfo().some((name) => /^FS/.test(name))
  for (let turns = 0; turns < QUIET_TURNS; turns = isBusy() ? 0 : turns + 1) await setImmediate()
}

for (const verb of VERBS) {
  await perform(verb, `${scratch}/store`, openIt, async (act) => {
    await untilQuiet()
    mark(verb.title)
    await act()
    await untilQuiet()
    mark('end')
  })
}
