import type { Command } from 'commander'
import { EXISTING, examples } from './options.js'
import { showProgress } from './progress.js'
import type { Session } from './session.js'
import { writeStdout } from './stdout.js'

const HELP = examples('linkstore count')

/** `count`: prints how many objects there are. */
export function configure(command: Command, session: Session): void {
  command.addHelpText('after', HELP).action(() =>
    session.withManyObjects(EXISTING, async (store) => {
      const { signal } = session
      const count = await store.count({ signal, onProgress: showProgress(session, 'counting') })
      session.hide()
      await writeStdout(Buffer.from(`${count}\n`), signal)
    }),
  )
}
