import { Option, type Command } from 'commander'
import { colorsFor } from './colors.js'
import { penOf } from './drawing.js'
import {
  DEFAULT_SEPARATOR,
  gatherObjects,
  globOption,
  selectionOf,
  separatorOption,
} from './listing.js'
import { parseCount } from './option-values.js'
import { EXISTING, examples } from './options.js'
import { safeJson } from './safe-text.js'
import type { Session } from './session.js'
import { LineWriter } from './stdout.js'

const HELP =
  `
Sizes are those of the values. What the file system takes is more, as each object is a file: ask the
system's own du for that. Ages are since the last writing, by the clocks of the hosts that wrote.
` +
  examples(
    'linkstore du',
    'linkstore du photos/ --depth 2',
    'linkstore du --separator : --depth 1',
    "linkstore du --glob '**/*.jpg' --json | jq .bytes",
  )

/** Where nobody says how wide a line may be. */
const COLUMNS = 80

interface Flags {
  readonly depth?: number
  readonly glob?: string
  readonly separator?: string
  readonly json?: boolean
}

/** `du [PREFIX]`: tells how much there is, how large and how old. */
export function configure(command: Command, session: Session): void {
  command
    .addOption(depthOption())
    .addOption(globOption())
    .addOption(separatorOption())
    .option('--json', 'as one JSON object')
    .addHelpText('after', HELP)
    .action((prefix: string | undefined, flags: Flags) => {
      const { depth = 0, separator = DEFAULT_SEPARATOR, json = false } = flags
      if (flags.separator !== undefined && depth === 0) {
        command.error('error: --separator needs --depth; add it')
      }
      return session.withManyObjects(EXISTING, async (store) => {
        const { Usage } = await import('./du/usage.js')
        const { linesOf } = await import('./du/view.js')
        const usage = new Usage({ depth, separator, nowMs: Date.now() })
        const selection = await selectionOf(prefix, flags)
        const objects = { session, store, selection }
        const damage = await gatherObjects(objects, (info) => usage.add(info))
        const look = { pen: penOf(process.env), colors: colorsFor(1), columns: columns() }
        const text = json ? [safeJson(usage)] : linesOf(usage, look)
        const lines = new LineWriter(session.signal)
        for (const line of text) await lines.line(line)
        await lines.flush()
        if (damage !== undefined) throw damage
      })
    })
}

function depthOption(): Option {
  const what = 'also each directory down to this depth: what stands before the first / is depth 1'
  return new Option('--depth <number>', what).argParser(parseCount)
}

function columns(): number {
  return process.stdout.isTTY ? process.stdout.columns : COLUMNS
}
