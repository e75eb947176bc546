/** How much was done by some moment. */
export interface Amounts {
  /** Of the whole, from 0 to 1; undefined where nobody knows how much there is. */
  readonly fraction?: number | undefined
  /** Files, objects or whatever is counted. */
  readonly objects?: number | undefined
  readonly bytes?: number | undefined
}

/** How quickly work goes on. */
export interface Rates {
  readonly objectsPerSecond: number | undefined
  readonly bytesPerSecond: number | undefined
  /** How long it will take yet; undefined until there is enough to judge by. */
  readonly leftMs: number | undefined
}

/** What counts: long enough to be steady, short enough to follow a change. */
const WINDOW_MS = 15_000
/** Samples that are nearer to each other tell nothing more. */
const SAMPLE_MS = 250
/** Sooner than this, a guess would be off too far. */
const FIRST_GUESS_MS = 1000

interface Sample extends Amounts {
  readonly atMs: number
}

/** Judges by the last seconds how quickly work goes on, and so how long it will take yet. */
export class Pace {
  readonly #samples: Sample[] = []

  /** @param atMs - a clock that never goes back */
  add(atMs: number, amounts: Amounts): void {
    const last = this.#samples.at(-2)
    // The newest is always kept, in the place of one that is hardly older.
    if (last !== undefined && atMs - last.atMs < SAMPLE_MS) this.#samples.pop()
    this.#samples.push({ atMs, ...amounts })
    while (this.#samples.length > 2 && atMs - (this.#samples[1]?.atMs ?? atMs) > WINDOW_MS) {
      this.#samples.shift()
    }
  }

  rates(): Rates {
    const first = this.#samples[0]
    const last = this.#samples.at(-1)
    const elapsedMs = (last?.atMs ?? 0) - (first?.atMs ?? 0)
    if (first === undefined || last === undefined || elapsedMs < FIRST_GUESS_MS) {
      return { objectsPerSecond: undefined, bytesPerSecond: undefined, leftMs: undefined }
    }
    const perMs = (of: keyof Amounts): number | undefined => {
      const [from, to] = [first[of], last[of]]
      return from === undefined || to === undefined ? undefined : (to - from) / elapsedMs
    }
    const speed = perMs('fraction') ?? 0
    const left = 1 - (last.fraction ?? 1)
    return {
      objectsPerSecond: timesThousand(perMs('objects')),
      bytesPerSecond: timesThousand(perMs('bytes')),
      leftMs: speed > 0 ? Math.max(0, left) / speed : undefined,
    }
  }
}

function timesThousand(perMs: number | undefined): number | undefined {
  return perMs === undefined ? undefined : perMs * 1000
}
