import type { Command } from 'commander'
import { deliver } from './deliver.js'
import { EXISTING, examples, outputOption } from './options.js'
import type { Session } from './session.js'

const HELP = examples(
  'linkstore get greeting',
  'linkstore get photo -o cat.jpg',
  'linkstore get backup | tar t',
)

/** `get KEY`: writes out a value. */
export function configure(command: Command, session: Session): void {
  command
    .addOption(outputOption())
    .addHelpText('after', HELP)
    .action((key: string, { output }: { output?: string }) =>
      session.withStore(EXISTING, async (store) => {
        await using object = await store.read(key, { signal: session.signal })
        if (object === undefined) session.absent(key)
        else await deliver(object, output, session.signal)
      }),
    )
}
