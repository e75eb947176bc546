import type { Command } from 'commander'
import type { Durability } from '../../index.js'
import { counted } from './figures.js'
import { requireYes, yesOption } from './consent.js'
import { durabilityOption, EXISTING, examples } from './options.js'
import { showProgress } from './progress.js'
import type { Session } from './session.js'

const HELP = examples('linkstore -d things clear --yes')

interface Flags {
  readonly yes?: boolean
  readonly durability?: Durability
}

/** `clear --yes`: removes every object. */
export function configure(command: Command, session: Session): void {
  command
    .addOption(yesOption())
    .addOption(durabilityOption())
    .addHelpText('after', HELP)
    .action(async ({ yes, durability }: Flags) => {
      requireYes(command, session, yes, 'every object of')
      await session.withManyObjects(EXISTING, async (store) => {
        const { signal } = session
        const onProgress = showProgress(session, 'clearing')
        const removed = await store.clear({ durability, signal, onProgress })
        session.note(`removed ${counted(removed, 'object')}`)
      })
    })
}
