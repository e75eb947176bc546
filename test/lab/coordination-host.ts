/** What every worker of the coordination lab needs. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'

const MEETING_MS = 60_000

/** The time of the clock that all hosts of a guest share, in milliseconds. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6

/** Waits until so many hosts have come to a directory of the guest. */
export async function meet(path: string, host: string, hosts: number): Promise<void> {
  mkdirSync(path, { recursive: true })
  writeFileSync(`${path}/${host}`, '')
  for (const endMs = now() + MEETING_MS; readdirSync(path).length < hosts; await setTimeout(10)) {
    if (now() > endMs) throw new Error('not all hosts came')
  }
}
