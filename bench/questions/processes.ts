import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { together, type Found } from '../calls.js'
import { now } from '../clock.js'
import { measureInRounds, type Comparison, type Runner } from '../rounds.js'
import { withPlace } from '../scratches.js'
import { SUBJECTS } from '../subjects.js'
import { CallingProcess } from '../subjects/calling-process.js'
import { firstKeys, loadOf } from '../subjects/load.js'
import type { Cost, Entry } from '../subjects/subject.js'
import { Unavailable } from '../unavailable.js'
import type { Options } from '../results.js'
import type { Question, Scratch } from './question.js'

const VALUE_BYTES = 1024
const KEYS = 256
const COUNTS = [1, 2, 4, 8]
const MOST = 8
/** For the order to reach all processes before they start. */
const LEAD_MS = 20

/** Those that several processes may have open, by calls that return at once. */
const NAMES = ['linkstore sync', 'fs sync calls', 'lmdb', 'SQLite']

/** Do many processes on one store hinder each other? */
export const processes: Question = {
  name: 'processes',
  asks: 'How much do many processes read together?',
  explains: `One, two, four and eight processes that start at the same moment read 1 KiB under each
of ${KEYS} keys of one store, all the same ones, by calls that return at once. The time is that of
a call of all of them together: half of it is twice as many calls in a second. More processes than
the machine has cores cannot be faster than as many as it has.`,
  chart: { shows: 'figures', along: 'processes' },
  whyOthersWin: {
    'fs sync calls': 'It makes the same system calls and checks nothing.',
    lmdb: 'It reads from memory that its processes share, which those of another host cannot.',
    SQLite: 'It reads from memory that its processes share, which those of another host cannot.',
  },
  measure: async (scratches, options, announce) => {
    const found: Found[] = []
    for (const scratch of scratches) {
      const say = (progress: string): void => announce(`${scratch.fileSystem}, ${progress}`)
      found.push(await measureOn(scratch, options, say))
    }
    return together(processes.name, found)
  },
}

async function measureOn(
  scratch: Scratch,
  { rounds, isShort }: Options,
  announce: (what: string) => void,
): Promise<Found> {
  const callers = Array.from({ length: MOST }, () => new CallingProcess())
  try {
    return await withPlace(scratch, async (place) => {
      const { entries, missing } = await admit(place, callers)
      const turns = isShort ? 1 : 3
      const durationMs = isShort ? 60 : 50
      const comparisons = COUNTS.map((count): Comparison => {
        const facts = { fileSystem: scratch.fileSystem, operation: 'get', inFlight: 1 } as const
        const runners = entries.map((entry): Runner => ({
          subject: entry.name,
          run: () => callTogether(callers.slice(0, count), SUBJECTS.indexOf(entry), durationMs),
        }))
        const which = { facts: { ...facts, valueBytes: VALUE_BYTES, processes: count }, runners }
        return { ...which, unit: 'µs per call', comparedWith: NAMES[0] ?? '', turns }
      })
      const groups = await measureInRounds(comparisons, rounds, (round) =>
        announce(`round ${round + 1} of ${rounds}`),
      )
      // Before what they have open is removed.
      await Promise.all(callers.map((caller) => caller.end()))
      return { groups, missing }
    })
  } finally {
    await Promise.all(callers.map((caller) => caller.end()))
  }
}

/** Fills each that can be had here, and opens it in every process. */
async function admit(
  place: string,
  callers: readonly CallingProcess[],
): Promise<{ entries: Entry[]; missing: string[] }> {
  const entries: Entry[] = []
  const missing: string[] = []
  const load = loadOf(VALUE_BYTES, firstKeys(KEYS))
  for (const entry of SUBJECTS.filter(({ name, isRead }) => isRead && NAMES.includes(name))) {
    const directory = join(place, String(entries.length))
    await mkdir(directory)
    try {
      const first = await entry.contend({ directory, tools: place, load, isFilled: false })
      await first.close()
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
      missing.push(`${entry.name}: ${error.message}`)
      continue
    }
    const order = { kind: 'open', entry: SUBJECTS.indexOf(entry), directory } as const
    for (const caller of callers) {
      await caller.do({ ...order, valueBytes: VALUE_BYTES, keys: KEYS })
    }
    entries.push(entry)
  }
  return { entries, missing }
}

/** All of them call from the same moment on: the time of a call of all together. */
async function callTogether(
  callers: readonly CallingProcess[],
  entry: number,
  durationMs: number,
): Promise<Cost> {
  const startMs = now() + LEAD_MS
  const call = { operation: 'get', inFlight: 1 } as const
  const order = { kind: 'measure', entry, ...call, startMs, durationMs } as const
  const costs = await Promise.all(callers.map((caller) => caller.do(order)))
  const rate = costs.reduce((sum, cost) => sum + (cost?.calls ?? NaN) / (cost?.amount ?? NaN), 0)
  const amount = durationMs * 1000
  return { amount, calls: rate * amount }
}
