/**
 * Heartbeat: how others tell that an opened store is alive.
 *
 *     1  make a directory under a private name     crash: an empty directory, for the sweep
 *     2  remove it
 *
 * Both touch the directory of the private names, by the clock of the server; every other private
 * name does so too. Clocks of hosts play no part, so they need not agree.
 */
import { lstat, type Operation } from '../drivers/effects.js'
import { looksAbsent } from './absence.js'
import type { Context } from './context.js'
import { makePlainDirectory } from './directories.js'
import { noticeLostInstance, privateName } from './private-names.js'
import { removeDirectory } from './removal.js'

/** How often a store that holds private names, and does nothing, touches them. */
export const HEARTBEAT_MS = 10 * 60 * 1000

/** Touches the private names of this store; returns the time on the server's clock. */
export function* beat(context: Context): Operation<number> {
  const probe = yield* makeProbe(context)
  const { mtimeMs } = yield* lstat(probe)
  yield* removeDirectory(probe)
  return mtimeMs
}

/** If this process was suspended and all its private names swept, it makes a new place for them. */
function* makeProbe(context: Context): Operation<string> {
  const probe = yield* privateName(context)
  try {
    // The name is new, so one that is there already is ours, and NFS lost the reply.
    yield* makePlainDirectory(probe, 0o700)
    return probe
  } catch (error) {
    if (!looksAbsent(error) || !(yield* noticeLostInstance(context))) throw error
  }
  const again = yield* privateName(context)
  yield* makePlainDirectory(again, 0o700)
  return again
}
