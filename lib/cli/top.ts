import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import type { ActivityObserver } from '../activity/index.js'
import { colorsFor } from './colors.js'
import { isDrawable, LiveScreen } from './live-screen.js'
import { parseDuration } from './option-values.js'
import { examples } from './options.js'
import { ProgressBar } from './progress-bar.js'
import { safeJson } from './safe-text.js'
import type { Session } from './session.js'
import { LineWriter } from './stdout.js'
import { frameOf } from './top/frame.js'
import { Scanner } from './top/scanner.js'
import type { View } from './top/view.js'

const INTERVAL_MS = 1000
const LEAST_COLUMNS = 60
const PLAIN_COLUMNS = 200

const HELP =
  `
Operations, latencies and bytes are those of processes that report them: by reportActivity() of
linkstore/activity, or the linkstore command with LINKSTORE_REPORT=1. What nobody reports is seen by
scans: how many objects there are and what they take, stores that are open, jobs in queues.
On a terminal it goes on until Ctrl-C; elsewhere it tells once how things are, unless --interval is
given.
` +
  examples('linkstore top', 'linkstore top --once', 'linkstore top --json --interval 10s --no-scan')

interface Flags {
  readonly once?: boolean
  readonly json?: boolean
  readonly interval?: number
  readonly scan: boolean
}

/** `top`: shows what goes on in a store, live. */
export function configure(command: Command, session: Session): void {
  command
    .option('--once', 'tell once how things are, and end')
    .option('--json', 'each time as one JSON object on a line')
    .option('--interval <duration>', 'how often to look; default: 1s', parseDuration)
    .option('--no-scan', 'count neither objects nor bytes: in a large store that takes long')
    .addHelpText('after', HELP)
    .action((flags: Flags) => {
      const { interval = INTERVAL_MS } = flags
      if (interval < 100) throw new RangeError('--interval must be at least 100ms')
      return session.withObserver((observer) => show(observer, session, flags, interval))
    })
}

async function show(
  observer: ActivityObserver,
  session: Session,
  flags: Flags,
  intervalMs: number,
): Promise<void> {
  const { once = false, json = false, scan } = flags
  const scanner = scan ? new Scanner(observer, intervalMs) : undefined
  const look = async (): Promise<View> => ({
    directory: session.requireDirectory(),
    atMs: Date.now(),
    seen: await observer.look({ signal: session.signal }),
    scan: scanner === undefined ? undefined : (scanner.last ?? scanner.fraction),
  })
  if (!json && !once && isDrawable(process.stdout, LEAST_COLUMNS)) {
    await showLive(look, scanner, session, intervalMs)
  } else {
    const isRepeated = !once && flags.interval !== undefined
    await printPlain(look, scanner, session, {
      json,
      repeatMs: isRepeated ? intervalMs : undefined,
    })
  }
}

/** Draws in place until the user has seen enough, which is no failure. */
async function showLive(
  look: () => Promise<View>,
  scanner: Scanner | undefined,
  { signal }: Session,
  intervalMs: number,
): Promise<void> {
  const screen = new LiveScreen(process.stdout, 'first')
  const colours = colorsFor(1)
  const scanning = scanner?.run(signal)
  try {
    for (;;) {
      const view = await look()
      screen.draw(frameOf(view, process.stdout.columns, colours))
      await sleep(intervalMs, undefined, { signal })
      if (scanner?.problem !== undefined) throw scanner.problem
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    screen.close()
    await scanning
  }
}

/** Prints how things are, once or again and again. */
async function printPlain(
  look: () => Promise<View>,
  scanner: Scanner | undefined,
  session: Session,
  { json, repeatMs }: { readonly json: boolean; readonly repeatMs: number | undefined },
): Promise<void> {
  const { signal } = session
  const bar = new ProgressBar('scanning')
  session.show(bar)
  const lines = new LineWriter(signal)
  for (;;) {
    await scanner?.scan(signal, (fraction) => bar.update(fraction, ''))
    bar.clear()
    const view = await look()
    for (const line of json
      ? [safeJson(jsonOf(view))]
      : frameOf(view, PLAIN_COLUMNS, colorsFor(1))) {
      await lines.line(line)
    }
    if (!json && repeatMs !== undefined) await lines.line('')
    await lines.flush()
    if (repeatMs === undefined) return
    await sleep(repeatMs, undefined, { signal })
  }
}

function jsonOf({ directory, atMs, seen, scan }: View): object {
  return { directory, atMs, ...seen, scan }
}
