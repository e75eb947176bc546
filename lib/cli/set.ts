import type { Command } from 'commander'
import { inputOf } from './input.js'
import { addWriteOptions, creating, examples, setOptionsOf, type WriteFlags } from './options.js'
import type { Session } from './session.js'

const HELP = examples(
  'linkstore -d things set greeting "Hello, world"',
  'linkstore set photo -f cat.jpg --content-type image/jpeg --meta camera=old',
  'tar c src | linkstore set backup --ttl 7d',
  'linkstore set -- -key-with-a-dash "-5 degrees"',
)

/** `set KEY [VALUE]`: stores a value. */
export function configure(command: Command, session: Session): void {
  addWriteOptions(command)
    .addHelpText('after', HELP)
    .action((key: string, word: string | undefined, flags: WriteFlags & { file?: string }) =>
      session.withStore(creating(flags), async (store) => {
        const value = inputOf(command, session, word, flags.file)
        await store.set(key, value, setOptionsOf(flags, session.signal))
      }),
    )
}
