/** Results that nobody measured: they have something of each kind that reports are made of. */
import type { QuestionText } from '../../bench/report/page.js'
import type { Answer, CountingSeries, Facts, Group, Results } from '../../bench/results.js'

const ROUNDS = 5
/** What a round adds to a figure, in parts of it. */
const WOBBLE = [0, 0.06, -0.05, 0.11, -0.03]

/** A group in which each subject takes so long, by more or less unless it is steady. */
export function groupOf(
  facts: Partial<Facts>,
  times: Readonly<Record<string, number>>,
  more: Partial<Pick<Group, 'unit' | 'comparedWith'>> & { isSteady?: boolean } = {},
): Group {
  const {
    unit = 'µs per call',
    comparedWith = Object.keys(times)[0] ?? '',
    isSteady = false,
  } = more
  const figuresOf = (subject: string, at: number): number[] =>
    Array.from({ length: ROUNDS }, (_, round) => {
      const wobble = isSteady ? 0 : (WOBBLE[(round + at) % ROUNDS] ?? 0)
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

const SET = { operation: 'set, overwriting', promised: 'nothing flushed', valueBytes: 1024 }

const SMALL_VALUES: Answer = {
  question: 'small-values',
  missing: ['SQLite: not part of this Node'],
  groups: ['tmpfs', 'ext4'].flatMap((fileSystem) => [
    groupOf(
      { fileSystem, valueBytes: 1024, inFlight: 1 },
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
        { fileSystem, valueBytes: 1024, inFlight },
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
        { ...SET, fileSystem, inFlight },
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
  groups: [1e3, 1e4, 1e5, 1e6].map((objects, step) =>
    groupOf(
      { objects, valueBytes: 1024, fileSystem: 'ext4' },
      {
        linkstore: 90 + 5 * step,
        'linkstore sync': 20 + 2 * step,
        floor: 14 + step,
        'fs sync calls': 17 + 2 * step,
        lmdb: 2 + step / 2,
      },
    ),
  ),
}

const VALUE_SIZES: Answer = {
  question: 'value-sizes',
  missing: [],
  groups: [2 ** 10, 2 ** 16, 2 ** 20, 2 ** 26].flatMap((valueBytes) => {
    const at = (base: number, perKiB: number): number => base + (perKiB * valueBytes) / 1024
    const small = valueBytes <= 2 ** 16
    return [
      groupOf(
        { valueBytes },
        {
          linkstore: at(90, 0.9),
          'linkstore, reads open': at(60, 0.9),
          'linkstore sync': at(20, 0.8),
          readFile: at(70, 0.5),
          'unstorage fs': at(170, 0.5),
          cacache: at(420, 2),
          lmdb: at(2, 0.6),
          'classic-level': at(5, 1.5),
          SQLite: at(6, 1.1),
          ...(small ? { 'keyv-file': at(300, 6) } : {}),
        },
      ),
      groupOf(
        { valueBytes, operation: 'set, overwriting', promised: 'nothing flushed' },
        {
          'linkstore, durability none': at(110, 1.2),
          'linkstore sync, durability none': at(60, 1.1),
          'writeFile + rename': at(80, 0.7),
          'unstorage fs': at(95, 0.7),
          cacache: at(900, 4),
        },
      ),
    ]
  }),
}

const LARGE_STREAMS: Answer = {
  question: 'large-streams',
  missing: [],
  groups: ['tmpfs', 'ext4'].flatMap((fileSystem) =>
    ['set, new', 'get'].map((operation) =>
      groupOf(
        {
          operation,
          valueBytes: 2 ** 30,
          fileSystem,
          ...(operation === 'get' ? {} : { promised: 'nothing flushed' }),
        },
        {
          cp: 900,
          [operation === 'get' ? 'linkstore' : 'linkstore, durability none']: 1010,
          'node:fs streams': 950,
        },
        { unit: 'ms' },
      ),
    ),
  ),
}

const MEMORY: Answer = {
  question: 'memory',
  missing: [],
  groups: [
    groupOf(
      {
        operation: 'write and read values',
        fileSystem: '',
        inFlight: 16,
        valueBytes: 2 ** 14,
        objects: 2048,
      },
      { linkstore: 51, 'unstorage fs': 48, cacache: 66, lmdb: 58 },
      { unit: 'MiB' },
    ),
    groupOf(
      { operation: 'stream a value', fileSystem: '', valueBytes: 2 ** 28 },
      { linkstore: 21, 'node:fs streams': 12 },
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

export const SAMPLE: Results = resultsOf(
  [SMALL_VALUES, VALUE_SIZES, GROWTH, LARGE_STREAMS, MEMORY],
  {
    readModifyWrite: {
      missing: ['LMDB: not installed'],
      series: [1, 2, 8].flatMap((processes) => [
        counting(processes, 'linkstore, cell.update', 500),
        counting(processes, 'linkstore, lock', 120),
        counting(processes, 'flock, written over', 300_000),
      ]),
    },
  },
)

export const SAMPLE_QUESTIONS: readonly QuestionText[] = [
  {
    name: 'small-values',
    asks: 'How long does it take to read and to write small values, one or many at a time?',
    explains: 'Every subject keeps 256 keys and overwrites them in turn.',
    chart: { shows: 'ratios', columns: 'inFlight' },
    whyOthersWin: { readFile: 'It makes no link first.' },
  },
  {
    name: 'value-sizes',
    asks: 'How does the time grow with the size of the value?',
    explains: 'From 1 KiB to 64 MiB.',
    chart: { shows: 'figures', along: 'valueBytes', columns: 'operation' },
    whyOthersWin: {},
  },
  {
    name: 'growth',
    asks: 'Does a read cost more in a store with many objects?',
    explains: 'The same calls, in stores of more and more objects.',
    chart: { shows: 'figures', along: 'objects' },
    whyOthersWin: { floor: 'It is the floor.' },
  },
  {
    name: 'large-streams',
    asks: 'How long does a stream of 1 GiB take?',
    explains: 'A file is read into the store, and out of it.',
    chart: { shows: 'figures', columns: 'fileSystem' },
    whyOthersWin: {},
  },
  {
    name: 'memory',
    asks: 'How much memory does it take?',
    explains: 'What is resident in the end.',
    chart: { shows: 'figures', columns: 'operation' },
    whyOthersWin: { 'unstorage fs': 'It keeps <nothing> & does little.' },
  },
]
