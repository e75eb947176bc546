import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import type { Queue, Store } from '../../../index.js'
import { requireSeparated } from '../child-command.js'
import { EXIT } from '../failure.js'
import { parseCount, parseDuration } from '../option-values.js'
import { EXISTING, examples } from '../options.js'
import { addSubcommand } from '../output.js'
import { quoted } from '../safe-text.js'
import type { Session } from '../session.js'
import { LEASE_MS } from './lease-keeper.js'
import { withOneJob } from './one-job.js'
import { Workers } from './workers.js'

const LOOK_MS = 250
const MAX_ATTEMPTS = 5

const HELP =
  `
Runs COMMAND for each job, with the body as its standard input and LINKSTORE_JOB_ID and
LINKSTORE_JOB_ATTEMPT in its environment. If it exits with 0 the job is done; else it is given out
again, and after the last attempt it is among the dead ones. The lease is extended while COMMAND
runs. SIGINT and SIGTERM end the commands (SIGTERM, 5 seconds later SIGKILL), and their jobs are
given back.

Exit status, with --once and --drain: 0 if all that was run is done, 1 if --once found no job, 3 if
a command failed in its last run. 126 and 127 when COMMAND cannot be run or does not exist.
` +
  examples(
    'linkstore queue run thumbnails --concurrency 4 -- make-thumbnail',
    'linkstore queue run reports --drain -- sh -c \'mail -s "$LINKSTORE_JOB_ID" ada\'',
  )

interface Flags {
  readonly concurrency?: number
  readonly lease?: number
  readonly maxAttempts?: number
  readonly retryDelay?: number
  readonly once?: boolean
  readonly drain?: boolean
}

/** `queue run NAME -- COMMAND`: runs a command for each job. */
export function configureRun(parent: Command, session: Session): void {
  const command = addSubcommand(parent, 'run <name> <command...>', 'run a command for each job')
  const lease = 'how long others wait for a consumer that has died; default: 30s'
  command
    .usage('[options] <name> -- <command...>')
    .option('--concurrency <number>', 'how many at a time; default: 1', parseCount)
    .option('--lease <duration>', lease, parseDuration)
    .option('--max-attempts <number>', 'how often a job is tried; default: 5', parseCount)
    .option('--retry-delay <duration>', 'wait so long after a failure; default: 0s', parseDuration)
    .option('--once', 'run one job that is due, and end')
    .option('--drain', 'end when no job is due or claimed')
    .addHelpText('after', HELP)
    .action((name: string, words: string[], flags: Flags) => {
      requireSeparated(command, words)
      if (flags.once === true && flags.drain === true) {
        command.error('error: give --once or --drain, not both')
      }
      return session.withStore(EXISTING, (store) => run(session, store, name, words, flags))
    })
}

async function run(
  session: Session,
  store: Store,
  name: string,
  words: readonly string[],
  flags: Flags,
): Promise<void> {
  const { concurrency, lease: leaseMs = LEASE_MS, maxAttempts = MAX_ATTEMPTS } = flags
  const queue = store.queue(name, { maxAttempts })
  const how = { leaseMs, maxAttempts, retryDelayMs: flags.retryDelay ?? 0 }
  const workers = new Workers(session, words, how)
  using _ = session.divertSignals((signal) => workers.interrupt(signal))
  session.signal.throwIfAborted()
  try {
    if (flags.once === true) await runOne(session, name, queue, workers, leaseMs)
    else {
      const jobs = queue.consume({ concurrency, leaseMs, signal: workers.signal })
      if (flags.drain === true) void finishWhenEmpty(queue, workers)
      for await (const job of jobs) workers.begin(job)
    }
  } catch (error) {
    workers.abandon(error)
  }
  await workers.conclude()
}

async function runOne(
  session: Session,
  name: string,
  queue: Queue,
  workers: Workers,
  leaseMs: number,
): Promise<void> {
  const how = { waitMs: 0, leaseMs, signal: workers.signal }
  const isFound = await withOneJob(queue, how, async (job) => {
    workers.begin(job)
    await workers.idle()
  })
  if (isFound) return
  session.note(`the queue ${quoted(name)} has no job that is due`)
  session.status = EXIT.absent
}

async function finishWhenEmpty(queue: Queue, workers: Workers): Promise<void> {
  const { signal } = workers
  try {
    for (;;) {
      const { ready, claimed } = await queue.counts({ signal })
      if (ready + claimed === 0) break
      await sleep(LOOK_MS, undefined, { signal })
    }
    workers.finish()
  } catch (error) {
    if (!signal.aborted) workers.abandon(error)
  }
}
