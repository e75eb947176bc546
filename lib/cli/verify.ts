import type { Command } from 'commander'
import type { Finding } from '../../index.js'
import { colorsFor } from './colors.js'
import { EXIT } from './failure.js'
import { counted, sized, timed } from './figures.js'
import { EXISTING, examples } from './options.js'
import { quoted, safeJson, safeText } from './safe-text.js'
import { showProgress } from './progress.js'
import type { Session } from './session.js'
import { LineWriter } from './stdout.js'

const HELP =
  examples(
    'linkstore verify',
    'linkstore verify --json | jq -r ".findings[].path"',
    'linkstore verify --quarantine',
  ) +
  `
The exit status is 3 when something is corrupt, whether it was moved or not.
`

interface Flags {
  readonly quarantine?: boolean
  readonly json?: boolean
}

/** `verify`: reads every object and checks everything. */
export function configure(command: Command, session: Session): void {
  command
    .option('--quarantine', 'move what is corrupt into .quarantine of the store')
    .option('--json', 'as one JSON object')
    .addHelpText('after', HELP)
    .action(({ quarantine = false, json = false }: Flags) =>
      session.withManyObjects(EXISTING, async (store) => {
        const { signal } = session
        const report = await store.verify({
          quarantine,
          signal,
          onProgress: showProgress(session, 'verifying'),
        })
        session.hide()
        const corrupt = report.findings.filter(({ kind }) => kind === 'corrupt').length
        if (corrupt > 0) session.status = EXIT.failed
        const lines = new LineWriter(signal)
        for (const line of json ? [safeJson(report)] : report.findings.map(findingLine)) {
          await lines.line(line)
        }
        await lines.flush()
        const foreign = report.findings.length - corrupt
        const found = `${corrupt} corrupt, ${foreign} foreign`
        session.note(`${counted(report.objects, 'object')} sound, ${sized(report.bytes)}; ${found}`)
      }),
    )
}

function findingLine(finding: Finding): string {
  const { red, yellow } = colorsFor(1)
  const { kind, hash, path, reason } = finding
  const colored = kind === 'corrupt' ? red(kind) : yellow(kind)
  const words = [colored, hash ?? '-', safeText(path), safeText(reason), ...details(finding)]
  return words.join('  ')
}

/** What is still known of a damaged object, and what became of it. */
function details({ key, writtenBy, writtenAtMs, quarantinedTo }: Finding): string[] {
  const written = [
    ...(writtenAtMs === undefined ? [] : [timed(writtenAtMs)]),
    ...(writtenBy === undefined ? [] : [`by ${safeText(writtenBy)}`]),
  ]
  return [
    ...(key === undefined ? [] : [`key ${quoted(key)}`]),
    ...(written.length === 0 ? [] : [`written ${written.join(' ')}`]),
    ...(quarantinedTo === undefined ? [] : [`moved to ${safeText(quarantinedTo)}`]),
  ]
}
