/** What is written down, so that it can be read again later and elsewhere. */

/** How much is measured. */
export interface Options {
  readonly rounds: number
  /** How long each subject is measured in each round. */
  readonly roundMs: number
}

/** One subject doing one thing, round by round. */
export interface Series {
  readonly operation: 'set' | 'get'
  readonly inFlight: number
  /** What a write promises; empty for reads. */
  readonly promised: string
  readonly subject: string
  /** The subject that the ratios are to. */
  readonly comparedWith: string
  /** Per call. */
  readonly microseconds: number[]
  /** Of its time to that of `comparedWith` in the same round: above 1 it is the slower. */
  readonly ratios: number[]
}

/** How long it takes to write and to read small values. */
export interface SmallValueResults {
  readonly valueBytes: number
  readonly keys: number
  readonly series: readonly Series[]
}

/** One subject that counts in a number of several processes, round by round. */
export interface CountingSeries {
  readonly processes: number
  /** What an increment promises. */
  readonly promised: string
  readonly subject: string
  /** The subject that the ratios are to. */
  readonly comparedWith: string
  /** Increments of all processes together. */
  readonly perSecond: number[]
  /** Of the time of an increment to that of `comparedWith`: above 1 it is the slower. */
  readonly ratios: number[]
  /** The shares of the process that did the least and of the one that did the most. */
  readonly least: number[]
  readonly most: number[]
  /** Acknowledged in all, */
  added: number
  /** missing in the end, */
  lost: number
  /** and not acknowledged. */
  readonly failures: string[]
}

/** How long it takes to change a value that several processes change. */
export interface CountingResults {
  readonly series: readonly CountingSeries[]
  /** Who could not take part, and why. */
  readonly missing: readonly string[]
}

/** What the results depend on, and nothing that tells whose machine it is. */
export interface Machine {
  readonly processor: string
  readonly cores: number
  readonly memoryGiB: number
  readonly system: string
  readonly fileSystem: string
}

/** The file that `--out` writes; of each question if it was asked. */
export interface Results {
  readonly measuredOn: string
  readonly machine: Machine
  /** Undefined: it is not installed here. */
  readonly versions: Readonly<Record<string, string | undefined>>
  readonly options: Options
  readonly smallValues?: SmallValueResults
  readonly readModifyWrite?: CountingResults
}

/** Where the middle of several numbers lies, and the middle half of them. */
export interface Spread {
  readonly median: number
  readonly lowerQuartile: number
  readonly upperQuartile: number
}

export function spreadOf(numbers: readonly number[]): Spread {
  const sorted = [...numbers].sort((one, other) => one - other)
  return {
    median: quantile(sorted, 0.5),
    lowerQuartile: quantile(sorted, 0.25),
    upperQuartile: quantile(sorted, 0.75),
  }
}

function quantile(sorted: readonly number[], fraction: number): number {
  const position = (sorted.length - 1) * fraction
  const below = sorted[Math.floor(position)] ?? NaN
  const above = sorted[Math.ceil(position)] ?? NaN
  return below + (above - below) * (position - Math.floor(position))
}
