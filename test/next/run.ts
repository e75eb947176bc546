/**
 * Tries the packed package in real applications of Next.js:
 *
 *     node dist/test/next/run.js [VERSION ...]
 *
 * VERSION is 14, 15 or 16; without one, all are tried. It needs a network and Debian's chromium.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../../..')
const VERSIONS = ['14', '15', '16']
const CHROMIUM = '/usr/bin/chromium'
/** What tap allows one version. */
const TIMEOUT_S = 900

function fail(message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(2)
}

const asked = process.argv.slice(2)
const unknown = asked.filter((version) => !VERSIONS.includes(version))
if (unknown.length > 0) fail(`no such version: ${unknown.join(', ')}; ${VERSIONS.join(', ')}`)
if (!existsSync(CHROMIUM)) fail(`there is no ${CHROMIUM}; apt-get install chromium`)

const versions = asked.length > 0 ? asked : VERSIONS
const { status } = spawnSync(
  process.execPath,
  [
    join(ROOT, 'node_modules/tap/dist/esm/run.mjs'),
    ...['--disable-coverage', '--jobs=2', `--timeout=${TIMEOUT_S}`],
    ...versions.map((version) => `test/next/next-${version}.lab.ts`),
  ],
  { cwd: ROOT, stdio: 'inherit' },
)
process.exit(status ?? 1)
