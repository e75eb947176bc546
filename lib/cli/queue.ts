import type { Command } from 'commander'
import type { DeadLetter, Durability, Queue } from '../../index.js'
import { EXIT } from './failure.js'
import { inputOf } from './input.js'
import { parseDuration } from './option-values.js'
import { creating, durabilityOption, EXISTING, examples, fileOption } from './options.js'
import { addSubcommand } from './output.js'
import { configurePop } from './queue/pop.js'
import { configureRun } from './queue/run.js'
import { quoted, safeJson, safeText } from './safe-text.js'
import type { Session } from './session.js'
import { LineWriter, writeStdout } from './stdout.js'

const HELP =
  `
Each job that is pushed is given to one consumer at a time, on whatever host, until one has done
it: at least once, roughly in the order of being pushed.
` +
  examples(
    'linkstore queue push thumbnails cat.jpg',
    'linkstore queue run thumbnails --concurrency 4 -- make-thumbnail',
    'linkstore queue size thumbnails --json',
    'linkstore queue dead thumbnails',
  )

interface PushFlags {
  readonly file?: string
  readonly delay?: number
  readonly key?: string
  readonly durability?: Durability
}

interface ListFlags {
  readonly json?: boolean
}

/** `queue`: jobs that any number of processes share. */
export function configure(command: Command, session: Session): void {
  command.addHelpText('after', HELP)
  configurePush(command, session)
  configurePop(command, session)
  configureRun(command, session)
  addSubcommand(command, 'size <name>', 'count the jobs that are not done')
    .option('--json', 'ready, delayed, claimed and dead ones apart, as one JSON object')
    .addHelpText('after', examples('linkstore queue size thumbnails --json'))
    .action((name: string, { json = false }: ListFlags) =>
      session.withStore(EXISTING, async (store) => {
        const { signal } = session
        const queue = store.queue(name)
        const text = json ? safeJson(await queue.counts({ signal })) : await queue.size({ signal })
        await writeStdout(Buffer.from(`${text}\n`), signal)
      }),
    )
  addSubcommand(command, 'dead <name>', 'list the jobs that failed too often, and why')
    .option('--json', 'one JSON object per line')
    .addHelpText('after', examples('linkstore queue dead thumbnails'))
    .action((name: string, { json = false }: ListFlags) =>
      session.withStore(EXISTING, (store) => listDead(session, store.queue(name), json)),
    )
}

function configurePush(command: Command, session: Session): void {
  const push = addSubcommand(command, 'push <name> [body]', 'add a job, and print its id')
  push
    .addOption(fileOption())
    .option('--delay <duration>', 'give it out after this time only', parseDuration)
    .option('--key <text>', 'only if no job with this key waits or is claimed')
    .addOption(durabilityOption())
    .addHelpText('after', examples('linkstore queue push reports "May" --key may --delay 10m'))
    .action((name: string, word: string | undefined, flags: PushFlags) =>
      session.withStore(creating({}), async (store) => {
        const { signal } = session
        const { file, delay: delayMs, key: dedupeKey, durability } = flags
        const body = inputOf(push, session, word, file)
        const options = { delayMs, dedupeKey, durability, signal }
        const id = await store.queue(name).push(body, options)
        if (id !== undefined) {
          await writeStdout(Buffer.from(`${id}\n`), signal)
          return
        }
        session.note(
          `the queue has a job with the key ${quoted(dedupeKey ?? '')} already; none was added`,
        )
        session.status = EXIT.absent
      }),
    )
}

async function listDead(session: Session, queue: Queue, json: boolean): Promise<void> {
  const { signal } = session
  const lines = new LineWriter(signal)
  for await (const letter of queue.deadLetters({ signal })) await lines.line(line(letter, json))
  await lines.flush()
}

function line({ id, attempts, reason }: DeadLetter, json: boolean): string {
  if (json) return safeJson({ id, attempts, reason })
  return `${id}  ${String(attempts).padStart(3)}  ${safeText(reason)}`
}
