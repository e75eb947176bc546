/** Results that nobody measured: they have something of each kind that reports are made of. */
import type { QuestionText } from '../../bench/report/page.js'
import type { Answer, CountingSeries, Facts, Group, Results } from '../../bench/results.js'

const ROUNDS = 5
/** What a round adds to a figure, in parts of it. */
const WOBBLE = [0, 0.06, -0.05, 0.11, -0.03]

/** A group in which each subject takes so long. */
export function groupOf(
  facts: Partial<Facts>,
  times: Readonly<Record<string, number>>,
  more: Partial<Pick<Group, 'unit' | 'comparedWith'>> = {},
): Group {
  const { unit = 'µs per call', comparedWith = Object.keys(times)[0] ?? '' } = more
  const figuresOf = (subject: string, at: number): number[] =>
    Array.from({ length: ROUNDS }, (_, round) => {
      const wobble = WOBBLE[(round + at) % ROUNDS] ?? 0
      return (times[subject] ?? NaN) * (1 + wobble)
    })
  const standard = figuresOf(comparedWith, Object.keys(times).indexOf(comparedWith))
  const series = Object.keys(times).map((subject, at) => {
    const figures = figuresOf(subject, at)
    const ratios = figures.map((figure, round) => figure / (standard[round] ?? NaN))
    return { subject, figures, ratios }
  })
  return { facts: { fileSystem: 'tmpfs', operation: 'get', ...facts }, unit, comparedWith, series }
}

/** As a run of one question. */
export function resultsOf(answers: readonly Answer[], more: Partial<Results> = {}): Results {
  return {
    measuredOn: '2026-12-01',
    machine: { processor: 'Sample', cores: 2, memoryGiB: 8, system: 'linux 6.1' },
    versions: { node: '24.0.0', linkstore: '0.1.0', lmdb: undefined },
    options: { rounds: ROUNDS, isShort: false },
    answers,
    ...more,
  }
}

const SMALL_VALUES: Answer = {
  question: 'small-values',
  missing: ['SQLite: not part of this Node'],
  groups: ['tmpfs', 'ext4'].flatMap((fileSystem) => [
    groupOf(
      { fileSystem, inFlight: 1 },
      {
        linkstore: 90,
        'linkstore, reads open': 60,
        'linkstore sync': 18,
        floor: 11,
        'unstorage fs': 170,
        'naive link + promises': 210,
        readFile: 70,
        cacache: 420,
      },
    ),
    ...[16, 64].map((inFlight) =>
      groupOf(
        { fileSystem, inFlight },
        {
          linkstore: 30,
          'linkstore, reads open': 24,
          'unstorage fs': 80,
          'naive link + promises': 75,
          readFile: 33,
          cacache: 210,
        },
      ),
    ),
    ...[1, 16, 64].map((inFlight) =>
      groupOf(
        { fileSystem, operation: 'set, overwriting', promised: 'nothing flushed', inFlight },
        {
          'linkstore, durability none': 100,
          'unstorage fs': 95,
          'write-file-atomic, no fsync': 640,
          'writeFile + rename': 80,
        },
      ),
    ),
  ]),
}

const GROWTH: Answer = {
  question: 'growth',
  missing: ['classic-level: not installed'],
  groups: ['get', 'set, new', 'count'].flatMap((operation, at) =>
    [1e3, 1e4, 1e5, 1e6].map((objects, step) =>
      groupOf(
        { operation, objects },
        at === 2
          ? { linkstore: 40 * objects ** 0.7, find: 33 * objects ** 0.7 }
          : {
              linkstore: 90 + 5 * step,
              'linkstore sync': 20 + 2 * step,
              'unstorage fs': 150 + 12 * step,
              lmdb: 2 + step / 2,
            },
      ),
    ),
  ),
}

const STREAMS: Answer = {
  question: 'streams',
  missing: [],
  groups: ['set', 'get'].map((operation) =>
    groupOf(
      { operation, valueBytes: 2 ** 30, fileSystem: 'ext4' },
      { cp: 900, 'linkstore, durability none': 1010, cacache: 2400 },
      { unit: 'ms' },
    ),
  ),
}

const MEMORY: Answer = {
  question: 'memory',
  missing: [],
  groups: [
    groupOf(
      { operation: 'get', fileSystem: '' },
      { linkstore: 51, 'unstorage fs': 48, cacache: 66, lmdb: 58 },
      { unit: 'MiB' },
    ),
  ],
}

function counting(processes: number, subject: string, perSecond: number): CountingSeries {
  const figures = WOBBLE.map((wobble) => perSecond * (1 + wobble))
  return {
    processes,
    promised: 'nothing flushed',
    subject,
    comparedWith: 'linkstore, cell.update',
    perSecond: figures,
    ratios: figures.map((figure) => 500 / figure),
    least: [0.4],
    most: [0.6],
    added: 1000,
    lost: 0,
    failures: [],
  }
}

export const SAMPLE: Results = resultsOf([SMALL_VALUES, GROWTH, STREAMS, MEMORY], {
  readModifyWrite: {
    missing: ['LMDB: not installed'],
    series: [1, 2, 8].flatMap((processes) => [
      counting(processes, 'linkstore, cell.update', 500),
      counting(processes, 'linkstore, lock', 120),
      counting(processes, 'flock, written over', 300_000),
    ]),
  },
})

export const SAMPLE_QUESTIONS: readonly QuestionText[] = [
  {
    name: 'small-values',
    asks: 'How long does it take to write and to read 1 KiB, one at a time and with more under way?',
    explains: 'Every subject keeps 256 keys and overwrites them in turn.',
    chart: { shows: 'ratios', columns: 'inFlight' },
    whyOthersWin: { readFile: 'It makes no link first.' },
  },
  {
    name: 'growth',
    asks: 'What does it cost that a store grows?',
    explains: 'The same calls, in stores of more and more objects.',
    chart: { shows: 'figures', along: 'objects', columns: 'operation' },
    whyOthersWin: {},
  },
  {
    name: 'streams',
    asks: 'How long does a stream of 1 GiB take?',
    explains: 'A file is read into the store, and out of it.',
    chart: { shows: 'ratios' },
    whyOthersWin: {},
  },
  {
    name: 'memory',
    asks: 'How much memory does it take?',
    explains: 'What is resident in the end.',
    chart: { shows: 'figures' },
    whyOthersWin: { 'unstorage fs': 'It keeps <nothing> & does little.' },
  },
]
