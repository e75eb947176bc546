/**
 * Runs the lab:
 *
 *     node dist/test/lab/run.js [--short | --flock] [NAME ...]
 *
 * NAME is that of a file `test/lab/NAME.lab.ts`; without one, all are run. With `--flock` changes
 * under locks of NFS are measured, too, for docs/benchmarks.md.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { describeMissing } from './requirements.js'

const ROOT_PATH = join(import.meta.dirname, '../../..')
const SUFFIX = '.lab.ts'
/** What tap allows one file. */
const TIMEOUT_S = 1500

/** The names of all parts of the lab. */
function allNames(): string[] {
  const files = readdirSync(join(ROOT_PATH, 'test/lab'))
  return files
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => name.slice(0, -SUFFIX.length))
    .sort()
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(2)
}

const { values, positionals } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    flock: { type: 'boolean', default: false },
  },
  allowPositionals: true,
})
const known = allNames()
const unknown = positionals.filter((name) => !known.includes(name))
if (unknown.length > 0) fail(`no such part of the lab: ${unknown.join(', ')}; ${known.join(', ')}`)
const missing = describeMissing()
if (missing !== undefined) fail(missing)

const selection = values.short ? 'short' : values.flock ? 'flock' : undefined
const names = positionals.length > 0 ? positionals : known
const { status } = spawnSync(
  process.execPath,
  [
    join(ROOT_PATH, 'node_modules/tap/dist/esm/run.mjs'),
    // A guest has one processor, so two of them are what two cores can serve.
    ...['--disable-coverage', '--jobs=2', `--timeout=${TIMEOUT_S}`],
    ...names.map((name) => `test/lab/${name}${SUFFIX}`),
  ],
  {
    cwd: ROOT_PATH,
    stdio: 'inherit',
    env: { ...process.env, ...(selection !== undefined && { LINKSTORE_LAB: selection }) },
  },
)
process.exit(status ?? 1)
