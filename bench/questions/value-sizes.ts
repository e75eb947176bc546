import { measureStage, readersOf, together, writersOf, type Effort, type Found } from '../calls.js'
import type { Options } from '../results.js'
import { SUBJECTS } from '../subjects.js'
import { firstKeys, loadOf } from '../subjects/load.js'
import type { Entry, Load } from '../subjects/subject.js'
import type { Question } from './question.js'

const PROMISED = 'nothing flushed'

/** How many values there are of which size. */
const SIZES = [
  { valueBytes: 2 ** 10, keys: 128 },
  { valueBytes: 64 * 2 ** 10, keys: 32 },
  { valueBytes: 2 ** 20, keys: 8 },
  { valueBytes: 64 * 2 ** 20, keys: 1 },
] as const
/** What takes a tenth of a second at a time needs no turns, and not as many rounds. */
const LARGE_BYTES = 16 * 2 ** 20
/** Those that are enough to see that it works. */
const SHORT_SIZES = SIZES.slice(1, 3)
const MOST_SHORT_ROUNDS = 2
const MOST_LARGE_ROUNDS = 4

/** Those that say something of their own about size. */
const NAMES = [
  'linkstore',
  'linkstore, durability none',
  'linkstore sync',
  'linkstore sync, durability none',
  'linkstore, reads open',
  'unstorage fs',
  'cacache',
  'keyv-file',
  'readFile',
  'write-file-atomic, no fsync',
  'writeFile + rename',
  'lmdb',
  'classic-level',
  'SQLite',
]

/** How does the time grow with the value? */
export const valueSizes: Question = {
  name: 'value-sizes',
  asks: 'How does the time grow with the size of the value?',
  explains: `Values of 1 KiB, 64 KiB, 1 MiB and 64 MiB, each read and overwritten as a whole, one
call at a time, with nothing flushed. The values cannot be compressed. All of what is read is
compared. \`keyv-file\` is left out above 64 KiB, since it writes values as text.`,
  chart: { shows: 'figures', along: 'valueBytes', columns: 'operation' },
  whyOthersWin: {
    'linkstore sync': 'There is no way to the threads of Node and back.',
    'linkstore sync, durability none': 'There is no way to the threads of Node and back.',
    'linkstore, reads open': 'No private link is made and removed.',
    readFile: `It checks nothing; linkstore computes a checksum of each value that it reads.`,
    'unstorage fs': `It checks nothing, and it writes over the old value in place: the file system
need not find new room, and who reads meanwhile gets a part of it.`,
    'writeFile + rename': 'It computes no checksum.',
    'write-file-atomic, no fsync': 'It computes no checksum.',
    lmdb: 'Small values come from memory; large ones are copied once less.',
    'classic-level': 'What was written last is still in memory.',
    SQLite: 'Small values lie in pages that it keeps in memory.',
  },
  measure: async (scratches, options, announce) => {
    const found: Found[] = []
    const able = SUBJECTS.filter(({ name }) => NAMES.includes(name))
    for (const scratch of scratches) {
      for (const { valueBytes, keys } of options.isShort ? SHORT_SIZES : SIZES) {
        const load = loadOf(valueBytes, firstKeys(keys))
        for (const stage of stagesOf(able, load)) {
          const what = `${scratch.fileSystem}, ${valueBytes} bytes`
          const say = (progress: string): void => announce(`${what}, ${progress}`)
          found.push(await measureStage(scratch, stage, effortOf(options, valueBytes), say))
        }
      }
    }
    return together(valueSizes.name, found)
  },
}

function stagesOf(able: readonly Entry[], load: Load): Parameters<typeof measureStage>[1][] {
  return [
    { entries: readersOf(able), load, calls: [{ operation: 'get', inFlight: 1 }] },
    {
      entries: writersOf(able, PROMISED),
      load,
      promised: PROMISED,
      calls: [{ operation: 'set, overwriting', inFlight: 1 }],
    },
  ]
}

function effortOf({ rounds, isShort }: Options, valueBytes: number): Effort {
  if (valueBytes < LARGE_BYTES) {
    return isShort
      ? { rounds: Math.min(rounds, MOST_SHORT_ROUNDS), roundMs: 20, turns: 2 }
      : { rounds, roundMs: 80, turns: 8 }
  }
  return { rounds: Math.min(rounds, MOST_LARGE_ROUNDS), roundMs: 1, turns: 1 }
}
