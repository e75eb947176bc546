/**
 * How long does it take to write and to read a small value, one at a time and many at once?
 *
 * All subjects keep the same keys with values of the same size, in a directory each on the same
 * file system, and overwrite and read them in the same order. Those that promise the same are
 * measured one right after the other, in turns, round after round, so that what else the machine
 * does meets all of them. Each value read is compared, and after each round of writing all values
 * are read back.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Options, Series, SmallValueResults } from './results.js'
import { SUBJECTS, type Entry, type Subject } from './subjects.js'

const VALUE_BYTES = 1024
const KEYS = 256
const WARM_UP_MS = 50
/** A round is cut into so many short turns of each subject. */
const TURNS = 10
const IN_FLIGHT = [1, 16]

/** A subject at work. */
interface Contestant {
  readonly entry: Entry
  readonly subject: Subject
  /** What it must hold. */
  readonly values: Buffer[]
  writes: number
}

/** One measurement that is made in each round. */
interface Case {
  readonly operation: 'set' | 'get'
  readonly inFlight: number
  readonly contestant: Contestant
  readonly series: Series
}

interface Time {
  calls: number
  elapsedMs: number
}

/** Measures; says before each round which it is. */
export async function measureSmallValues(
  scratch: string,
  { rounds, roundMs }: Options,
  onRound: (round: number) => void,
): Promise<SmallValueResults> {
  const contestants: Contestant[] = []
  try {
    for (const [index, entry] of SUBJECTS.entries()) {
      contestants.push(await prepare(entry, join(scratch, String(index))))
    }
    const groups = groupsOf(contestants)
    for (const each of groups.flat()) await measure(each, WARM_UP_MS)
    for (let round = 0; round < rounds; round += 1) {
      onRound(round)
      for (const group of groups) await measureGroup(group, roundMs)
    }
    const series = groups.flat().map(({ series }) => series)
    return { valueBytes: VALUE_BYTES, keys: KEYS, series }
  } finally {
    for (const { subject } of contestants) await subject.close()
  }
}

async function prepare(entry: Entry, directory: string): Promise<Contestant> {
  await mkdir(directory)
  const subject = await entry.open(directory)
  const contestant: Contestant = { entry, subject, values: [], writes: 0 }
  for (let index = 0; index < KEYS; index += 1) await write(contestant, index)
  return contestant
}

/** What is compared with each other, the one that the others are held to at the head. */
function groupsOf(contestants: readonly Contestant[]): Case[][] {
  const promises = new Set(contestants.map(({ entry }) => entry.promised))
  const groups: Case[][] = []
  for (const inFlight of IN_FLIGHT) {
    const able = contestants.filter(({ entry }) => entry.inFlight.includes(inFlight))
    for (const promised of promises) {
      if (promised === undefined) continue
      const writers = able.filter(({ entry }) => entry.promised === promised)
      groups.push(groupOf('set', inFlight, promised, writers))
    }
    const readers = able.filter(({ entry }) => entry.reads)
    groups.push(groupOf('get', inFlight, '', readers))
  }
  return groups
}

function groupOf(
  operation: Case['operation'],
  inFlight: number,
  promised: string,
  contestants: readonly Contestant[],
): Case[] {
  const comparedWith = contestants[0]?.entry.name ?? ''
  return contestants.map((contestant) => {
    const { name } = contestant.entry
    const facts = { operation, inFlight, promised, subject: name, comparedWith }
    return { operation, inFlight, contestant, series: { ...facts, microseconds: [], ratios: [] } }
  })
}

async function measureGroup(group: readonly Case[], roundMs: number): Promise<void> {
  const times = group.map(() => ({ calls: 0, elapsedMs: 0 }))
  for (let turn = 0; turn < TURNS; turn += 1) {
    for (let place = 0; place < group.length; place += 1) {
      // Nobody always follows the same one.
      const index = (turn + place) % group.length
      const time = await measure(group[index] as Case, roundMs / TURNS)
      const sum = times[index] as Time
      sum.calls += time.calls
      sum.elapsedMs += time.elapsedMs
    }
  }
  const microseconds = times.map(({ calls, elapsedMs }) => (elapsedMs * 1000) / calls)
  for (const [index, { operation, contestant, series }] of group.entries()) {
    const own = microseconds[index] ?? NaN
    series.microseconds.push(own)
    series.ratios.push(own / (microseconds[0] ?? NaN))
    if (operation === 'set') await check(contestant)
  }
}

/** Keeps so many calls under way for so long. */
async function measure(each: Case, durationMs: number): Promise<Time> {
  const { operation, inFlight, contestant } = each
  const call = operation === 'set' ? write : read
  const startMs = performance.now()
  let calls = 0
  const lane = async (first: number): Promise<void> => {
    // Lanes never meet at a key.
    for (let index = first; performance.now() - startMs < durationMs; index += inFlight) {
      await call(contestant, index % KEYS)
      calls += 1
    }
  }
  await Promise.all(Array.from({ length: inFlight }, (_, first) => lane(first)))
  return { calls, elapsedMs: performance.now() - startMs }
}

async function write(contestant: Contestant, index: number): Promise<void> {
  contestant.writes += 1
  const value = Buffer.alloc(VALUE_BYTES, `${index} ${contestant.writes} `)
  await contestant.subject.set(keyOf(index), value)
  contestant.values[index] = value
}

async function read({ subject, values, entry }: Contestant, index: number): Promise<void> {
  const value = await subject.get(keyOf(index))
  const expected = values[index]
  if (expected === undefined || value?.equals(expected) !== true) {
    throw new Error(`${entry.name} returned another value than was stored under ${keyOf(index)}`)
  }
}

async function check(contestant: Contestant): Promise<void> {
  for (let index = 0; index < KEYS; index += 1) await read(contestant, index)
}

function keyOf(index: number): string {
  return `key-${index}`
}
