import pc from 'picocolors'
import { isDrawable, LiveScreen, type Output } from '../live-screen.js'
import { frameOf, headOf, WIDTH } from './frame.js'
import { addTallies, operationsOf } from './messages.js'
import { count, seconds, type View } from './view.js'

const PLAIN_LINE_EVERY_MS = 1000

/** Shows a view as it changes: in place on a terminal, else as a line per second. */
export class Screen {
  readonly #output: Output
  readonly #live: LiveScreen | undefined
  #shownLines = 0
  #nextPlainLineMs = 0

  constructor(output: Output) {
    this.#output = output
    this.#live = isDrawable(output, WIDTH) ? new LiveScreen(output, 'last') : undefined
  }

  show(view: View): void {
    if (this.#live === undefined) this.#print(view)
    else this.#live.draw(frameOf(view, pc))
  }

  /** Leaves the last view where it is and gives the terminal back. */
  close(): void {
    this.#live?.close()
  }

  #print(view: View): void {
    if (view.phase === 'checked') return
    if (this.#shownLines === 0) this.#printLines(headOf(view, pc.createColors(false)))
    const { phase, elapsedMs } = view
    if (phase === 'checking') this.#printLines(['  reading everything again'])
    else if (elapsedMs >= this.#nextPlainLineMs) {
      this.#nextPlainLineMs = elapsedMs + PLAIN_LINE_EVERY_MS
      this.#printLines([plainLine(view)])
    }
  }

  #printLines(lines: readonly string[]): void {
    this.#output.write(lines.map((line) => `${line}\n`).join(''))
    this.#shownLines += lines.length
  }
}

function plainLine({ elapsedMs, members }: View): string {
  const all = addTallies(members.map(({ tally }) => tally))
  const rate = members.reduce((sum, member) => sum + member.rate, 0)
  const done = `${seconds(elapsedMs)} s  ${count(operationsOf(all))} operations`
  const checks = `torn ${all.torn}, lost ${all.lost}, false misses ${all.falseMisses}`
  return `  ${done}, ${count(rate)} per second; ${checks}`
}
