const HIDE_CURSOR = '\u001b[?25l'
const SHOW_CURSOR = '\u001b[?25h'
const ERASE_REST_OF_LINE = '\u001b[K'
const ERASE_BELOW = '\u001b[J'
const DEFAULT_ROWS = 24

/** What the screen needs of `process.stdout` or `process.stderr`. */
export interface Output {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
  write(text: string): unknown
}

/** Whether an output is a terminal of so many columns that can be drawn on. */
export function isDrawable({ isTTY, columns = 0 }: Output, width: number): boolean {
  return isTTY === true && columns >= width && process.env['TERM'] !== 'dumb'
}

/** Lines that are drawn over again in place; the cursor is hidden until it is closed. */
export class LiveScreen {
  readonly #output: Output
  readonly #keeps: 'first' | 'last'
  #shownLines = 0

  /** @param keeps - which lines are shown where the terminal has too few rows for all */
  constructor(output: Output, keeps: 'first' | 'last') {
    this.#output = output
    this.#keeps = keeps
    process.once('exit', this.#showCursor)
    output.write(HIDE_CURSOR)
  }

  /** Draws lines, none longer than the terminal is wide, where those before were. */
  draw(lines: readonly string[]): void {
    // What scrolled away could not be drawn over.
    const rows = (this.#output.rows ?? DEFAULT_ROWS) - 1
    const shown = this.#keeps === 'first' ? lines.slice(0, rows) : lines.slice(-rows)
    const up = this.#shownLines === 0 ? '' : `\u001b[${this.#shownLines}A`
    const text = shown.map((line) => `\r${line}${ERASE_REST_OF_LINE}\n`).join('')
    this.#output.write(up + text + (shown.length < this.#shownLines ? ERASE_BELOW : ''))
    this.#shownLines = shown.length
  }

  /** Leaves what was drawn last where it is, and gives the terminal back. */
  close(): void {
    process.removeListener('exit', this.#showCursor)
    this.#showCursor()
  }

  readonly #showCursor = (): void => void this.#output.write(SHOW_CURSOR)
}
