import type { Command } from 'commander'
import type { Lease, Store } from '../../index.js'
import { ChildCommand, requireSeparated } from './child-command.js'
import { describe, EXIT } from './failure.js'
import { parseDuration } from './option-values.js'
import { EXISTING, examples } from './options.js'
import { quoted } from './safe-text.js'
import type { Session, Signal } from './session.js'

/** One look at a lease takes its time, even where nobody is to be waited for. */
const MIN_WAIT_MS = 250
const MAX_WAIT_MS = 2 ** 31 - 1

const HELP =
  `
Waits until nobody else on any host holds the lease NAME, and runs COMMAND while holding it. In
its environment are LINKSTORE_LEASE_NAME and LINKSTORE_LEASE_TOKEN: a number larger than that of
any holder before. Should the lease be lost, because the store does not answer or this process was
stopped for longer than the ttl, the command is ended: by SIGTERM, 5 seconds later by SIGKILL.

Exit status: that of COMMAND, or 128 and the number of the signal that ended it; 1 when --wait is
over; 3 when the lease was lost; 126 and 127 when COMMAND cannot be run or does not exist.
` +
  examples(
    'linkstore lock backup -- backup-everything --to /mnt/backup',
    'linkstore lock report --wait 0s -- make report || echo "another host is at it"',
  )

interface Flags {
  readonly ttl?: number
  readonly wait?: number
}

/** `lock NAME -- COMMAND`: runs a command while a lease is held. */
export function configure(command: Command, session: Session): void {
  const ttl = 'how long others wait for a holder that has died; default: 10s'
  const wait = 'give up after this time; default: never'
  command
    .usage('[options] <name> -- <command...>')
    .option('--ttl <duration>', ttl, parseDuration)
    .option('--wait <duration>', wait, parseDuration)
    .addHelpText('after', HELP)
    .action((name: string, words: string[], flags: Flags) => {
      requireSeparated(command, words)
      return session.withStore(EXISTING, async (store) => {
        const lease = await waitForLease(session, store, name, flags)
        if (lease !== undefined) await runHolding(session, name, lease, words)
      })
    })
}

async function waitForLease(
  session: Session,
  store: Store,
  name: string,
  { ttl: ttlMs, wait: waitMs }: Flags,
): Promise<Lease | undefined> {
  const patience = new AbortController()
  const timer =
    waitMs === undefined
      ? undefined
      : setTimeout(() => patience.abort(), Math.min(Math.max(waitMs, MIN_WAIT_MS), MAX_WAIT_MS))
  try {
    const signal = AbortSignal.any([session.signal, patience.signal])
    return await store.lease(name, { ttlMs, signal })
  } catch (error) {
    if (!patience.signal.aborted || session.signal.aborted) throw error
    session.note(`the lease ${quoted(name)} is held by another; try again, or give a longer --wait`)
    session.status = EXIT.absent
    return undefined
  } finally {
    clearTimeout(timer)
  }
}

/** Runs the command, and gives the lease back whatever happens. */
async function runHolding(
  session: Session,
  name: string,
  lease: Lease,
  words: readonly string[],
): Promise<void> {
  try {
    session.status = await runUnder(session, name, lease, words)
  } catch (error) {
    await lease.release().catch(() => undefined)
    throw error
  }
  if (!lease.signal.aborted) await lease.release()
  else session.status = EXIT.failed
}

async function runUnder(
  session: Session,
  name: string,
  lease: Lease,
  words: readonly string[],
): Promise<number> {
  const early: Signal[] = []
  let passOn = (signal: Signal): void => void early.push(signal)
  using _ = session.divertSignals((signal) => passOn(signal))
  // One that came just before is not for the command, which does not run yet.
  session.signal.throwIfAborted()
  const env = { LINKSTORE_LEASE_NAME: name, LINKSTORE_LEASE_TOKEN: String(lease.token) }
  const child = await ChildCommand.start(words, { env, input: 'inherit' })
  passOn = (signal) => child.tell(signal)
  for (const signal of early) passOn(signal)
  const onLost = (): void => {
    session.note(`${describe(lease.signal.reason)}; the command is ended`)
    child.end()
  }
  if (lease.signal.aborted) onLost()
  else lease.signal.addEventListener('abort', onLost, { once: true })
  const status = await child.ended
  lease.signal.removeEventListener('abort', onLost)
  return status
}
