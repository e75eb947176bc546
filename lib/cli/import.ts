import { fstatSync } from 'node:fs'
import type { Command } from 'commander'
import type { Durability, Format, Store } from '../../index.js'
import { parsePart, type Part } from './option-values.js'
import { creating, durabilityOption, examples, formatOption } from './options.js'
import { pathOf } from './place.js'
import { ProgressBar } from './progress-bar.js'
import type { Session } from './session.js'
import { importTree, measureTree, type ImportHow } from './tree/importer.js'
import { pathWithin, requireDirectory } from './tree/places.js'
import { report } from './tree/report.js'
import { Tally } from './tree/tally.js'

const HELP =
  examples(
    'linkstore -d things import photos',
    'linkstore import photos --prefix photos/',
    'zcat photos.tar.gz | linkstore import --tar',
    'for i in 1 2 3 4; do linkstore import photos --part $i/4 & done; wait',
  ) +
  `
The key of a file is its path below the directory, after the prefix. Modes, times, symbolic links
and empty directories are kept; export brings them back. What is there already with the same size,
time and mode is left alone, so run it again after an interruption. Pipes, sockets, devices and
names that are not UTF-8 are skipped and named, and so is a file that changes while it is read; the
exit status is then 3.
`

interface Flags {
  readonly prefix: string
  readonly tar?: boolean
  readonly checksum?: boolean
  readonly part?: Part
  readonly durability?: Durability
  readonly format?: Format
  readonly json?: boolean
}

/** To deal with a file takes as long as to copy this much more of it. */
const ENTRY_BYTES = 64 * 1024

/** `import DIR`, `import --tar`: stores a directory tree. */
export function configure(command: Command, session: Session): void {
  command
    .option('--tar', 'read a tar archive from standard input, not a directory')
    .option('--prefix <prefix>', 'put this before each path to make its key', '')
    .option('--checksum', 'compare bytes with what is there, not only size and time')
    .option('--part <k/n>', 'of n processes that import this tree, be number k', parsePart)
    .option('--json', 'print the summary as a JSON object on standard output')
    .addOption(durabilityOption())
    .addOption(formatOption())
    .addHelpText('after', HELP)
    .action(async (directory: string | undefined, flags: Flags) => {
      if (flags.tar === true) {
        requireArchive(command, directory, flags)
        await session.withManyObjects(creating(flags), (store) => fromTar(session, store, flags))
      } else if (directory === undefined) {
        command.error('error: name a directory, or give an archive with --tar')
      } else await fromDirectory(command, session, directory, flags)
    })
}

function requireArchive(command: Command, directory: string | undefined, { part }: Flags): void {
  if (directory !== undefined) command.error('error: give a directory or --tar, not both')
  if (part !== undefined) command.error('error: --part is for directories, not for --tar')
  if (process.stdin.isTTY) {
    command.error('error: the archive is read from standard input: --tar < FILE')
  }
}

async function fromTar(session: Session, store: Store, flags: Flags): Promise<void> {
  const { importTar } = await import('./tar/importer.js')
  const { prefix, durability, checksum = false } = flags
  const { bar, tally, startedAtMs } = begin(session)
  const input = fstatSync(0)
  const onProgress = (bytesRead: number): void => {
    const fraction = input.isFile() ? bytesRead / input.size : undefined
    bar.update(fraction, tally.progress(), { objects: tally.total, bytes: bytesRead })
  }
  const how = { prefix, durability, checksum, signal: session.signal, onProgress }
  await importTar(store, how, tally)
  await report(session, 'imported', tally, startedAtMs, flags.json === true)
}

async function fromDirectory(
  command: Command,
  session: Session,
  directory: string,
  flags: Flags,
): Promise<void> {
  const root = await requireDirectory(directory)
  await session.withManyObjects(creating(flags), async (store) => {
    const storeRoot = pathOf(session.requireDirectory())
    const excluded = await pathWithin(root, storeRoot)
    const isWithin = (await pathWithin(storeRoot, root)) !== undefined
    if (isWithin) command.error('error: a store cannot be imported into itself')
    if (excluded !== undefined) session.note('the store itself is not imported')
    await importInto(session, store, root, excluded, flags)
  })
}

async function importInto(
  session: Session,
  store: Store,
  root: string,
  excluded: string | undefined,
  flags: Flags,
): Promise<void> {
  const { prefix, part, durability, checksum = false } = flags
  const { bar, tally, startedAtMs } = begin(session)
  const { signal } = session
  let size = { entries: 0, bytes: 0 }
  const onProgress = (): void => {
    const done = tally.seenBytes + tally.total * ENTRY_BYTES
    const fraction = done / (size.bytes + size.entries * ENTRY_BYTES)
    const counts = { objects: tally.total, bytes: tally.seenBytes }
    bar.update(fraction, tally.progress(size.entries), counts)
  }
  const how: ImportHow = { prefix, part, durability, checksum, excluded, signal, onProgress }
  if (bar.enabled) size = await measureTree(root, how)
  await importTree(store, root, how, tally)
  await report(session, 'imported', tally, startedAtMs, flags.json === true)
}

function begin(session: Session): { bar: ProgressBar; tally: Tally; startedAtMs: number } {
  const bar = new ProgressBar('importing')
  session.show(bar)
  const tally = new Tally((name, reason) => session.noteSkipped(name, reason))
  return { bar, tally, startedAtMs: Date.now() }
}
