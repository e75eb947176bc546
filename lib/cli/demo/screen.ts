import pc from 'picocolors'
import { frameOf, headOf, WIDTH } from './frame.js'
import { addTallies, operationsOf } from './messages.js'
import { count, seconds, type View } from './view.js'

const HIDE_CURSOR = '\u001b[?25l'
const SHOW_CURSOR = '\u001b[?25h'
const ERASE_REST_OF_LINE = '\u001b[K'
const DEFAULT_ROWS = 24
const PLAIN_LINE_EVERY_MS = 1000

/** What the screen needs of `process.stderr`. */
export interface Output {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
  write(text: string): unknown
}

/** Shows a view as it changes: in place on a terminal, else as a line per second. */
export class Screen {
  readonly #output: Output
  readonly #isLive: boolean
  #shownLines = 0
  #nextPlainLineMs = 0

  constructor(output: Output) {
    this.#output = output
    const { isTTY, columns = 0 } = output
    this.#isLive = isTTY === true && columns >= WIDTH && process.env['TERM'] !== 'dumb'
    if (!this.#isLive) return
    process.once('exit', this.#showCursor)
    output.write(HIDE_CURSOR)
  }

  show(view: View): void {
    if (this.#isLive) this.#draw(frameOf(view, pc))
    else this.#print(view)
  }

  /** Leaves the last view where it is and gives the terminal back. */
  close(): void {
    if (!this.#isLive) return
    process.removeListener('exit', this.#showCursor)
    this.#showCursor()
  }

  #draw(frame: readonly string[]): void {
    // What scrolled away could not be drawn over.
    const lines = frame.slice(1 - (this.#output.rows ?? DEFAULT_ROWS))
    const up = this.#shownLines === 0 ? '' : `\u001b[${this.#shownLines}A`
    this.#output.write(up + lines.map((line) => `\r${line}${ERASE_REST_OF_LINE}\n`).join(''))
    this.#shownLines = lines.length
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

  readonly #showCursor = (): void => void this.#output.write(SHOW_CURSOR)
}

function plainLine({ elapsedMs, members }: View): string {
  const all = addTallies(members.map(({ tally }) => tally))
  const rate = members.reduce((sum, member) => sum + member.rate, 0)
  const done = `${seconds(elapsedMs)} s  ${count(operationsOf(all))} operations`
  const checks = `torn ${all.torn}, lost ${all.lost}, false misses ${all.falseMisses}`
  return `  ${done}, ${count(rate)} per second; ${checks}`
}
