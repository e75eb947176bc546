/** What is made of results. */
import { QUESTIONS } from '../questions/index.js'
import type { Results } from '../results.js'
import { writePageOf } from './page.js'

export { compare } from './compare.js'
export { tablesOf } from './tables.js'

/** Writes docs/benchmarks.md, and a chart of each question beside it. */
export async function writePage(results: Results, docsDirectory: string): Promise<void> {
  await writePageOf(results, docsDirectory, QUESTIONS)
}
