/**
 * What a disk may hold after a power cut, from a log that dm-log-writes has kept of it.
 *
 * The log has each write, in 512-byte sectors, where it was on the disk for certain: one with FUA
 * where it was done, any other just before the first flush that covers it. So between two flushes
 * a power cut leaves everything up to the first one, the writes with FUA, and of the others any
 * part, since a disk may write its cache in any order.
 */
import { randomInt } from 'node:crypto'
import { closeSync, openSync, readSync, writeSync } from 'node:fs'

const MAGIC = 0x6a736677736872n
const SECTOR_SIZE_BYTES = 512
/** What a disk writes whole or not at all. */
const ATOMIC_SIZE_BYTES = 4096
const FLUSH = 1
const FUA = 2
const DISCARD = 4
const MARK = 8

/** One entry of a log. */
interface Entry {
  readonly flags: number
  /** Where on the disk its data belongs. */
  readonly diskPosition: number
  readonly logPosition: number
  readonly sizeBytes: number
  readonly mark: string | undefined
}

/** A moment at which the power might have been cut. */
export interface Cut {
  /** Entries before this one are wholly on the disk. */
  readonly flushed: number
  /** Entries from here on are not on it. */
  readonly end: number
  /** How much of what lies between, and was not written with FUA, is on it: 0 to 1. */
  readonly share: number
  /** The marks that were set before the cut. */
  readonly marks: ReadonlySet<string>
}

/** A log of dm-log-writes, opened. */
export class WriteLog {
  readonly #descriptor: number
  readonly #entries: readonly Entry[]

  constructor(path: string) {
    this.#descriptor = openSync(path, 'r')
    this.#entries = readEntries(this.#descriptor)
  }

  /** How many writes and flushes there are. */
  get size(): { readonly writes: number; readonly flushes: number } {
    const writes = this.#entries.filter(({ sizeBytes, flags }) => sizeBytes > 0 && !(flags & MARK))
    const flushes = this.#entries.filter(({ flags }) => flags & FLUSH)
    return { writes: writes.length, flushes: flushes.length }
  }

  /**
   * A moment after a mark and before another: just after some mark, when nothing that was not
   * flushed is on the disk.
   */
  cutInOrder(after: string, before: string): Cut {
    const place = this.#choose(MARK, this.#markedAt(after), this.#markedAt(before))
    return this.#cutAt(place + 1, 0)
  }

  /** A moment after a mark, at the end of a flush: a random part of what it flushes is there. */
  cutReordered(after: string): Cut {
    const place = this.#choose(FLUSH, this.#markedAt(after), this.#entries.length)
    return this.#cutAt(place, Math.random())
  }

  /** Writes to an image, which is as it was when the log began, what a cut has left. */
  replay(cut: Cut, imagePath: string): void {
    const image = openSync(imagePath, 'r+')
    this.#entries.slice(0, cut.end).forEach((entry, i) => {
      if (entry.sizeBytes === 0 || entry.flags & (MARK | DISCARD)) return
      const data = readExactly(this.#descriptor, entry.logPosition, entry.sizeBytes)
      const isCertain = i < cut.flushed || entry.flags & FUA
      const step = isCertain ? data.length : ATOMIC_SIZE_BYTES
      for (let start = 0; start < data.length; start += step) {
        if (!isCertain && Math.random() >= cut.share) continue
        const piece = data.subarray(start, start + step)
        writeSync(image, piece, 0, piece.length, entry.diskPosition + start)
      }
    })
    closeSync(image)
  }

  close(): void {
    closeSync(this.#descriptor)
  }

  #markedAt(text: string): number {
    const place = this.#entries.findIndex(({ mark }) => mark === text)
    if (place === -1) throw new Error(`the log has no mark ${text}`)
    return place
  }

  /** A random entry of a kind. */
  #choose(kind: number, after: number, before: number): number {
    const places = [...this.#entries.keys()].slice(after + 1, before)
    const fitting = places.filter((place) => this.#entries[place]!.flags & kind)
    return fitting[randomInt(fitting.length)]!
  }

  #cutAt(end: number, share: number): Cut {
    const entries = this.#entries.slice(0, end)
    const flushed = entries.findLastIndex(({ flags }) => flags & FLUSH) + 1
    return { flushed, end, share, marks: new Set(entries.flatMap(({ mark }) => mark ?? [])) }
  }
}

function readEntries(descriptor: number): Entry[] {
  const head = readExactly(descriptor, 0, SECTOR_SIZE_BYTES)
  if (head.readBigUInt64LE(0) !== MAGIC) throw new Error('this is no log of dm-log-writes')
  if (head.readUInt32LE(24) !== SECTOR_SIZE_BYTES) throw new Error('the log has odd sectors')
  const entries: Entry[] = []
  let position = SECTOR_SIZE_BYTES
  for (let left = Number(head.readBigUInt64LE(16)); left > 0; left -= 1) {
    const sector = readExactly(descriptor, position, SECTOR_SIZE_BYTES)
    const [diskSector = 0, sectors = 0, flags = 0, textLength = 0] = [0, 8, 16, 24].map((offset) =>
      Number(sector.readBigUInt64LE(offset)),
    )
    const mark = flags & MARK ? sector.toString('utf8', 32, 32 + textLength) : undefined
    const sizeBytes = flags & (MARK | DISCARD) ? 0 : sectors * SECTOR_SIZE_BYTES
    const logPosition = position + SECTOR_SIZE_BYTES
    const diskPosition = diskSector * SECTOR_SIZE_BYTES
    entries.push({ flags, diskPosition, logPosition, sizeBytes, mark })
    position = logPosition + sizeBytes
  }
  return entries
}

function readExactly(descriptor: number, position: number, sizeBytes: number): Buffer {
  const data = Buffer.alloc(sizeBytes)
  if (readSync(descriptor, data, 0, sizeBytes, position) !== sizeBytes) {
    throw new Error('the log is cut short')
  }
  return data
}
