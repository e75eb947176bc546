import type { Command } from 'commander'
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
    'linkstore export copy --json | jq ".skipped[]"',
  ) +
  `
Each key becomes a file of that path below the directory; what import stored comes back with its
modes, times, symbolic links and empty directories. Files that are there are replaced, none is
removed. Nothing is written outside the directory or through a symbolic link: a key that is no
path within it is skipped and named; the exit status is then 3.
`

interface Flags {
  readonly prefix: string
  readonly json?: boolean
}

/** `export DIR`: writes keys back as a directory tree. */
export function configure(command: Command, session: Session): void {
  command
    .option('--prefix <prefix>', 'only keys that begin with this, which is taken off them', '')
    .option('--json', 'print the summary as a JSON object on standard output')
    .addHelpText('after', HELP)
    .action((directory: string, flags: Flags) =>
      session.withManyObjects(EXISTING, async (store) => {
        const storeRoot = pathOf(session.requireDirectory())
        const root = await makeDirectory(directory)
        if ((await pathWithin(storeRoot, root)) !== undefined) {
          command.error('error: a store cannot be exported into itself')
        }
        await exportInto(session, store, root, await pathWithin(root, storeRoot), flags)
      }),
    )
}

async function exportInto(
  session: Session,
  store: Store,
  root: string,
  excluded: string | undefined,
  flags: Flags,
): Promise<void> {
  const startedAtMs = Date.now()
  const { signal } = session
  const bar = new ProgressBar('exporting')
  session.show(bar)
  const tally = new Tally((name, reason) => session.noteSkipped(name, reason))
  const total = bar.enabled ? await store.count({ signal }) : 0
  let seen = 0
  const onObject = (): void => {
    seen += 1
    bar.update(seen / total, tally.progress())
  }
  const how = { prefix: flags.prefix, excluded, signal, onObject }
  await exportTree(store, new TargetDirectory(root), how, tally)
  await report(session, 'exported', tally, startedAtMs, flags.json === true)
}
