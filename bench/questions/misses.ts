import { measureStage, readersOf, together, type Found } from '../calls.js'
import { SUBJECTS } from '../subjects.js'
import { firstKeys, loadOf } from '../subjects/load.js'
import type { Question } from './question.js'

const VALUE_BYTES = 1024
const KEYS = 256

/** How long does it take to learn that a key has no value? */
export const misses: Question = {
  name: 'misses',
  asks: 'How long does it take to learn that a key has no value?',
  explains: `A \`get\` of keys that were never written, in stores that have ${KEYS} others, one at
a time and with 64 under way.`,
  chart: { shows: 'ratios', columns: 'inFlight' },
  whyOthersWin: {
    'linkstore sync': 'There is no way to the threads of Node and back.',
    'linkstore sync, reads open': 'There is no way to the threads of Node and back.',
    'linkstore sync, cached': 'There is no way to the threads of Node and back.',
    readFile: `It believes the first ENOENT. linkstore looks again and at the marker of the store
before it calls a key absent: the volume may be gone, or the name just be replaced.`,
    'unstorage fs': 'It believes the first ENOENT, whatever has become of the volume.',
    'keyv-file': 'It believes the first ENOENT, whatever has become of the volume.',
    'naive link + promises': 'It believes the first ENOENT, whatever has become of the volume.',
    cacache: 'It believes the first ENOENT, whatever has become of the volume.',
    lmdb: 'It looks into memory.',
    'classic-level': 'It looks into memory.',
    'flat-cache': 'It looks into its own memory, and does not see what others write.',
    SQLite: 'It looks into memory.',
  },
  measure: async (scratches, { rounds, isShort }, announce) => {
    const found: Found[] = []
    const entries = readersOf(SUBJECTS).filter(({ operations }) =>
      operations.includes('get, absent'),
    )
    const load = loadOf(VALUE_BYTES, firstKeys(KEYS))
    const calls = [1, 64].map((inFlight) => ({ operation: 'get, absent', inFlight }) as const)
    const effort = isShort ? { roundMs: 20, turns: 2 } : { roundMs: 80, turns: 8 }
    for (const scratch of scratches) {
      const say = (progress: string): void => announce(`${scratch.fileSystem}, ${progress}`)
      found.push(await measureStage(scratch, { entries, load, calls }, { rounds, ...effort }, say))
    }
    return together(misses.name, found)
  },
}
