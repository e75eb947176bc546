/**
 * The demo: several processes on one directory, doing everything at once to the same keys, with
 * real files as values; then a verdict on what they saw and on what they left.
 */
import pc from 'picocolors'
import { dir } from 'tmp-promise'
import { Interruption } from './demo/interruption.js'
import { perform } from './demo/run.js'
import { Screen } from './demo/screen.js'
import { judge } from './demo/verdict.js'
import { writeStderr } from './stderr.js'

/** How the demo is run. */
export interface DemoOptions {
  /** How long; default 8. */
  readonly seconds?: number | undefined
  /** How many worker processes; default 4. */
  readonly processes?: number | undefined
  /** Leave the directory of the store behind; default false. */
  readonly keep?: boolean | undefined
}

const MAX_SECONDS = 3600
const MAX_PROCESSES = 64
const STATUS_WRONG = 3

/**
 * Runs the demo.
 *
 * @returns the exit status: 0 if the verdict is good, 3 if not, 128 + n when signal n ended it
 */
export async function runDemo(options: DemoOptions = {}): Promise<number> {
  const { seconds = 8, processes = 4, keep = false } = options
  checkRange('seconds', seconds, 1, MAX_SECONDS)
  if (!Number.isInteger(processes)) throw new RangeError('processes must be a whole number')
  checkRange('processes', processes, 1, MAX_PROCESSES)
  using interruption = new Interruption()
  const { signal } = interruption
  const scratch = await dir({ prefix: 'linkstore-demo', unsafeCleanup: true })
  const screen = new Screen(process.stderr)
  try {
    const script = { scratch: scratch.path, totalMs: seconds * 1000, processes, signal }
    const { isGood, lines } = judge(await perform(script, screen), pc)
    print([...lines, ...nextSteps(), ...(keep ? [`  The store is in ${scratch.path}/store`] : [])])
    return isGood ? 0 : STATUS_WRONG
  } catch (error) {
    if (!signal.aborted) throw error
    writeStderr(`\nlinkstore: ${interruption.message}\n`)
    return interruption.status
  } finally {
    screen.close()
    if (!keep) await scratch.cleanup()
  }
}

function checkRange(name: string, value: number, least: number, most: number): void {
  if (value >= least && value <= most) return
  throw new RangeError(`${name} must be between ${least} and ${most}, not ${value}`)
}

function nextSteps(): string[] {
  return [
    '  What to try next:  npx linkstore --help',
    '                     npx linkstore -d things set greeting "Hello, world"',
  ]
}

function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`)
}
