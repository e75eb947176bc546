import type { Command } from 'commander'
import { hashKey, type ObjectInfo } from '../../index.js'
import { timed } from './figures.js'
import { infoJson } from './info-json.js'
import { EXISTING, examples } from './options.js'
import { keyText, safeText } from './safe-text.js'
import type { Session } from './session.js'
import { LineWriter } from './stdout.js'

const HELP = examples('linkstore stat greeting', 'linkstore stat greeting --json')

const NAME_COLUMNS = 14

/** `stat KEY`: prints what is known of an object. */
export function configure(command: Command, session: Session): void {
  command
    .option('--json', 'as one JSON object')
    .addHelpText('after', HELP)
    .action((key: string, { json = false }: { json?: boolean }) =>
      session.withStore(EXISTING, async (store) => {
        const info = await store.stat(key, { signal: session.signal })
        if (info === undefined) {
          session.absent(key)
          return
        }
        const lines = new LineWriter(session.signal)
        for (const line of json ? [infoJson(info)] : table(info)) await lines.line(line)
        await lines.flush()
      }),
    )
}

function table(info: ObjectInfo): string[] {
  const { expiresAtMs, writtenBy } = info
  const writer = writtenBy === undefined ? '' : ` by ${safeText(writtenBy)}`
  const rows: [string, string][] = [
    ['key', keyText(info.key)],
    ['size', `${info.sizeBytes} bytes`],
    ['written', `${timed(info.writtenAtMs)}${writer}`],
    ['expires', expiresAtMs === undefined ? 'never' : timed(expiresAtMs)],
    ['content type', safeText(info.contentType ?? '-')],
    ['version', info.version ?? '-'],
    ['hash', hashKey(info.key)],
  ]
  for (const [name, value] of Object.entries(info.metadata)) {
    rows.push(['metadata', `${keyText(name)}=${keyText(value)}`])
  }
  return rows.map(([name, value]) => name.padEnd(NAME_COLUMNS) + value)
}
