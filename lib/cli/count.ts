import type { Command } from 'commander'
import { EXISTING, examples } from './options.js'
import type { Session } from './session.js'
import { writeStdout } from './stdout.js'

const HELP = examples('linkstore count')

/** `count`: prints how many objects there are. */
export function configure(command: Command, session: Session): void {
  command.addHelpText('after', HELP).action(() =>
    session.withManyObjects(EXISTING, async (store) => {
      const { signal } = session
      await writeStdout(Buffer.from(`${await store.count({ signal })}\n`), signal)
    }),
  )
}
