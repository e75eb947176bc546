/** Names of one kind. */
export interface Tally {
  /** How many. */
  readonly count: number
  /** What they take on the disk; nothing for second names of files that stay. */
  readonly bytes: number
}

/** What a sweep removed, or with `dryRun` would remove. */
export interface SweepReport {
  /** Private names, and their directories, of stores that have been silent for the grace. */
  readonly abandoned: Tally
  /** Objects that had been expired for the grace. */
  readonly expired: Tally
  /** Objects beyond the limits, those that were written longest ago. */
  readonly evicted: Tally
  /** Live objects that a crash had left aside: they have their place again. */
  readonly restored: Tally
  /** What this user may not remove. */
  readonly denied: Tally
}

/** Adds up what is swept. */
export class SweepSum implements SweepReport {
  readonly abandoned = { count: 0, bytes: 0 }
  readonly expired = { count: 0, bytes: 0 }
  readonly evicted = { count: 0, bytes: 0 }
  readonly restored = { count: 0, bytes: 0 }
  readonly denied = { count: 0, bytes: 0 }

  add(kind: keyof SweepReport, bytes: number): void {
    this[kind].count += 1
    this[kind].bytes += bytes
  }

  /** The same as a plain object, for callers. */
  toReport(): SweepReport {
    const { abandoned, expired, evicted, restored, denied } = this
    return { abandoned, expired, evicted, restored, denied }
  }
}

/** What a store may hold; what was written longest ago goes first. */
export interface Limits {
  /** Bytes of all object files. */
  readonly maxBytes: number
  /** Objects. */
  readonly maxObjects: number
}

interface FileFacts {
  readonly size: number
  readonly mtimeMs: number
}

/** How far a store is beyond its limits, and which files go. */
export class Excess {
  #count: number
  #bytes: number
  /** The last moment of writing that may go. */
  readonly cutoffMs: number

  constructor(count: number, bytes: number, cutoffMs: number) {
    this.#count = count
    this.#bytes = bytes
    this.cutoffMs = cutoffMs
  }

  /** Whether this file goes; it is counted as gone then. */
  take(file: FileFacts): boolean {
    if (file.mtimeMs > this.cutoffMs || (this.#count <= 0 && this.#bytes <= 0)) return false
    this.#count -= 1
    this.#bytes -= file.size
    return true
  }
}

/** Sizes and times of all files of a store: 16 bytes for each. */
export class Inventory {
  #sizes = new Float64Array(1024)
  #times = new Float64Array(1024)
  #count = 0
  #bytes = 0

  add({ size, mtimeMs }: FileFacts): void {
    if (this.#count === this.#sizes.length) {
      this.#sizes = grown(this.#sizes)
      this.#times = grown(this.#times)
    }
    this.#sizes[this.#count] = size
    this.#times[this.#count] = mtimeMs
    this.#count += 1
    this.#bytes += size
  }

  /** What is too much; undefined when all is within the limits. */
  beyond({ maxBytes, maxObjects }: Limits): Excess | undefined {
    const count = this.#count - maxObjects
    const bytes = this.#bytes - maxBytes
    if (count <= 0 && bytes <= 0) return undefined
    const [sizes, times] = [this.#sizes, this.#times]
    const order = Uint32Array.from({ length: this.#count }, (_, index) => index)
    order.sort((one, other) => (times[one] ?? 0) - (times[other] ?? 0))
    let [leftCount, leftBytes, cutoffMs] = [count, bytes, 0]
    for (const index of order) {
      if (leftCount <= 0 && leftBytes <= 0) break
      leftCount -= 1
      leftBytes -= sizes[index] ?? 0
      cutoffMs = times[index] ?? 0
    }
    return new Excess(count, bytes, cutoffMs)
  }
}

function grown(values: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(values.length * 2)
  larger.set(values)
  return larger
}
