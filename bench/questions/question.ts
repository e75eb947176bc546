import type { ChartHow } from '../report/chart-how.js'
import type { Answer, Options } from '../results.js'

/** A directory of its own on one file system. */
export interface Scratch {
  readonly fileSystem: string
  readonly path: string
}

/** What is asked, and how it is found out. */
export interface Question {
  readonly name: string
  /** The heading, a question. */
  readonly asks: string
  /** Markdown: what is done, and how. */
  readonly explains: string
  readonly chart: ChartHow
  /** Why a peer is faster where it is, by name of the subject. */
  readonly whyOthersWin: Readonly<Record<string, string>>
  measure(
    scratches: readonly Scratch[],
    options: Options,
    announce: (what: string) => void,
  ): Promise<Answer>
}
