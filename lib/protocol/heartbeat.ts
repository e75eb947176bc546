/**
 * Heartbeat: how others tell that an opened store is alive.
 *
 *     1  make a directory under a private name     crash: an empty directory, for the sweep
 *     2  remove it
 *
 * Both touch the directory of the private names, by the clock of the server; every other private
 * name does so too. Clocks of hosts play no part, so they need not agree.
 */
import { mkdir, lstat, rmdir, type Operation } from '../drivers/effects.js'
import type { Context } from './context.js'
import { privateName } from './private-names.js'

/** How often a store that holds private names, and does nothing, touches them. */
export const HEARTBEAT_MS = 10 * 60 * 1000

/** Touches the private names of this store; returns the time on the server's clock. */
export function* beat(context: Context): Operation<number> {
  const probe = yield* privateName(context)
  yield* mkdir(probe, 0o700)
  const { mtimeMs } = yield* lstat(probe)
  yield* rmdir(probe)
  return mtimeMs
}
