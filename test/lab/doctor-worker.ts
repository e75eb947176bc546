/**
 * Runs `linkstore doctor` and reports how it ended:
 *
 *     doctor-worker NAME DIRECTORY SERVED_DIRECTORY [OPTION ...]
 */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Report } from '../../lib/doctor/index.js'
import { report } from './channel.js'

const MAIN = join(import.meta.dirname, '../../lib/cli/main.js')
const TIMEOUT_MS = 60_000

/** What a run of doctor in a guest came to. */
export interface DoctorResult {
  readonly name: string
  readonly status: number | null
  readonly durationMs: number
  readonly report: Report
  readonly stderr: string
  /** What the server has in the directory afterwards. */
  readonly left: readonly string[]
}

const [name = '', directory = '', servedDirectory = '', ...options] = process.argv.slice(2)
const startMs = performance.now()
const { status, stdout, stderr } = spawnSync(
  process.execPath,
  [MAIN, 'doctor', directory, '--json', ...options],
  { encoding: 'utf8', timeout: TIMEOUT_MS, killSignal: 'SIGKILL' },
)
const durationMs = performance.now() - startMs
const result: DoctorResult = {
  ...{ name, status, durationMs, stderr },
  report: JSON.parse(stdout) as Report,
  left: readdirSync(servedDirectory),
}
report(result)
