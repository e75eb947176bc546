import { mkdir, rmdir, stat } from 'node:fs/promises'
import type { ClockOffset } from '../facts.js'
import type { Scratch } from './scratch.js'

const SAMPLES = 5
/** Servers stamp files with a clock that ticks every few milliseconds. */
const TICK_MS = 10

/**
 * Compares the clock of the file system with the one of this host. A new directory has the time
 * of the server, while an NFS client may stamp the files it writes itself. The round trip is the
 * uncertainty: the shortest of some counts.
 */
export async function clockOffsetOf(scratch: Scratch, signal: AbortSignal): Promise<ClockOffset> {
  let best: ClockOffset | undefined
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    signal.throwIfAborted()
    const path = scratch.near(`clock-${sample}`)
    const beforeMs = Date.now()
    await mkdir(path)
    const afterMs = Date.now()
    const { mtimeMs } = await stat(path)
    await rmdir(path)
    const uncertaintyMs = (afterMs - beforeMs) / 2 + TICK_MS
    if (best !== undefined && best.uncertaintyMs <= uncertaintyMs) continue
    best = { offsetMs: Math.round(mtimeMs - (beforeMs + afterMs) / 2), uncertaintyMs }
  }
  return best ?? { offsetMs: 0, uncertaintyMs: Infinity }
}
