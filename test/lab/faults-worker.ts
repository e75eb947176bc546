/**
 * Works on a store while the network or the server fails:
 * faults-worker CASE STORE_DIRECTORY STORE_DIRECTORY_ON_THE_SERVER
 *
 * Nothing but the store may touch the mount: what hangs would hang this process.
 */
import { existsSync, readdirSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { open, StoreError } from '../../index.js'
import { report } from './channel.js'
import { Lanes } from './faults-lanes.js'
import type { FaultReport } from './faults-report.js'
import { Shell } from './faults-shell.js'
import { callVerbs, checkVerbs, prepareVerbs } from './faults-verbs.js'

const [name = '', path = '', serverPath = ''] = process.argv.slice(2)
const BEFORE_MS = 1000
const CUT_MS = 5000
const DOWN_MS = 2000
const ABORT_MS = 300
const MOST_MS = 20_000
const RECOVERY_MS = 40_000
const RETRY_MS = 200
const ROUNDS = 3

const tell: (told: FaultReport) => void = report
const shell = new Shell()
const store = await open(path)

/** Waits until the store answers again, and says how long that took. */
async function recover(): Promise<number> {
  const startMs = performance.now()
  for (;;) {
    try {
      await store.set('recovered', 'yes')
      if ((await store.get('recovered'))?.toString() === 'yes') break
      throw new Error('what was just set is not there')
    } catch (error) {
      const isOver = performance.now() - startMs > RECOVERY_MS
      if (!(error instanceof StoreError) || isOver) throw error
      await setTimeout(RETRY_MS)
    }
  }
  return Math.round(performance.now() - startMs)
}

/** Lets lanes run while something is broken and mended again. */
async function workThrough(fault: () => Promise<void>): Promise<void> {
  const lanes = new Lanes(store)
  await lanes.start()
  await setTimeout(BEFORE_MS)
  await fault()
  await lanes.progress(ROUNDS)
  tell({ kind: 'lanes', ...(await lanes.end()) })
}

async function cutAndHeal(): Promise<void> {
  await shell.run('host_cut a')
  await setTimeout(CUT_MS)
  await shell.run('host_heal a')
}

async function restart(): Promise<void> {
  await shell.run('nfs_down')
  await setTimeout(DOWN_MS)
  await shell.run('nfs_up')
}

/**
 * Calls everything while it is broken, mends it when all calls have ended, or some time later at
 * the latest, and looks at what has become of the store.
 */
async function callThrough(
  breakIt: string,
  mendIt: string,
  optionsOf?: () => { signal: AbortSignal },
): Promise<void> {
  await prepareVerbs(store)
  await shell.run(breakIt)
  const calls = callVerbs(store, path, optionsOf)
  await Promise.race([calls, setTimeout(MOST_MS)])
  await shell.run(mendIt)
  tell({ kind: 'calls', outcomes: await calls })
  const recoveryMs = await recover()
  tell({ kind: 'recovered', recoveryMs, wrong: await checkVerbs(store) })
}

/** The store's private names as the server has them. */
function leftOver(): string[] {
  const directory = `${serverPath}/.tmp`
  if (!existsSync(directory)) return []
  return readdirSync(directory, { recursive: true }).map(String)
}

const CASES: Readonly<Record<string, () => Promise<void>>> = {
  cut: () => workThrough(cutAndHeal),
  abort: () =>
    callThrough('host_cut a', 'host_heal a', () => ({ signal: AbortSignal.timeout(ABORT_MS) })),
  fail: () => callThrough('host_cut a', 'host_heal a'),
  restart: () => workThrough(restart),
  unexport: () => callThrough('nfs_unexport', 'nfs_export'),
  renew: () => callThrough('renew_directory', 'mount_again'),
}

const run = CASES[name]
if (run === undefined) throw new Error(`no such case: ${name}`)
await run()
await store.close()
shell.end()
tell({ kind: 'closed', leftOver: leftOver() })
