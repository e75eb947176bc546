import type { Command } from 'commander'
import type { Durability } from '../../index.js'
import { durabilityOption, EXISTING, examples } from './options.js'
import type { Session } from './session.js'

const HELP = examples('linkstore rm greeting')

/** `rm KEY`: removes an object. */
export function configure(command: Command, session: Session): void {
  command
    .addOption(durabilityOption())
    .addHelpText('after', HELP)
    .action((key: string, { durability }: { durability?: Durability }) =>
      session.withStore(EXISTING, async (store) => {
        const { signal } = session
        if (!(await store.delete(key, { durability, signal }))) session.absent(key)
      }),
    )
}
