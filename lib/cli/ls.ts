import type { Command } from 'commander'
import type { ObjectInfo } from '../../index.js'
import { timed } from './figures.js'
import { EXISTING, examples } from './options.js'
import { keyText, safeJson, safeText } from './safe-text.js'
import type { Session } from './session.js'
import { LineWriter } from './stdout.js'

const HELP = examples(
  'linkstore ls',
  'linkstore ls user: -l',
  'linkstore ls --json | jq -r "select(.sizeBytes > 1000).key"',
)

const SIZE_COLUMNS = 12

interface Flags {
  readonly long?: boolean
  readonly json?: boolean
}

/** `ls [PREFIX]`: lists the keys. */
export function configure(command: Command, session: Session): void {
  command
    .option('-l, --long', 'with size in bytes, time of writing and content type')
    .option('--json', 'one JSON object per line, with the exact key and all that is known')
    .addHelpText('after', HELP)
    .action((prefix: string | undefined, flags: Flags) =>
      session.withManyObjects(EXISTING, async (store) => {
        const { signal } = session
        const lines = new LineWriter(signal)
        for await (const info of store.list({ prefix, signal })) await lines.line(line(info, flags))
        await lines.flush()
      }),
    )
}

function line(info: ObjectInfo, { long = false, json = false }: Flags): string {
  if (json) return safeJson(info)
  const key = keyText(info.key)
  if (!long) return key
  const size = String(info.sizeBytes).padStart(SIZE_COLUMNS)
  return `${size}  ${timed(info.writtenAtMs)}  ${safeText(info.contentType ?? '-')}  ${key}`
}
