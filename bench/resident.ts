/** How much memory this process has, in MiB. */
import { readFileSync } from 'node:fs'

const STATUS_PATH = '/proc/self/status'

export function residentMiB(): number {
  return statusMiB('VmRSS') ?? process.memoryUsage.rss() / 2 ** 20
}

/** The most that it had at any time. */
export function peakMiB(): number {
  // What getrusage says of a process begins with what the one had that started it.
  return statusMiB('VmHWM') ?? process.resourceUsage().maxRSS / 2 ** 10
}

function statusMiB(name: string): number | undefined {
  try {
    const line = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(STATUS_PATH, 'utf8'))
    return line === null ? undefined : Number(line[1]) / 2 ** 10
  } catch {
    return undefined
  }
}
