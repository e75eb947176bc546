import type { Command } from 'commander'
import { EXIT } from './failure.js'
import { inputOf } from './input.js'
import { addWriteOptions, creating, examples, setOptionsOf, type WriteFlags } from './options.js'
import { quoted } from './safe-text.js'
import type { Session } from './session.js'

const HELP = examples(
  'linkstore add job:42 "$(hostname)" --ttl 10m && run-job 42',
  'linkstore add config -f defaults.json || echo "there is a configuration already"',
)

/** `add KEY [VALUE]`: stores a value if the key has none. */
export function configure(command: Command, session: Session): void {
  addWriteOptions(command)
    .addHelpText('after', HELP)
    .action((key: string, word: string | undefined, flags: WriteFlags & { file?: string }) =>
      session.withStore(creating(flags), async (store) => {
        const value = inputOf(command, session, word, flags.file)
        if (await store.add(key, value, setOptionsOf(flags, session.signal))) return
        session.note(`the key ${quoted(key)} has an object already; set would replace it`)
        session.status = EXIT.absent
      }),
    )
}
