import type { ObjectInfo } from '../../../index.js'
import { partsOf } from '../key-parts.js'

const MINUTE_MS = 60 * 1000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** Where classes of sizes end: from the empty value on by powers of ten. */
const SIZE_ENDS = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, Infinity]

/** Where classes of ages end. Clocks of hosts differ a little: that is no future yet. */
const AGE_ENDS = [
  -MINUTE_MS,
  MINUTE_MS,
  HOUR_MS,
  DAY_MS,
  7 * DAY_MS,
  30 * DAY_MS,
  365 * DAY_MS,
  Infinity,
]

/** Some objects, and the bytes of their values. */
export interface Amount {
  objects: number
  bytes: number
}

/** What is smaller than `belowBytes` and in no class before; `Infinity` is null in JSON. */
export interface SizeClass extends Amount {
  readonly belowBytes: number
}

/** What is younger than `belowMs` and in no class before; what is below 0 has yet to come. */
export interface AgeClass extends Amount {
  readonly belowMs: number
}

/** What begins with `prefix`, a directory. */
export interface DirectoryAmount extends Amount {
  readonly prefix: string
}

/** How objects are counted. */
export interface UsageHow {
  /** Down to which depth directories are told apart. */
  readonly depth: number
  readonly separator: string
  readonly nowMs: number
}

/** How many objects there are, how large and how old. */
export class Usage {
  objects = 0
  bytes = 0
  largestBytes = 0
  readonly sizes: readonly SizeClass[]
  readonly ages: readonly AgeClass[]
  readonly #how: UsageHow
  readonly #directories = new Map<string, DirectoryAmount>()

  constructor(how: UsageHow) {
    this.#how = how
    this.sizes = SIZE_ENDS.map((belowBytes) => ({ belowBytes, objects: 0, bytes: 0 }))
    this.ages = AGE_ENDS.map((belowMs) => ({ belowMs, objects: 0, bytes: 0 }))
  }

  add({ key, sizeBytes, writtenAtMs }: ObjectInfo): void {
    const ageMs = this.#how.nowMs - writtenAtMs
    addTo(this, sizeBytes)
    addTo(
      this.sizes.find(({ belowBytes }) => sizeBytes < belowBytes),
      sizeBytes,
    )
    addTo(
      this.ages.find(({ belowMs }) => ageMs < belowMs),
      sizeBytes,
    )
    this.largestBytes = Math.max(this.largestBytes, sizeBytes)
    for (const prefix of this.#directoriesOf(key)) addTo(this.#directory(prefix), sizeBytes)
  }

  /** Those with the most bytes first. */
  get directories(): DirectoryAmount[] {
    return [...this.#directories.values()].sort((one, other) => other.bytes - one.bytes)
  }

  toJSON(): object {
    const { objects, bytes, largestBytes, sizes, ages } = this
    const directories = this.#how.depth > 0 ? this.directories : undefined
    return { objects, bytes, largestBytes, sizes, ages, directories }
  }

  *#directoriesOf(key: string): Generator<string> {
    const { depth, separator } = this.#how
    let [prefix, left] = ['', depth]
    for (const part of partsOf(key, separator)) {
      if (left === 0 || !part.endsWith(separator)) return
      prefix += part
      left -= 1
      yield prefix
    }
  }

  #directory(prefix: string): DirectoryAmount {
    const amount = this.#directories.get(prefix) ?? { prefix, objects: 0, bytes: 0 }
    this.#directories.set(prefix, amount)
    return amount
  }
}

function addTo(amount: Amount | undefined, sizeBytes: number): void {
  if (amount === undefined) return
  amount.objects += 1
  amount.bytes += sizeBytes
}
