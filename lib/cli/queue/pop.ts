import type { Command } from 'commander'
import type { Job } from '../../../index.js'
import { EXIT } from '../failure.js'
import { parseDuration } from '../option-values.js'
import { EXISTING, examples } from '../options.js'
import { addSubcommand } from '../output.js'
import { quoted } from '../safe-text.js'
import type { Session } from '../session.js'
import { writeStdout } from '../stdout.js'
import { LEASE_MS, LeaseKeeper } from './lease-keeper.js'
import { withOneJob } from './one-job.js'

const HELP =
  `
The job is acknowledged when all of its body is written; else it is given back. To have it given to
somebody else when the work fails, use run. Exits with 1 when there is no job that is due.
` + examples('linkstore queue pop messages', 'linkstore queue pop messages --wait 1m')

/** `queue pop NAME`: writes out the body of a job, and acknowledges it. */
export function configurePop(parent: Command, session: Session): void {
  addSubcommand(parent, 'pop <name>', 'print the body of a job, and be done with it')
    .option('--wait <duration>', 'wait so long for a job; default: 0s', parseDuration)
    .addHelpText('after', HELP)
    .action((name: string, { wait: waitMs = 0 }: { wait?: number }) =>
      session.withStore(EXISTING, async (store) => {
        const queue = store.queue(name)
        const { signal } = session
        const how = { waitMs, leaseMs: LEASE_MS, signal }
        const isDone = await withOneJob(queue, how, (job) => pop(session, job))
        if (isDone) return
        session.note(`the queue ${quoted(name)} has no job that is due; --wait waits for one`)
        session.status = EXIT.absent
      }),
    )
}

async function pop(session: Session, job: Job): Promise<void> {
  const { signal } = session
  const lost = new AbortController()
  using _ = new LeaseKeeper(job, LEASE_MS, () => lost.abort(new Error('the job was lost')))
  const either = AbortSignal.any([signal, lost.signal])
  for await (const piece of job.stream() as AsyncIterable<Buffer>) await writeStdout(piece, either)
  await job.ack()
}
