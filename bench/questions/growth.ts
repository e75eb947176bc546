import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { together, type Found } from '../calls.js'
import type { Options } from '../results.js'
import { measureInRounds, type Comparison, type Runner } from '../rounds.js'
import { onDisk, withPlace } from '../scratches.js'
import { SUBJECTS } from '../subjects.js'
import { openLmdb } from '../subjects/databases.js'
import { filledStore } from '../subjects/filled-store.js'
import { firstKeys, keyOf, loadOf } from '../subjects/load.js'
import type { Contestant, Entry } from '../subjects/subject.js'
import { Unavailable } from '../unavailable.js'
import type { Question, Scratch } from './question.js'

const VALUE_BYTES = 1024
const LEAST = 1000
/** As many of the keys are read, at most, evenly spread; all of these once before. */
const MOST_READ = 20_000
const BATCH = 10_000

/** Those of the table that work on a store as it is. */
const NAMES = ['linkstore', 'linkstore sync', 'floor', 'fs sync calls', 'lmdb']

/** Does a read cost more in a store with many objects? */
export const growth: Question = {
  name: 'growth',
  asks: 'Does a read cost more in a store with many objects?',
  explains: `Stores with a thousand objects of 1 KiB, and with ten times as many up to a million,
are there at the same time and are read in turns, one call at a time. Of each, up to
${MOST_READ.toLocaleString('en-US')} keys, evenly spread, are read, and were read once before: the
file system knows them. *floor* and *fs sync calls* make the same system calls on the same stores,
so that they tell how much of the growth is the file system's.`,
  chart: { shows: 'figures', along: 'objects' },
  whyOthersWin: {
    'linkstore sync': 'There is no way to the threads of Node and back.',
    floor: 'It is what remains when everything but the system calls is taken away.',
    'fs sync calls': 'It makes the same system calls and checks nothing.',
    lmdb: 'It reads from memory that it shares with the disk, on one host.',
  },
  measure: async (scratches, options, announce) => {
    const scratch = onDisk(scratches)
    return together(growth.name, [await measureOn(scratch, options, announce)])
  },
}

async function measureOn(
  scratch: Scratch,
  options: Options,
  announce: (what: string) => void,
): Promise<Found> {
  const { rounds, isShort } = options
  const roundMs = isShort ? 60 : 200
  const turns = isShort ? 6 : 20
  return await withPlace(scratch, async (place) => {
    const comparisons: Comparison[] = []
    const missing: string[] = []
    const all: Contestant[] = []
    try {
      for (const objects of sizesOf(options)) {
        announce(`filling ${objects}`)
        const { contestants, reasons } = await admit(scratch, place, objects)
        missing.push(...reasons)
        all.push(...contestants.values())
        for (const contestant of contestants.values()) await contestant.check()
        const runners = [...contestants].map(([{ name }, contestant]): Runner => ({
          subject: name,
          run: () => contestant.measure('get', 1, roundMs / turns),
        }))
        const { fileSystem } = scratch
        const facts = {
          fileSystem,
          operation: 'get',
          valueBytes: VALUE_BYTES,
          inFlight: 1,
          objects,
        }
        comparisons.push({ facts, unit: 'µs per call', comparedWith: 'linkstore', turns, runners })
      }
      const groups = await measureInRounds(comparisons, rounds, (round) =>
        announce(`round ${round + 1} of ${rounds}`),
      )
      return { groups, missing }
    } finally {
      for (const contestant of all) await contestant.close()
    }
  })
}

/** Each ten times the one before, or more. */
function sizesOf({ objects: most = LEAST }: Options): number[] {
  const sizes: number[] = []
  for (let size = LEAST; size * 10 <= most; size *= 10) sizes.push(size)
  return [...sizes, most]
}

async function admit(
  scratch: Scratch,
  place: string,
  objects: number,
): Promise<{ contestants: Map<Entry, Contestant>; reasons: string[] }> {
  const contestants = new Map<Entry, Contestant>()
  const reasons: string[] = []
  const count = Math.min(objects, MOST_READ)
  const stride = Math.floor(objects / count)
  const load = loadOf(
    VALUE_BYTES,
    firstKeys(count).map((index) => index * stride),
  )
  for (const entry of SUBJECTS.filter(({ name, isRead }) => isRead && NAMES.includes(name))) {
    try {
      const directory =
        entry.name === 'lmdb'
          ? await filledLmdb(place, objects)
          : await filledStore(scratch, objects, VALUE_BYTES)
      const arena = { directory, tools: place, load, isFilled: true }
      contestants.set(entry, await entry.contend(arena))
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
      reasons.push(`${entry.name}: ${error.message}`)
    }
  }
  return { contestants, reasons }
}

async function filledLmdb(place: string, objects: number): Promise<string> {
  const directory = join(place, `lmdb-${objects}`)
  await mkdir(directory)
  const database = await openLmdb<Buffer>(join(directory, 'lmdb'), false, 'binary')
  const { value } = loadOf(VALUE_BYTES, [])
  for (let first = 0; first < objects; first += BATCH) {
    database.transactionSync(() => {
      const end = Math.min(first + BATCH, objects)
      for (let index = first; index < end; index += 1) {
        database.putSync(keyOf(index), value(index, 0))
      }
    })
  }
  await database.close()
  return directory
}
