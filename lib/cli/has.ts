import type { Command } from 'commander'
import { EXIT } from './failure.js'
import { EXISTING, examples } from './options.js'
import type { Session } from './session.js'

const HELP = examples('if linkstore has greeting; then linkstore get greeting; fi')

/** `has KEY`: says by its status whether there is an object. */
export function configure(command: Command, session: Session): void {
  command.addHelpText('after', HELP).action((key: string) =>
    session.withStore(EXISTING, async (store) => {
      const isThere = await store.has(key, { signal: session.signal })
      session.status = isThere ? EXIT.done : EXIT.absent
    }),
  )
}
