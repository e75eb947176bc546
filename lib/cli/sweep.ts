import type { Command } from 'commander'
import type { SweepReport, Tally } from '../../index.js'
import { colorsFor } from './colors.js'
import { counted, sized } from './figures.js'
import { parseBytes, parseCount, parseDuration } from './option-values.js'
import { EXISTING, examples } from './options.js'
import { showProgress } from './progress.js'
import { safeJson } from './safe-text.js'
import type { Session } from './session.js'
import { LineWriter } from './stdout.js'

const HELP =
  examples(
    'linkstore sweep --dry-run',
    'linkstore sweep --grace 2h',
    'linkstore sweep --max-bytes 10GB --max-objects 1000000',
  ) +
  `
Age is told by the clock of the file system. Below 30 minutes of grace, what running processes are
just doing may be swept as well: they begin again, or fail.
`

const MEANINGS: Readonly<Record<keyof SweepReport, string>> = {
  abandoned: 'private names of processes that died',
  expired: 'objects past their time',
  evicted: 'objects beyond the limits, the oldest first',
  restored: 'live objects that a crash had left aside, put back',
  denied: 'names that you may not remove',
}

interface Flags {
  readonly dryRun?: boolean
  readonly grace?: number
  readonly maxBytes?: number
  readonly maxObjects?: number
  readonly json?: boolean
}

/** `sweep`: removes what crashes have left, what has expired, and what is too much. */
export function configure(command: Command, session: Session): void {
  command
    .option('-n, --dry-run', 'only say what would be removed')
    .option('--grace <duration>', 'leave alone what is younger; default: 1h', parseDuration)
    .option('--max-bytes <size>', 'keep at most this much: 500MB, 10GB, 2GiB …', parseBytes)
    .option('--max-objects <number>', 'keep at most so many objects', parseCount)
    .option('--json', 'as one JSON object')
    .addHelpText('after', HELP)
    .action(({ dryRun = false, grace, maxBytes, maxObjects, json = false }: Flags) =>
      session.withManyObjects({ ...EXISTING, sweep: false }, async (store) => {
        const { signal } = session
        const report = await store.sweep({
          dryRun,
          graceMs: grace,
          maxBytes,
          maxObjects,
          signal,
          onProgress: showProgress(session, 'sweeping'),
        })
        session.hide()
        const lines = new LineWriter(signal)
        for (const line of json ? [safeJson(report)] : table(report)) await lines.line(line)
        await lines.flush()
        session.note(summary(report, dryRun))
      }),
    )
}

function table(report: SweepReport): string[] {
  const { bold } = colorsFor(1)
  return kinds(report).map(([kind, { count, bytes }]) => {
    const figures = [count.toLocaleString('en').padStart(11), sized(bytes).padStart(10)]
    return `${bold(kind.padEnd(9))} ${figures.join('  ')}  ${MEANINGS[kind]}`
  })
}

function summary(report: SweepReport, dryRun: boolean): string {
  const removed = [report.abandoned, report.expired, report.evicted]
  const count = removed.reduce((sum, tally) => sum + tally.count, 0)
  const bytes = removed.reduce((sum, tally) => sum + tally.bytes, 0)
  if (count === 0) return 'there is nothing to remove'
  return `${dryRun ? 'would remove' : 'removed'} ${counted(count, 'name')}, ${sized(bytes)}`
}

function kinds(report: SweepReport): [keyof SweepReport, Tally][] {
  const all = Object.entries(report) as [keyof SweepReport, Tally][]
  return all.filter(([, { count }]) => count > 0)
}
