/**
 * Asks a store on a mount whether it answers, while the server is there, is cut off and is back:
 *
 *     health-worker ROOT
 *
 * by the verb in this process, and by the command, which the shell runs that was there before.
 */
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { open } from '../../index.js'
import { report } from './channel.js'
import { Shell } from './faults-shell.js'

/** What was answered at one time. */
export interface HealthReport {
  readonly when: 'up' | 'cut' | 'healed'
  readonly isHealthy: boolean
  readonly code: string | undefined
  readonly tookMs: number
  readonly command: { readonly status: number; readonly tookMs: number }
}

/** What an answer may take; a host that was cut off needs some time to find its server again. */
const TIMEOUT_MS = 1000
const RECOVERY_MS = 60_000
const MAIN = join(import.meta.dirname, '../../lib/cli/main.js')

const [root = ''] = process.argv.slice(2)
const shell = new Shell()
const store = await open(root)
await store.set('k', 'v')

async function ask(when: HealthReport['when']): Promise<HealthReport> {
  const startMs = performance.now()
  const { isHealthy, error } = await store.health({ timeoutMs: TIMEOUT_MS })
  const tookMs = performance.now() - startMs
  const commandStartMs = performance.now()
  const status = await shell.statusOf(`${process.execPath} ${MAIN} -d ${root} health --timeout 1s`)
  const command = { status, tookMs: performance.now() - commandStartMs }
  return { when, isHealthy, code: error?.code, tookMs, command }
}

report(await ask('up'))
await shell.run('host_cut a')
report(await ask('cut'))
await shell.run('host_heal a')
const startMs = performance.now()
while (!(await store.health({ timeoutMs: TIMEOUT_MS })).isHealthy) {
  if (performance.now() - startMs > RECOVERY_MS) break
  await setTimeout(100)
}
report(await ask('healed'))
shell.end()
await store.close()
