import { resolve } from 'node:path'
import type { Command } from 'commander'
import { failedWith, judge, PROBES, whyNot, type Facts, type Verdict } from '../doctor/index.js'
import { colorsFor } from './colors.js'
import { Interruption } from './demo/interruption.js'
import { gatherApart } from './doctor/isolation.js'
import { linesOf } from './doctor/view.js'
import { EXIT } from './failure.js'
import { parseDuration } from './option-values.js'
import { examples } from './options.js'
import { pathOf } from './place.js'
import { ProgressBar } from './progress-bar.js'
import { safeJson, safeText } from './safe-text.js'
import type { Session } from './session.js'
import { LineWriter } from './stdout.js'

interface Flags {
  readonly json?: boolean
  readonly timeout?: number
}

const TIMEOUT_MS = 10_000
const MIN_TIMEOUT_MS = 10
const MAX_TIMEOUT_MS = 60 * 60 * 1000

const STATUS: Readonly<Record<Verdict, number>> = {
  fit: EXIT.done,
  limited: EXIT.absent,
  unfit: EXIT.failed,
}

const HELP =
  `
Probes the file system in a private directory inside, and removes that again. It touches nothing
of a store and makes none. Exits with 0 if the directory is fit for a store, with 1 if a store works
there but something was found wanting, and with 3 if it does not work, or is refused.
` + examples('linkstore doctor /mnt/shared', 'linkstore doctor /mnt/shared --json | jq .verdict')

/** `doctor DIR`: says what a directory can promise as a store, and why. */
export function configure(command: Command, session: Session): void {
  command
    .option('--json', 'as one JSON object')
    .option('--timeout <duration>', 'how long each probe may take; default: 10s', parseDuration)
    .addHelpText('after', HELP)
    .action(async (directory: string | undefined, flags: Flags) => {
      session.directory = directory ?? session.directory
      using interruption = new Interruption()
      try {
        await examine(session, flags, interruption.signal)
      } catch (error) {
        if (!interruption.signal.aborted) throw error
        if (error !== interruption.signal.reason) session.note(safeText(String(error)))
        session.note(interruption.message)
        session.status = interruption.status
      }
    })
}

async function examine(session: Session, flags: Flags, signal: AbortSignal): Promise<void> {
  const { json = false, timeout: timeoutMs = TIMEOUT_MS } = flags
  if (timeoutMs < MIN_TIMEOUT_MS || timeoutMs > MAX_TIMEOUT_MS) {
    throw new RangeError('--timeout must be between 10ms and 1h')
  }
  const path = pathOf(session.requireDirectory())
  if (path === undefined) throw new TypeError('doctor examines directories, and this is none')
  const directory = resolve(path)
  const bar = new ProgressBar('examining')
  session.show(bar)
  let probed = 0
  const onProbe = (label: string): void => bar.update((probed += 1) / PROBES, label)
  const facts = await gatherApart(directory, { timeoutMs, signal, onProbe })
  bar.clear()
  requirePlace(facts)
  const report = judge(facts)
  session.status = STATUS[report.verdict]
  const lines = new LineWriter(signal)
  const columns = process.stdout.isTTY ? process.stdout.columns : undefined
  const text = json ? [safeJson(report)] : linesOf(report, colorsFor(1), columns)
  for (const line of text) await lines.line(line)
  await lines.flush()
}

/** Without a directory there is nothing to report on. */
function requirePlace({ directory, place }: Facts): void {
  if (place.kind !== 'failed') return
  if (failedWith(place, 'ENOENT')) {
    throw new Error(`${directory} does not exist; name the directory to examine`)
  }
  if (failedWith(place, 'ENOTDIR')) throw new Error(`${directory} is not a directory`)
  // A mount that fails is to be examined; what this user may not reach, or is no path, is not.
  if (failedWith(place, 'EACCES', 'ELOOP', 'ENAMETOOLONG')) {
    throw new Error(`${directory} cannot be reached: ${whyNot(place)}`)
  }
}
