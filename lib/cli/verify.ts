import type { Command } from 'commander'
import type { Finding } from '../../index.js'
import { colorsFor } from './colors.js'
import { EXIT } from './failure.js'
import { counted, sized } from './figures.js'
import { EXISTING, examples } from './options.js'
import { safeJson, safeText } from './safe-text.js'
import { ProgressBar } from './progress-bar.js'
import type { Session } from './session.js'
import { LineWriter } from './stdout.js'

const HELP = examples('linkstore verify', 'linkstore verify --json | jq -r ".findings[].path"')

/** `verify`: reads every object and checks everything. */
export function configure(command: Command, session: Session): void {
  command
    .option('--json', 'as one JSON object')
    .addHelpText('after', HELP)
    .action(({ json = false }: { json?: boolean }) =>
      session.withManyObjects(EXISTING, async (store) => {
        const { signal } = session
        const bar = new ProgressBar('verifying')
        session.show(bar)
        const report = await store.verify({
          signal,
          onProgress: ({ fraction, objects }) => bar.update(fraction, counted(objects, 'object')),
        })
        bar.clear()
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

function findingLine({ kind, hash, path, reason }: Finding): string {
  const { red, yellow } = colorsFor(1)
  const colored = kind === 'corrupt' ? red(kind) : yellow(kind)
  return `${colored}  ${hash ?? '-'}  ${safeText(path)}  ${safeText(reason)}`
}
