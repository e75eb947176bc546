import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { Store } from '../../index.js'
import { counted, sized } from './figures.js'
import { Migration } from './migrate/migration.js'
import { EXISTING, examples } from './options.js'
import { pathOf } from './place.js'
import { ProgressBar } from './progress-bar.js'
import { safeJson } from './safe-text.js'
import type { Session } from './session.js'
import { writeStdout } from './stdout.js'

const HELP =
  examples(
    'linkstore migrate ./things s3://bucket/things',
    'linkstore migrate "s3://bucket?endpoint=http://minio:9000" ./things',
    'linkstore migrate ./things ./copy --prefix user: --dry-run',
  ) +
  `
FROM and TO are directories or URLs. Objects come with their content type, their metadata and what
is left of their lifetime. Each copy is read back and compared by its crc. FROM is not changed;
nothing is removed from TO, where an object of the same key is replaced.

Run it again to go on, or to bring over what has changed since: an object is left out if TO has
one of the same size, content type and metadata that was written no earlier, by the clocks of their
writers. --checksum compares the values of these, too. A key that is written while this runs has
one of its values in TO; one that is removed from FROM may stay in TO. What cannot be copied is
skipped and named; the exit status is then 3. Cells, leases and queues stay where they are.
`

interface Flags {
  readonly prefix: string
  readonly dryRun?: boolean
  readonly checksum?: boolean
  readonly json?: boolean
}

/** `migrate FROM TO`: copies all objects of a store to another. */
export function configure(command: Command, session: Session): void {
  command
    .option('--prefix <prefix>', 'only keys that begin with this', '')
    .option('-n, --dry-run', 'only say what would be copied')
    .option('--checksum', 'compare the values of what seems to be there')
    .option('--json', 'print the summary as a JSON object on standard output')
    .addHelpText('after', HELP)
    .action(async (from: string, to: string, flags: Flags) => {
      if (identityOf(from) === identityOf(to)) {
        command.error('error: a store cannot be migrated into itself')
      }
      const isDry = flags.dryRun === true
      await session.withStoreAt(from, { ...EXISTING, sweep: false }, (source) =>
        session.withStoreAt(
          isDry ? orNothing(to) : to,
          { create: !isDry, sweep: false },
          (target) => migrate(session, source, target, flags),
        ),
      )
    })
}

/** What is not made yet has nothing in it. */
function orNothing(place: string): string {
  const path = pathOf(place)
  return path === undefined || existsSync(path) ? place : 'memory:'
}

function identityOf(place: string): string {
  const path = pathOf(place)
  return path === undefined ? place : resolve(path)
}

async function migrate(
  session: Session,
  source: Store,
  target: Store,
  { prefix, dryRun = false, checksum = false, json = false }: Flags,
): Promise<void> {
  const { signal } = session
  const startedAtMs = Date.now()
  const bar = new ProgressBar('migrating')
  session.show(bar)
  let total = 0
  const migration = new Migration(source, target, {
    prefix,
    isDry: dryRun,
    checksum,
    signal,
    onSkip: (key, reason) => session.noteSkipped(key, reason),
    onObject: (done, bytes) =>
      bar.update(done / total, `${counted(done, 'object')}, ${sized(bytes)}`),
  })
  if (bar.enabled) for await (const _ of source.list({ prefix, signal })) total += 1
  await migration.run()
  bar.clear()
  const { migrated, bytes, present, gone, skipped } = migration
  const seconds = (Date.now() - startedAtMs) / 1000
  if (json) {
    const line = safeJson({ migrated, bytes, present, gone, skipped, seconds })
    await writeStdout(Buffer.from(`${line}\n`), signal)
  }
  const verb = dryRun ? 'would migrate' : 'migrated'
  const parts = [`${verb} ${counted(migrated, 'object')}, ${sized(bytes)}`]
  if (present > 0) parts.push(`${present.toLocaleString('en')} there already`)
  if (gone > 0) parts.push(`${gone.toLocaleString('en')} gone meanwhile`)
  if (skipped.length > 0) parts.push(`skipped ${skipped.length}, as named above`)
  session.note(`${parts.join('; ')}; ${seconds.toFixed(1)} s`)
}
