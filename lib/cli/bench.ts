import { hostname } from 'node:os'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { MEASUREMENTS, measureAll, type Measurements } from './bench/measurements.js'
import { withScratch } from './bench/scratch.js'
import { judgeUses } from './bench/uses.js'
import { LABELS, linesOf } from './bench/view.js'
import { colorsFor } from './colors.js'
import { parseNumber } from './option-values.js'
import { examples } from './options.js'
import { ProgressBar } from './progress-bar.js'
import { safeJson } from './safe-text.js'
import type { Session } from './session.js'
import { LineWriter } from './stdout.js'

interface Flags {
  readonly seconds?: number
  readonly json?: boolean
}

const SECONDS = 20
const MAX_SECONDS = 3600

const HELP =
  `
Makes a store in a scratch directory inside, measures what it does there, and removes it again. It
touches no other store. The verdict says what such a store is good for, by which figure, and what
that must be at least or at most; docs/cli.md has the table.
` + examples('linkstore bench /mnt/shared', 'linkstore bench /mnt/shared --json | jq .uses')

/** `bench DIR`: says what a directory is good for. */
export function configure(command: Command, session: Session): void {
  command
    .option('--seconds <number>', 'how long; default: 20', parseNumber)
    .option('--json', 'as one JSON object')
    .addHelpText('after', HELP)
    .action(async (directory: string | undefined, flags: Flags) => {
      const { seconds = SECONDS, json = false } = flags
      if (seconds <= 0 || seconds > MAX_SECONDS) {
        command.error(`error: --seconds must be more than 0 and at most ${MAX_SECONDS}`)
      }
      session.directory = directory ?? session.directory
      const place = resolve(session.requireDirectory())
      const measurements = await session.interruptible(() => measure(session, place, seconds))
      await show(session, place, measurements, json)
    })
}

async function measure(session: Session, place: string, seconds: number): Promise<Measurements> {
  const { signal } = session
  const bar = new ProgressBar('measuring')
  session.show(bar)
  const durationMs = (seconds * 1000) / MEASUREMENTS.length
  const startedAtMs = performance.now()
  let label = 'beginning'
  const draw = (): void => {
    const fraction = (performance.now() - startedAtMs) / (seconds * 1000)
    bar.update(Math.min(0.99, fraction), label)
  }
  const timer = setInterval(draw, 200)
  try {
    return await withScratch(place, signal, (store, scratch) => {
      const onBegin = (id: (typeof MEASUREMENTS)[number]): void => {
        label = LABELS[id]
        draw()
      }
      return measureAll({ store, scratch, durationMs, signal, onBegin })
    })
  } finally {
    clearInterval(timer)
    bar.clear()
  }
}

async function show(
  session: Session,
  directory: string,
  measurements: Measurements,
  json: boolean,
): Promise<void> {
  const uses = judgeUses(measurements)
  const lines = new LineWriter(session.signal)
  const text = json
    ? [safeJson({ directory, host: hostname(), measurements, uses })]
    : linesOf(directory, measurements, uses, colorsFor(1))
  for (const line of text) await lines.line(line)
  await lines.flush()
}
