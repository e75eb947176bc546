/** What is written down, so that it can be read again later and elsewhere. */

/** How much is measured. */
export interface Options {
  readonly rounds: number
  /** Whether it is to take minutes, and need not say much. */
  readonly isShort: boolean
  /** How many objects a store that grows has in the end. */
  readonly objects?: number
}

/** What tells a group from the others of its question. */
export interface Facts {
  /** Empty where it does not matter. */
  readonly fileSystem: string
  readonly operation: string
  /** What a write promises. */
  readonly promised?: string
  readonly valueBytes?: number
  readonly inFlight?: number
  readonly objects?: number
  readonly processes?: number
}

/** One subject, round by round. */
export interface Series {
  readonly subject: string
  /** In the unit of the group; less is better. */
  readonly figures: readonly number[]
  /** Of its figure to that of `comparedWith` in the same round: above 1 it is the slower. */
  readonly ratios: readonly number[]
}

/** Subjects that were measured against each other, in one interleaved run. */
export interface Group {
  readonly facts: Facts
  readonly unit: 'µs per call' | 'ms' | 'MiB' | 'KiB of code'
  /** The subject that the ratios are to. */
  readonly comparedWith: string
  readonly series: readonly Series[]
}

/** What was found to a question. */
export interface Answer {
  readonly question: string
  readonly groups: readonly Group[]
  /** Who could not take part, and why. */
  readonly missing: readonly string[]
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
}

/** The file that is written. */
export interface Results {
  readonly measuredOn: string
  readonly machine: Machine
  /** Undefined: it is not installed here. */
  readonly versions: Readonly<Record<string, string | undefined>>
  readonly options: Options
  readonly answers: readonly Answer[]
  readonly readModifyWrite?: CountingResults
}

/**
 * Results in which some of the questions were answered again, or for the first time.
 *
 * @throws RangeError where that was on another machine, with other versions or in another way
 */
export function answeredAgain(earlier: Results, later: Results): Results {
  const differing = (['machine', 'versions', 'options'] as const).find(
    // As text: what is undefined is not written.
    (name) => JSON.stringify(earlier[name]) !== JSON.stringify(later[name]),
  )
  if (differing !== undefined) {
    throw new RangeError(`the results differ in ${differing}, so they do not belong together`)
  }
  const answers = earlier.answers.map(
    (answer) => later.answers.find(({ question }) => question === answer.question) ?? answer,
  )
  const known = new Set(answers.map(({ question }) => question))
  const added = later.answers.filter(({ question }) => !known.has(question))
  return { ...earlier, ...later, answers: [...answers, ...added] }
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
