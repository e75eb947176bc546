import type { Command } from 'commander'
import type { Durability } from '../../index.js'
import { durabilityOption, EXISTING, examples } from './options.js'
import type { Session } from './session.js'

const HELP = examples('linkstore mv draft final')

/** `mv FROM TO`: moves an object to another key. */
export function configure(command: Command, session: Session): void {
  command
    .addOption(durabilityOption())
    .addHelpText('after', HELP)
    .action((from: string, to: string, { durability }: { durability?: Durability }) =>
      session.withStore(EXISTING, async (store) => {
        const { signal } = session
        if (!(await store.rename(from, to, { durability, signal }))) session.absent(from)
      }),
    )
}
