import type { Command } from 'commander'
import type { Durability, ObjectStore, StoredObject } from '../../index.js'
import { deliver } from './deliver.js'
import { BrokenPipe } from './failure.js'
import { requireWritable } from './local-file.js'
import { durabilityOption, EXISTING, examples, outputOption } from './options.js'
import { quoted } from './safe-text.js'
import type { Session } from './session.js'

const HELP = examples(
  'linkstore take job:42 | run-job',
  'linkstore take message -o message.json || echo "somebody else was faster"',
)

interface Flags {
  readonly output?: string
  readonly durability?: Durability
}

/** `take KEY`: writes out a value and removes its object; of many contenders one gets it. */
export function configure(command: Command, session: Session): void {
  command
    .addOption(outputOption())
    .addOption(durabilityOption())
    .addHelpText('after', HELP)
    .action((key: string, { output, durability }: Flags) =>
      session.withObjects(EXISTING, async (store) => {
        const { signal } = session
        if (output !== undefined) await requireWritable(output)
        await using object = await store.take(key, { durability, signal })
        if (object === undefined) {
          session.absent(key)
          return
        }
        try {
          await deliver(object, output, signal)
        } catch (error) {
          // A reader that has gone away may have had what it wanted.
          if (!(error instanceof BrokenPipe)) await putBack(session, store, object)
          throw error
        }
      }),
    )
}

/** The value went nowhere: better that somebody else takes it than that it is lost. */
async function putBack(session: Session, store: ObjectStore, object: StoredObject): Promise<void> {
  const { key, contentType, metadata, expiresAtMs } = object.info
  const isPlain = !store.supports.metadata
  await store.write(key, object.stream(), {
    ifAbsent: true,
    ...(!isPlain && { contentType, metadata }),
    ...(expiresAtMs !== undefined && { ttlMs: Math.max(1, expiresAtMs - Date.now()) }),
  })
  session.note(`the value of ${quoted(key)} could not be given out and was put back`)
}
