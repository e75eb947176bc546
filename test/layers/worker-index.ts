/**
 * Goes through all orders of all scenarios of indexes, and says how many there were, or what was
 * wrong. A process of its own, since the test runner watches each promise, which takes ten times
 * as long.
 *
 *     worker-index
 */
import { EXPLORATIONS } from './index-scenarios.js'

const results: Record<string, { count: number } | { failure: string }> = {}
for (const [title, explore] of EXPLORATIONS) {
  try {
    results[title] = { count: await explore() }
  } catch (error) {
    results[title] = { failure: String(error) }
  }
}
process.stdout.write(`${JSON.stringify(results)}\n`)
