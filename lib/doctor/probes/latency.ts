import { constants } from 'node:fs'
import { link, open, readFile, rename, unlink, writeFile } from 'node:fs/promises'
import { TIMED_CALLS, type Latency } from '../facts.js'
import type { Scratch } from './scratch.js'

const MAX_ROUNDS = 15
const MIN_ROUNDS = 1
const VALUE = Buffer.alloc(1024, 'linkstore ')

type Call = (typeof TIMED_CALLS)[number]

/** Times each basic call some times, as a Node program sees it; gives the medians. */
export async function latencyOf(
  scratch: Scratch,
  timeMs: number,
  signal: AbortSignal,
): Promise<Latency> {
  const times = new Map<Call, number[]>(TIMED_CALLS.map((call) => [call, []]))
  const timed = async (call: Call, work: () => Promise<unknown>): Promise<void> => {
    signal.throwIfAborted()
    const startMs = performance.now()
    await work()
    times.get(call)?.push(performance.now() - startMs)
  }
  const endMs = performance.now() + timeMs
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    if (round >= MIN_ROUNDS && performance.now() > endMs) break
    await timeRound(scratch, String(round), timed)
  }
  const entries = TIMED_CALLS.map((call) => [call, median(times.get(call) ?? [])] as const)
  return Object.fromEntries(entries) as unknown as Latency
}

async function timeRound(
  scratch: Scratch,
  round: string,
  timed: (call: Call, work: () => Promise<unknown>) => Promise<void>,
): Promise<void> {
  const staged = scratch.near(`timed-${round}`)
  const published = scratch.far(`timed-${round}`)
  const pinned = scratch.near(`pinned-${round}`)
  await timed('write', () => writeFile(staged, VALUE))
  await using handle = await open(staged, 'r+')
  await handle.write(VALUE, 0, VALUE.length, 0)
  await timed('flush', () => handle.sync())
  await timed('rename', () => rename(staged, published))
  await timed('link', () => link(published, pinned))
  await timed('read', () => readFile(published))
  await timed('unlink', () => unlink(pinned))
  await timed('openDirectory', () => touchDirectory(scratch.farPath))
}

/** What revalidates the names in a directory. */
async function touchDirectory(path: string): Promise<void> {
  await (await open(path, constants.O_RDONLY | constants.O_DIRECTORY)).close()
}

function median(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b)
  const value = sorted[Math.floor(sorted.length / 2)] ?? 0
  return Math.round(value * 1000) / 1000
}
