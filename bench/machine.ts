import { availableParallelism, cpus, platform, release, totalmem } from 'node:os'
import type { Machine } from './results.js'

/** Describes this machine. */
export function describeMachine(): Machine {
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()}`,
  }
}
