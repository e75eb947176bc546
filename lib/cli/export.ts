import { isatty } from 'node:tty'
import { Option, type Command } from 'commander'
import type { Store } from '../../index.js'
import { EXISTING, examples } from './options.js'
import { pathOf } from './place.js'
import { ProgressBar } from './progress-bar.js'
import type { Session } from './session.js'
import { exportTree } from './tree/exporter.js'
import { makeDirectory, pathWithin } from './tree/places.js'
import { report } from './tree/report.js'
import { Tally } from './tree/tally.js'
import { TargetDirectory } from './tree/target-directory.js'

const HELP =
  examples(
    'linkstore -d things export copy',
    'linkstore export photos --prefix photos/',
    'linkstore export --tar | gzip > things.tar.gz',
    'linkstore export copy --json | jq ".skipped[]"',
  ) +
  `
Each key becomes a file of that path below the directory; what import stored comes back with its
modes, times, symbolic links and empty directories. What is there already with the same size, time
and mode is left alone, so run it again after an interruption; other files are replaced, none is
removed. Nothing is written outside the directory or through a symbolic link: a key that is no
path within it is skipped and named; the exit status is then 3.
`

interface Flags {
  readonly prefix: string
  readonly tar?: boolean
  readonly checksum?: boolean
  readonly durability?: 'file' | 'none'
  readonly json?: boolean
}

/** `export DIR`, `export --tar`: writes keys back as a directory tree. */
export function configure(command: Command, session: Session): void {
  command
    .option('--tar', 'write a tar archive to standard output, not a directory')
    .option('--prefix <prefix>', 'only keys that begin with this, which is taken off them', '')
    .option('--checksum', 'compare bytes with what is there, not only size and time')
    .addOption(
      new Option('--durability <level>', 'file: flush each file before it gets its name').choices([
        'file',
        'none',
      ]),
    )
    .option('--json', 'print the summary as a JSON object on standard output')
    .addHelpText('after', HELP)
    .action(async (directory: string | undefined, flags: Flags) => {
      if (flags.tar === true) {
        requireArchive(command, directory, flags)
        await session.withManyObjects(EXISTING, (store) => toTar(session, store, flags))
      } else if (directory === undefined) {
        command.error('error: name a directory, or write an archive with --tar')
      } else await toDirectory(command, session, directory, flags)
    })
}

function requireArchive(command: Command, directory: string | undefined, flags: Flags): void {
  if (directory !== undefined) command.error('error: give a directory or --tar, not both')
  const { json, checksum, durability } = flags
  const other = json === true ? '--json' : checksum === true ? '--checksum' : undefined
  const option = durability === undefined ? other : '--durability'
  if (option !== undefined) command.error(`error: ${option} is for directories, not for --tar`)
  if (isatty(1)) command.error('error: the archive goes to standard output: --tar > FILE')
}

async function toTar(session: Session, store: Store, flags: Flags): Promise<void> {
  const { exportTar } = await import('./tar/writer.js')
  const { tally, startedAtMs, onProgress } = await begin(session, store)
  await exportTar(store, { prefix: flags.prefix, signal: session.signal, onProgress }, tally)
  await report(session, 'exported', tally, startedAtMs, false)
}

async function toDirectory(
  command: Command,
  session: Session,
  directory: string,
  flags: Flags,
): Promise<void> {
  await session.withManyObjects(EXISTING, async (store) => {
    const storeRoot = pathOf(session.requireDirectory())
    const root = await makeDirectory(directory)
    if ((await pathWithin(storeRoot, root)) !== undefined) {
      command.error('error: a store cannot be exported into itself')
    }
    const { prefix, checksum = false, durability } = flags
    const excluded = await pathWithin(root, storeRoot)
    const { tally, startedAtMs, onProgress } = await begin(session, store)
    const how = { prefix, checksum, excluded, signal: session.signal, onProgress }
    await exportTree(store, new TargetDirectory(root, durability !== 'none'), how, tally)
    await report(session, 'exported', tally, startedAtMs, flags.json === true)
  })
}

interface Beginning {
  readonly tally: Tally
  readonly startedAtMs: number
  readonly onProgress: () => void
}

/** Objects are counted first where somebody watches: that takes no look at any of them. */
async function begin(session: Session, store: Store): Promise<Beginning> {
  const startedAtMs = Date.now()
  const bar = new ProgressBar('exporting')
  session.show(bar)
  const tally = new Tally((name, reason) => session.noteSkipped(name, reason))
  const total = bar.enabled ? await store.count({ signal: session.signal }) : 0
  const onProgress = (): void => {
    const done = tally.total + tally.passed
    const counts = { objects: done, bytes: tally.seenBytes }
    bar.update(total === 0 ? undefined : done / total, tally.progress(total), counts)
  }
  return { tally, startedAtMs, onProgress }
}
