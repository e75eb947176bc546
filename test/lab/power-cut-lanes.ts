/**
 * What is done to a store while it is cut off: every verb at once, each in a lane of its own, one
 * operation after the other. Each key belongs to one lane, so what may be found in it after the
 * cut follows from that lane alone.
 */
import { once } from 'node:events'
import type { Store } from '../../index.js'
import { valueOf } from './power-cut-values.js'

/** The verbs of which each is under way at any moment. */
export const VERBS = ['set', 'add', 'copy', 'delete', 'stream'] as const
/** One of them. */
export type Verb = (typeof VERBS)[number]

/** Told before each change and after its acknowledgement. */
export interface Witness {
  /**
   * @param becomes - the stamp that the key is about to get; null where it is removed
   * @returns a number for the change
   */
  began(verb: Verb, key: string, becomes: string | null): number
  acknowledged(index: number): Promise<void> | void
}

const LANES_PER_VERB = 2
const KEYS_PER_LANE = 5
const SOURCES = 4
const SMALL_SIZES_BYTES = [0, 11, 700, 4096, 9000, 40_000]
const STREAM_SIZES_BYTES = [5, 65_536, 150_000]
const CHUNK_SIZE_BYTES = 20_000

/** One change: what a lane does next. */
interface Step {
  readonly verb: Verb
  readonly key: string
  readonly becomes: string | null
  readonly run: () => Promise<unknown>
}

/** Stores what the lanes copy from; it is on the disk before they begin. */
export async function prepareSources(store: Store): Promise<void> {
  for (let i = 0; i < SOURCES; i += 1) {
    const value = valueOf(`source-${i}`, sizeOf(i))
    await store.set(`source-${i}`, value, { durability: 'full' })
  }
}

/** How lanes are run. */
export interface LaneOptions {
  /** No two calls have the same: it makes keys and values unique. */
  readonly round: number
  /** One operation at a time, so that nothing but its own flushes can save it. */
  readonly isSerial: boolean
  /** When no lane shall begin anew; each has been through once by then. */
  readonly isOver: () => boolean
}

/** Runs all lanes. */
export async function runLanes(
  store: Store,
  witness: Witness,
  { round, isSerial, isOver }: LaneOptions,
): Promise<void> {
  const lanes = VERBS.flatMap((verb) =>
    Array.from({ length: LANES_PER_VERB }, (_, lane) => ({ verb, lane, round })),
  )
  const runOnce = async (lane: Lane, turn: number): Promise<void> => {
    for (const step of stepsOf(store, lane, turn)) await runStep(step, witness)
  }
  if (isSerial) {
    for (let turn = 0; turn === 0 || !isOver(); turn += 1) {
      for (const lane of lanes) await runOnce(lane, turn)
    }
    return
  }
  const runLane = async (lane: Lane): Promise<void> => {
    for (let turn = 0; turn === 0 || !isOver(); turn += 1) await runOnce(lane, turn)
  }
  await Promise.all(lanes.map(runLane))
}

interface Lane {
  readonly verb: Verb
  readonly lane: number
  readonly round: number
}

async function runStep({ verb, key, becomes, run }: Step, witness: Witness): Promise<void> {
  const index = witness.began(verb, key, becomes)
  if ((await run()) === false) throw new Error(`${verb} of ${key} says that nothing was done`)
  await witness.acknowledged(index)
}

function stepsOf(store: Store, { verb, lane, round }: Lane, turn: number): Step[] {
  const count = round * 1_000_000 + turn
  const key = `${verb}-${lane}-${verb === 'add' ? count : turn % KEYS_PER_LANE}`
  const stamp = `${key}@${count}`
  const small = valueOf(stamp, sizeOf(turn + lane))
  switch (verb) {
    case 'set':
      return [{ verb, key, becomes: stamp, run: () => store.set(key, small) }]
    case 'add':
      return [{ verb, key, becomes: stamp, run: () => store.add(key, small) }]
    case 'copy': {
      const source = `source-${turn % SOURCES}`
      return [{ verb, key, becomes: source, run: () => store.copy(source, key) }]
    }
    case 'delete':
      return [
        { verb: 'set', key, becomes: stamp, run: () => store.set(key, small) },
        { verb, key, becomes: null, run: () => store.delete(key) },
      ]
    case 'stream': {
      const value = valueOf(stamp, STREAM_SIZES_BYTES[turn % STREAM_SIZES_BYTES.length]!)
      return [{ verb, key, becomes: stamp, run: () => stream(store, key, value) }]
    }
  }
}

async function stream(store: Store, key: string, value: Buffer): Promise<void> {
  const target = store.createWriteStream(key)
  const finished = once(target, 'finish')
  for (let start = 0; start < value.length; start += CHUNK_SIZE_BYTES) {
    target.write(value.subarray(start, start + CHUNK_SIZE_BYTES))
  }
  target.end()
  await finished
}

function sizeOf(turn: number): number {
  return SMALL_SIZES_BYTES[turn % SMALL_SIZES_BYTES.length]!
}
