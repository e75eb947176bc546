import type { Command } from 'commander'
import type { Durability } from '../../index.js'
import { durabilityOption, EXISTING, examples } from './options.js'
import type { Session } from './session.js'

const HELP = examples('linkstore cp greeting greeting.old')

/** `cp FROM TO`: copies an object. */
export function configure(command: Command, session: Session): void {
  command
    .addOption(durabilityOption())
    .addHelpText('after', HELP)
    .action((from: string, to: string, { durability }: { durability?: Durability }) =>
      session.withStore(EXISTING, async (store) => {
        const { signal } = session
        if (!(await store.copy(from, to, { durability, signal }))) session.absent(from)
      }),
    )
}
