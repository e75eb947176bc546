import { execFile } from 'node:child_process'
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { together } from '../calls.js'
import { hasPackage } from '../package.js'
import { measureInRounds, type Comparison, type Runner } from '../rounds.js'
import { anywhere, removeTree, withPlace } from '../scratches.js'
import type { Question } from './question.js'

const WORKER_PATH = join(import.meta.dirname, '../subjects/memory-worker.js')
const MOST_ROUNDS = 5

/** Who keeps values, and the package that has to be there for it. */
const KEEPERS: readonly (readonly [name: string, package_?: string])[] = [
  ['linkstore'],
  ['linkstore sync'],
  ['readFile'],
  ['unstorage fs', 'unstorage'],
  ['cacache', 'cacache'],
  ['keyv-file', 'keyv-file'],
  ['lmdb', 'lmdb'],
  ['classic-level', 'classic-level'],
]
const STREAMED = 'node:fs streams'

/** How much memory does it take? */
export const memory: Question = {
  name: 'memory',
  asks: 'How much memory does it take?',
  explains: `By how much a process of its own becomes larger, at most: once by writing 2,048 values
of 16 KiB, reading all back and then for half a second, with 16 calls under way, and once by one
value of 256 MiB that passes as a stream into a store and out again. What it held before it opened
anything does not count: Node, the values themselves and the code that is loaded with the bench.`,
  chart: { shows: 'figures', columns: 'operation' },
  whyOthersWin: {
    'linkstore sync': 'It has one value at a time.',
    readFile: 'It has nothing but the values that it reads.',
    'unstorage fs': 'It has little but the values that it reads.',
    'keyv-file': 'It has little but the values that it reads.',
    [STREAMED]: 'It has nothing but the buffers of the two streams.',
  },
  measure: async (scratches, { rounds: wanted, isShort }, announce) =>
    withPlace(anywhere(scratches), async (place) => {
      const rounds = Math.min(wanted, isShort ? 1 : MOST_ROUNDS)
      const isThere = ([, name]: readonly [string, string?]): boolean =>
        name === undefined || hasPackage(name)
      const plan = { unit: 'MiB', comparedWith: 'linkstore', turns: 1 } as const
      const facts = { fileSystem: '', inFlight: 16, valueBytes: 16 * 1024, objects: 2048 }
      const comparisons: Comparison[] = [
        {
          ...plan,
          facts: { ...facts, operation: 'write and read values' },
          runners: KEEPERS.filter(isThere).map(([name]) => runner(name, 'values', place)),
        },
        {
          ...plan,
          facts: { fileSystem: '', operation: 'stream a value', valueBytes: 2 ** 28 },
          runners: ['linkstore', STREAMED].map((name) => runner(name, 'stream', place)),
        },
      ]
      const groups = await measureInRounds(
        comparisons,
        rounds,
        (round) => announce(`round ${round + 1} of ${rounds}`),
        0,
      )
      const missing = KEEPERS.filter((each) => !isThere(each)).map(
        ([name]) => `${name}: not installed`,
      )
      return together(memory.name, [{ groups, missing }])
    }),
}

function runner(subject: string, job: string, place: string): Runner {
  const run = async (): Promise<{ amount: number; calls: number }> => {
    const directory = await mkdtemp(join(place, 'kept-'))
    const options = [WORKER_PATH, subject, job, directory]
    const { stdout } = await promisify(execFile)(process.execPath, options)
    await removeTree(directory)
    return { amount: Number(stdout), calls: 1 }
  }
  return { subject, run }
}
