import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { openSync } from '../../index.js'
import { together } from '../calls.js'
import { COMMAND_PATH, hasPackage, PACKAGE_PATH } from '../package.js'
import { measureInRounds, type Comparison, type Runner } from '../rounds.js'
import { anywhere, withPlace } from '../scratches.js'
import type { Cost } from '../subjects/subject.js'
import type { Question } from './question.js'

const KEY = 'greeting'
const VALUE = 'Hello, world'
const NODE = 'node -e 0'

const PEERS = [
  'unstorage',
  'cacache',
  'keyv-file',
  'flat-cache',
  'write-file-atomic',
  'proper-lockfile',
  'lmdb',
  'classic-level',
]

/** How long does it take until there is a first answer? */
export const startUp: Question = {
  name: 'start-up',
  asks: 'How long does it take to start?',
  explains: `First the command: \`linkstore get\`, from its start to the first byte of the value,
against \`node -e 0\`, which does nothing, to its end. Then the packages: a process that imports one
and ends.`,
  chart: { shows: 'figures', columns: 'operation' },
  whyOthersWin: {
    [NODE]: 'It does nothing. What the command takes more is what it loads and what it does.',
    'import write-file-atomic': 'It has a few files.',
    'import proper-lockfile': 'It has a few files.',
    'import lmdb': 'It has few files, and a library that is ready.',
    'import classic-level': 'It has few files, and a library that is ready.',
  },
  measure: async (scratches, { rounds, isShort }, announce) =>
    withPlace(anywhere(scratches), async (place) => {
      const directory = join(place, 'store')
      const store = openSync(directory, { durability: 'none' })
      store.set(KEY, VALUE)
      store.close()
      const peers = isShort ? [] : PEERS.filter(hasPackage)
      const missing = PEERS.filter((name) => !hasPackage(name))
      const plan = { turns: isShort ? 4 : 3, unit: 'ms', comparedWith: NODE } as const
      const comparisons: Comparison[] = [
        {
          ...plan,
          facts: { fileSystem: '', operation: 'get by the command' },
          runners: [commandRunner(directory), nodeRunner()],
        },
        {
          ...plan,
          facts: { fileSystem: '', operation: 'import of the package' },
          runners: [nodeRunner(), ...['linkstore', ...peers].map(importRunner)],
        },
      ]
      const groups = await measureInRounds(comparisons, rounds, (round) =>
        announce(`round ${round + 1} of ${rounds}`),
      )
      const reasons = missing.map((name) => `import ${name}: not installed`)
      return together(startUp.name, [{ groups, missing: reasons }])
    }),
}

function nodeRunner(): Runner {
  return { subject: NODE, run: async () => (await runNode(['-e', '0'])).toEnd }
}

function commandRunner(directory: string): Runner {
  const run = async (): Promise<Cost> => {
    const { toFirstByte, output } = await runNode([COMMAND_PATH, '-d', directory, 'get', KEY])
    if (output !== VALUE) throw new Error(`the command wrote ${JSON.stringify(output)}`)
    return toFirstByte
  }
  return { subject: 'linkstore', run }
}

function importRunner(name: string): Runner {
  const script = `await import(${JSON.stringify(name)})`
  return {
    subject: `import ${name}`,
    run: async () => (await runNode(['--input-type=module', '-e', script])).toEnd,
  }
}

/** How long a process of Node took until it wrote, and until it ended. */
async function runNode(
  options: readonly string[],
): Promise<{ toFirstByte: Cost; toEnd: Cost; output: string }> {
  const startMs = performance.now()
  const child = spawn(process.execPath, options, {
    cwd: PACKAGE_PATH,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let firstMs = NaN
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    if (output === '') firstMs = performance.now() - startMs
    output += chunk.toString()
  })
  let endMs = NaN
  child.once('exit', () => (endMs = performance.now() - startMs))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve)
  })
  if (code !== 0) throw new Error(`node ${options.join(' ')} ended with status ${code}`)
  return { toFirstByte: { amount: firstMs, calls: 1 }, toEnd: { amount: endMs, calls: 1 }, output }
}
