import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { together } from '../calls.js'
import { hasPackage, PACKAGE_PATH } from '../package.js'
import { measureInRounds, type Comparison, type Runner } from '../rounds.js'
import { anywhere, withPlace } from '../scratches.js'
import type { Question } from './question.js'

const CORE = 'linkstore'
const PARTS = ['linkstore/memory', 'linkstore/sealed', 'linkstore/url']
const PEERS = ['unstorage', 'cacache', 'keyv-file', 'flat-cache', 'lmdb', 'classic-level']

/** How much code does an import load? */
export const loadedCode: Question = {
  name: 'loaded-code',
  asks: 'How much code does an import load?',
  explains: `The files of JavaScript that a process of Node has loaded after the import, all of
them, dependencies included; libraries in machine code are not counted. \`import 'linkstore'\`
loads no [layer](layers.md) and no backend but the directory: those have imports of their own,
three of which stand beside it.`,
  chart: { shows: 'figures', columns: 'operation' },
  whyOthersWin: {
    'import unstorage': 'It loads next to nothing before a driver is chosen.',
    'import cacache': 'It is a cache for one machine: no queues, cells or leases.',
    'import lmdb': 'Most of it is machine code.',
    'import classic-level': 'Most of it is machine code.',
    'import flat-cache': 'It keeps one file of JSON, for one process.',
    'import keyv-file': 'It keeps one file of JSON, for one process.',
  },
  measure: async (scratches, { isShort }, announce) =>
    withPlace(anywhere(scratches), async (place) => {
      const peers = isShort ? [] : PEERS.filter(hasPackage)
      const missing = PEERS.filter((name) => !hasPackage(name))
      const comparison: Comparison = {
        facts: { fileSystem: '', operation: 'import' },
        unit: 'KiB of code',
        comparedWith: `import ${CORE}`,
        turns: 1,
        runners: [CORE, ...PARTS, ...peers].map((name) => runnerOf(name, join(place, 'coverage'))),
      }
      // It is the same each time.
      const groups = await measureInRounds([comparison], 1, () => announce('once'), 0)
      const reasons = missing.map((name) => `import ${name}: not installed`)
      return together(loadedCode.name, [{ groups, missing: reasons }])
    }),
}

function runnerOf(name: string, directory: string): Runner {
  const run: Runner['run'] = () =>
    Promise.resolve({ amount: loadedBytes(name, directory) / 1024, calls: 1 })
  return { subject: `import ${name}`, run }
}

/** The size of all files that Node's own coverage lists, after a process has imported one. */
function loadedBytes(name: string, directory: string): number {
  const script = `await import(${JSON.stringify(name)})`
  execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: PACKAGE_PATH,
    env: { ...process.env, NODE_V8_COVERAGE: directory },
  })
  const urls = readdirSync(directory).flatMap((file) => {
    const text = readFileSync(join(directory, file), 'utf8')
    return (JSON.parse(text) as { result: { url: string }[] }).result.map(({ url }) => url)
  })
  rmSync(directory, { recursive: true })
  const paths = urls
    .filter((url) => /^file:.*\.[cm]?js$/.test(url))
    .map((url) => fileURLToPath(url))
  return [...new Set(paths)].reduce((sum, path) => sum + statSync(path).size, 0)
}
