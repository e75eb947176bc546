import type { Command } from 'commander'
import type { Durability, Format, Store } from '../../index.js'
import { parsePart, type Part } from './option-values.js'
import { creating, durabilityOption, examples, formatOption } from './options.js'
import { pathOf } from './place.js'
import { ProgressBar } from './progress-bar.js'
import type { Session } from './session.js'
import { countTree, importTree, type ImportHow } from './tree/importer.js'
import { pathWithin, requireDirectory } from './tree/places.js'
import { report } from './tree/report.js'
import { Tally } from './tree/tally.js'

const HELP =
  examples(
    'linkstore -d things import photos',
    'linkstore import photos --prefix photos/',
    'for i in 1 2 3 4; do linkstore import photos --part $i/4 & done; wait',
  ) +
  `
The key of a file is its path below the directory, after the prefix. Modes, times, symbolic links
and empty directories are kept; export brings them back. Pipes, sockets, devices and names that
are not UTF-8 are skipped and named, and so is a file that changes while it is read; the exit
status is then 3.
`

interface Flags {
  readonly prefix: string
  readonly part?: Part
  readonly durability?: Durability
  readonly format?: Format
  readonly json?: boolean
}

/** `import DIR`: stores a directory tree. */
export function configure(command: Command, session: Session): void {
  command
    .option('--prefix <prefix>', 'put this before each path to make its key', '')
    .option('--part <k/n>', 'of n processes that import this tree, be number k', parsePart)
    .option('--json', 'print the summary as a JSON object on standard output')
    .addOption(durabilityOption())
    .addOption(formatOption())
    .addHelpText('after', HELP)
    .action(async (directory: string, flags: Flags) => {
      const root = await requireDirectory(directory)
      await session.withManyObjects(creating(flags), async (store) => {
        const storeRoot = pathOf(session.requireDirectory())
        const excluded = await pathWithin(root, storeRoot)
        const isWithin = (await pathWithin(storeRoot, root)) !== undefined
        if (isWithin) command.error('error: a store cannot be imported into itself')
        if (excluded !== undefined) session.note('the store itself is not imported')
        await importInto(session, store, root, excluded, flags)
      })
    })
}

async function importInto(
  session: Session,
  store: Store,
  root: string,
  excluded: string | undefined,
  flags: Flags,
): Promise<void> {
  const startedAtMs = Date.now()
  const bar = new ProgressBar('importing')
  session.show(bar)
  const tally = new Tally((name, reason) => session.noteSkipped(name, reason))
  let total = 0
  const how: ImportHow = {
    prefix: flags.prefix,
    part: flags.part,
    durability: flags.durability,
    excluded,
    signal: session.signal,
    onEntry: () => bar.update(tally.total / total, tally.progress()),
  }
  if (bar.enabled) total = await countTree(root, how)
  await importTree(store, root, how, tally)
  await report(session, 'imported', tally, startedAtMs, flags.json === true)
}
