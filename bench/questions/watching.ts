import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base'
import { instrument } from 'linkstore/otel'
import { OPERATION_NAMES } from '../../index.js'
import { together, type Found } from '../calls.js'
import type { Options } from '../results.js'
import { measureInRounds, type Comparison, type Runner } from '../rounds.js'
import { withPlace } from '../scratches.js'
import { SUBJECTS } from '../subjects.js'
import { firstKeys, loadOf } from '../subjects/load.js'
import type { Operation } from '../subjects/subject.js'
import type { Question, Scratch } from './question.js'

const VALUE_BYTES = 1024
const KEYS = 256
const FACES = ['linkstore', 'linkstore sync'] as const
const OPERATIONS: readonly Operation[] = ['get', 'set, overwriting']

/** Begins to listen, and returns what ends it. */
type Listen = () => () => void

const LISTENERS: readonly [name: string, listen: Listen][] = [
  ['', () => () => undefined],
  [', a listener', listenIdly],
  [', linkstore/otel', listenForMetrics],
]

/** What does it cost to be watched? */
export const watching: Question = {
  name: 'watching',
  asks: 'What does it cost to be watched?',
  explains: `A \`get\` and an overwriting \`set\` of ${KEYS} keys, with nothing flushed: while
nobody listens to the [tracing channels](watching.md), while a function that does nothing
listens to the start and the end of each operation, and while \`linkstore/otel\` makes spans
and metrics of them, with the SDK of OpenTelemetry and no exporter.`,
  chart: { shows: 'ratios', columns: 'operation' },
  whyOthersWin: {},
  measure: async (scratches, options, announce) => {
    const found: Found[] = []
    for (const scratch of scratches) {
      const say = (progress: string): void => announce(`${scratch.fileSystem}, ${progress}`)
      found.push(await measureOn(scratch, options, say))
    }
    return together(watching.name, found)
  },
}

async function measureOn(
  scratch: Scratch,
  { rounds, isShort }: Options,
  announce: (what: string) => void,
): Promise<Found> {
  return await withPlace(scratch, async (place) => {
    const { fileSystem } = scratch
    const plan = {
      unit: 'µs per call',
      comparedWith: 'linkstore',
      turns: isShort ? 1 : 4,
    } as const
    const closing: (() => Promise<void>)[] = []
    const runners = new Map<Operation, Runner[]>(OPERATIONS.map((operation) => [operation, []]))
    for (const face of FACES) {
      const entry = SUBJECTS.find(({ name }) => name === `${face}, durability none`)
      const directory = join(place, String(closing.length))
      await mkdir(directory)
      const load = loadOf(VALUE_BYTES, firstKeys(KEYS))
      const contestant = await entry?.contend({ directory, tools: place, load, isFilled: false })
      if (contestant === undefined) throw new Error(`there is no subject ${face}`)
      closing.push(() => contestant.close())
      for (const [operation, ofOperation] of runners) {
        for (const [name, listen] of LISTENERS) {
          const run: Runner['run'] = async () => {
            const end = listen()
            try {
              return await contestant.measure(operation, 1, isShort ? 10 : 25)
            } finally {
              end()
            }
          }
          ofOperation.push({ subject: face + name, run })
        }
      }
    }
    const comparisons = Array.from(runners, ([operation, ofOperation]): Comparison => ({
      ...plan,
      facts: { fileSystem, operation, valueBytes: VALUE_BYTES, inFlight: 1 },
      runners: ofOperation,
    }))
    try {
      const groups = await measureInRounds(comparisons, rounds, (round) =>
        announce(`round ${round + 1} of ${rounds}`),
      )
      return { groups, missing: [] }
    } finally {
      for (const close of closing) await close()
    }
  })
}

function listenIdly(): () => void {
  const names = OPERATION_NAMES.flatMap((name) =>
    ['start', 'end', 'asyncEnd'].map((event) => `tracing:linkstore:${name}:${event}`),
  )
  const idle = (): void => undefined
  for (const name of names) subscribe(name, idle)
  return () => {
    for (const name of names) unsubscribe(name, idle)
  }
}

function listenForMetrics(): () => void {
  const [tracerProvider, meterProvider] = [new BasicTracerProvider(), new MeterProvider()]
  const watch = instrument({ tracerProvider, meterProvider })
  return () => watch.disable()
}
