import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { together, type Found } from '../calls.js'
import { now } from '../clock.js'
import type { Options } from '../results.js'
import { measureInRounds, type Comparison, type Runner } from '../rounds.js'
import { withPlace } from '../scratches.js'
import { SUBJECTS } from '../subjects.js'
import { CallingProcess } from '../subjects/calling-process.js'
import { firstKeys, loadOf } from '../subjects/load.js'
import type { Cost, Operation } from '../subjects/subject.js'
import type { Question, Scratch } from './question.js'

const VALUE_BYTES = 1024
const KEYS = 256
const LEAD_MS = 5
const MOST_ROUNDS = 5

/** A subject in a process with an environment of its own. */
interface Trial {
  readonly name: string
  readonly subject: string
  readonly settings: Readonly<Record<string, string>>
}

const URING = { UV_USE_IO_URING: '1' }
const THREADS = { UV_THREADPOOL_SIZE: '16' }

const READING: readonly Trial[] = [
  { name: 'linkstore', subject: 'linkstore, durability none', settings: {} },
  { name: 'linkstore, inline false', subject: 'linkstore, inline false', settings: {} },
  { name: 'inline false, io_uring', subject: 'linkstore, inline false', settings: URING },
  { name: 'inline false, 16 threads', subject: 'linkstore, inline false', settings: THREADS },
  {
    name: 'openSync in a worker thread',
    subject: 'openSync in a worker thread',
    settings: {},
  },
]

const FLUSHING: readonly Trial[] = [
  { name: 'linkstore', subject: 'linkstore', settings: {} },
  { name: 'io_uring', subject: 'linkstore', settings: URING },
  { name: '16 threads', subject: 'linkstore', settings: THREADS },
  { name: 'write-file-atomic', subject: 'write-file-atomic', settings: {} },
  { name: 'write-file-atomic, 16 threads', subject: 'write-file-atomic', settings: THREADS },
]

/** What else was tried? */
export const experiments: Question = {
  name: 'experiments',
  asks: 'What else was tried?',
  explains: `Each in a process of its own, with 256 keys of 1 KiB: the thread pool instead of
calls made at once (\`inline: false\`); that with \`UV_USE_IO_URING=1\`, by which libuv hands calls
to the kernel's rings instead of threads; with \`UV_THREADPOOL_SIZE=16\` instead of 4 threads; and a
worker thread that runs \`openSync\`, which gets all that was asked for within one turn of the event
loop in one message. With everything flushed: what rings and threads do for the waiting.`,
  chart: { shows: 'ratios', columns: 'fileSystem' },
  whyOthersWin: {
    '16 threads': `A commit of the journal serves all who wait for one, and each thread is one of
them. Node's pool is the application's, which alone can say how large it is to be.`,
    'write-file-atomic': `It flushes the value and not its name, so it waits for the disk once.`,
    'write-file-atomic, 16 threads': `It flushes the value and not its name, so it waits for
the disk once.`,
  },
  measure: async (scratches, options, announce) => {
    const found: Found[] = []
    for (const scratch of scratches) {
      const say = (progress: string): void => announce(`${scratch.fileSystem}, ${progress}`)
      found.push(await measureOn(scratch, options, say))
    }
    return together(experiments.name, found)
  },
}

async function measureOn(
  scratch: Scratch,
  { rounds: asked, isShort }: Options,
  announce: (what: string) => void,
): Promise<Found> {
  const callers: CallingProcess[] = []
  const rounds = Math.min(asked, isShort ? 1 : MOST_ROUNDS)
  try {
    return await withPlace(scratch, async (place) => {
      const { fileSystem } = scratch
      const plan = {
        unit: 'µs per call',
        comparedWith: 'linkstore',
        turns: isShort ? 1 : 3,
      } as const
      const of = (trials: readonly Trial[], operation: Operation, inFlight: number) =>
        runnersOf(place, trials, operation, inFlight, callers)
      const facts = { fileSystem, valueBytes: VALUE_BYTES }
      const flushed = { operation: 'set, overwriting', promised: 'value and name flushed' } as const
      const comparisons: Comparison[] = [
        {
          ...plan,
          facts: { ...facts, operation: 'get', inFlight: 64 },
          runners: await of(READING, 'get', 64),
        },
        {
          ...plan,
          facts: { ...facts, ...flushed, inFlight: 16 },
          runners: await of(FLUSHING, 'set, overwriting', 16),
        },
      ]
      const groups = await measureInRounds(comparisons, rounds, (round) =>
        announce(`round ${round + 1} of ${rounds}`),
      )
      await Promise.all(callers.map((caller) => caller.end()))
      return { groups, missing: [] }
    })
  } finally {
    await Promise.all(callers.map((caller) => caller.end()))
  }
}

/** A process for each, which fills what it works on. */
async function runnersOf(
  place: string,
  trials: readonly Trial[],
  operation: Operation,
  inFlight: number,
  callers: CallingProcess[],
): Promise<Runner[]> {
  const runners: Runner[] = []
  const { value, keys } = loadOf(VALUE_BYTES, firstKeys(KEYS))
  for (const { name, subject, settings } of trials) {
    const directory = join(place, String(callers.length))
    await mkdir(directory)
    const entry = SUBJECTS.findIndex((each) => each.name === subject)
    const filler = await SUBJECTS[entry]?.contend({
      directory,
      tools: place,
      load: { valueBytes: VALUE_BYTES, keys, value },
      isFilled: false,
    })
    await filler?.close()
    const caller = new CallingProcess(settings)
    callers.push(caller)
    await caller.do({ kind: 'open', entry, directory, valueBytes: VALUE_BYTES, keys: KEYS })
    const run = async (): Promise<Cost> => {
      const times = { startMs: now() + LEAD_MS, durationMs: 100 }
      const cost = await caller.do({ kind: 'measure', entry, operation, inFlight, ...times })
      return cost ?? { amount: NaN, calls: NaN }
    }
    runners.push({ subject: name, run })
  }
  return runners
}
