/** Backing off: whoever was slower waits for a moment, so that contenders do not meet for ever. */
import { noteRetry } from '../diagnostics.js'
import { pause, type Operation } from '../drivers/effects.js'
import type { Context } from './context.js'

const MIN_BACK_OFF_MS = 2
const MAX_BACK_OFF_MS = 256

/**
 * How long to wait after having been slower so many times before, in milliseconds: by chance up to
 * a time that doubles.
 *
 * @param chance - from 0 up to, but not including, 1
 */
export function backOffMs(attempt: number, chance: number): number {
  const mostMs = Math.min(MAX_BACK_OFF_MS, MIN_BACK_OFF_MS * 2 ** Math.min(attempt, 20))
  return Math.floor(chance * (mostMs + 1))
}

/** Waits for so long. */
export function* backOff(context: Context, attempt: number): Operation<void> {
  noteRetry('outrun')
  yield* pause(backOffMs(attempt, Number(`0x${context.randomId().slice(0, 8)}`) / 2 ** 32))
}
