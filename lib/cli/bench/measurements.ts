import { randomBytes } from 'node:crypto'
import { statfs } from 'node:fs/promises'
import fs from 'fs-extra'
import type { Durability, Store } from '../../../index.js'
import { timeRound, type Figures } from './rounds.js'

/** What is measured, in the order in which it is. */
export const MEASUREMENTS = [
  'floor',
  'setOne',
  'setMany',
  'setOneUnflushed',
  'setManyUnflushed',
  'getOne',
  'getMany',
  'addAndDelete',
  'cell',
  'queue',
  'list',
  'writeLarge',
  'readLarge',
] as const

export type MeasurementId = (typeof MEASUREMENTS)[number]
/** Rates of `list` are keys, those of large values bytes per second. */
export type Measurements = Readonly<Record<MeasurementId, Figures>>

/** Where and how long is measured. */
export interface Place {
  readonly store: Store
  /** A directory beside the store, on the same file system. */
  readonly scratch: string
  /** For one measurement. */
  readonly durationMs: number
  readonly signal: AbortSignal
  /** Called before each. */
  onBegin(id: MeasurementId): void
}

const SMALL = randomBytes(1024)
const KEYS = 500
const MANY = 64
const PIECE_BYTES = 1024 * 1024
/** Larger tells no more, and may not fit. */
const MAX_LARGE_BYTES = 1024 ** 3
const FREE_SHARE = 0.05

type Measure = (place: Place) => Promise<Figures>

const MEASURES: Readonly<Record<MeasurementId, Measure>> = {
  floor: (place) => timeRound((i) => replaceFile(place.scratch, i), { ...place, inFlight: 1 }),
  setOne: (place) => set(place, 1, 'full'),
  setMany: (place) => set(place, MANY, 'full'),
  setOneUnflushed: (place) => set(place, 1, 'none'),
  setManyUnflushed: (place) => set(place, MANY, 'none'),
  getOne: (place) => get(place, 1),
  getMany: (place) => get(place, MANY),
  addAndDelete: ({ store, ...place }) =>
    timeRound(
      async (i) => {
        const { signal } = place
        await store.add(`add:${i}`, SMALL, { signal })
        await store.delete(`add:${i}`, { signal })
      },
      { ...place, inFlight: 1 },
    ),
  cell: ({ store, ...place }) => {
    const cell = store.cell('bench')
    const { signal } = place
    return timeRound((i) => cell.update(() => String(i), { signal }), { ...place, inFlight: 1 })
  },
  queue: measureQueue,
  list: measureList,
  writeLarge: measureWrite,
  readLarge: measureRead,
}

/** Measures everything, one after the other. */
export async function measureAll(place: Place): Promise<Measurements> {
  await fill(place)
  const found: Partial<Record<MeasurementId, Figures>> = {}
  for (const id of MEASUREMENTS) {
    place.signal.throwIfAborted()
    place.onBegin(id)
    found[id] = await MEASURES[id](place)
  }
  return found as Measurements
}

/** Enough values that reading is not always of the same one. */
async function fill({ store, signal }: Place): Promise<void> {
  const keys = Array.from({ length: KEYS }, (_, i) => keyOf(i))
  const batches = Array.from({ length: Math.ceil(KEYS / MANY) }, (_, i) =>
    keys.slice(i * MANY, (i + 1) * MANY),
  )
  for (const batch of batches) {
    await Promise.all(batch.map((key) => store.set(key, SMALL, { durability: 'none', signal })))
  }
}

function keyOf(index: number): string {
  return `small:${index % KEYS}`
}

/** What any program has to do so that a small file is replaced for good. */
async function replaceFile(directory: string, index: number): Promise<void> {
  const fd = await fs.open(`${directory}/new`, 'w', 0o600)
  try {
    await fs.write(fd, SMALL, 0, SMALL.length, 0)
    await fs.fsync(fd)
  } finally {
    await fs.close(fd)
  }
  await fs.rename(`${directory}/new`, `${directory}/${keyOf(index)}`)
  const parent = await fs.open(directory, 'r')
  try {
    await fs.fsync(parent)
  } finally {
    await fs.close(parent)
  }
}

function set({ store, ...how }: Place, inFlight: number, durability: Durability): Promise<Figures> {
  const { signal } = how
  return timeRound((i) => store.set(keyOf(i), SMALL, { durability, signal }), { ...how, inFlight })
}

function get({ store, ...how }: Place, inFlight: number): Promise<Figures> {
  const { signal } = how
  return timeRound((i) => store.get(keyOf(i), { signal }), { ...how, inFlight })
}

/** A job is pushed, claimed and done. */
async function measureQueue({ store, ...how }: Place): Promise<Figures> {
  const { signal } = how
  const queue = store.queue('bench')
  // Without a consumer that waits for the first job there would be none to take it at once.
  await queue.push(SMALL, { signal })
  const jobs = queue.consume({ signal })
  try {
    return await timeRound(
      async () => {
        await queue.push(SMALL, { signal })
        const { value } = await jobs.next()
        await value?.ack()
      },
      { ...how, inFlight: 1 },
    )
  } finally {
    await jobs.return()
  }
}

/** Whole listings, told in keys. */
async function measureList({ store, ...how }: Place): Promise<Figures> {
  let keys = 0
  const listing = async (): Promise<void> => {
    for await (const _ of store.list({ signal: how.signal })) keys += 1
  }
  const figures = await timeRound(listing, { ...how, inFlight: 1 })
  return { ...figures, perSecond: (figures.perSecond * keys) / figures.calls }
}

/** One value, written for as long as one measurement lasts. */
async function measureWrite({ store, scratch, durationMs, signal }: Place): Promise<Figures> {
  const { bavail, bsize } = await statfs(scratch)
  const maxBytes = Math.min(MAX_LARGE_BYTES, Math.max(PIECE_BYTES, bavail * bsize * FREE_SHARE))
  const piece = randomBytes(PIECE_BYTES)
  const startedAtMs = performance.now()
  const pieces = function* (): Generator<Buffer> {
    for (let bytes = 0; bytes < maxBytes; bytes += PIECE_BYTES) {
      yield piece
      if (performance.now() - startedAtMs >= durationMs) return
    }
  }
  const { sizeBytes } = await store.set('large', pieces(), { signal })
  return throughput(sizeBytes, performance.now() - startedAtMs)
}

/** The same value, read until its end or until the time is over. */
async function measureRead({ store, durationMs, signal }: Place): Promise<Figures> {
  const startedAtMs = performance.now()
  let bytes = 0
  await using object = await store.read('large', { signal })
  const pieces = object?.stream() ?? []
  for await (const piece of pieces as AsyncIterable<Buffer>) {
    bytes += piece.length
    if (signal.aborted || performance.now() - startedAtMs >= durationMs) break
  }
  signal.throwIfAborted()
  return throughput(bytes, performance.now() - startedAtMs)
}

function throughput(bytes: number, tookMs: number): Figures {
  return { perSecond: bytes / (tookMs / 1000), p50Ms: tookMs, p99Ms: tookMs, calls: 1 }
}
