import type { Command } from 'commander'
import { requireYes, yesOption } from './consent.js'
import { EXISTING, examples } from './options.js'
import { showProgress } from './progress.js'
import type { Session } from './session.js'

const HELP = examples('linkstore -d things destroy --yes')

/** `destroy --yes`: removes the store with its directory. */
export function configure(command: Command, session: Session): void {
  command
    .addOption(yesOption())
    .addHelpText('after', HELP)
    .action(async ({ yes }: { yes?: boolean }) => {
      requireYes(command, session, yes, 'the whole store')
      await session.withManyObjects(EXISTING, (store) => {
        const onProgress = showProgress(session, 'destroying')
        return store.destroy({ signal: session.signal, onProgress })
      })
    })
}
