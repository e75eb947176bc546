import { WriteStream } from 'node:tty'
import { isTerminal, writeStderr } from './stderr.js'

const BAR_COLUMNS = 24
const REDRAW_MS = 100
const CLEAR_LINE = '\r\u001b[K'

/** One line on the terminal that says how far a long command has come; nothing elsewhere. */
export class ProgressBar {
  readonly #label: string
  readonly #enabled: boolean
  #drawnAtMs = 0
  #drawn = false

  constructor(label: string, enabled = isTerminal) {
    this.#label = label
    this.#enabled = enabled
  }

  /** Whether anybody sees it: if not, what only it needs can be left out. */
  get enabled(): boolean {
    return this.#enabled
  }

  /** Draws it again, if the last time was a while ago. */
  update(fraction: number, text: string): void {
    const nowMs = Date.now()
    if (!this.#enabled || nowMs - this.#drawnAtMs < REDRAW_MS) return
    this.#drawnAtMs = nowMs
    this.#drawn = true
    const line = `${this.#label} ${bar(fraction)} ${text}`
    writeStderr(CLEAR_LINE + line.slice(0, columns() - 1))
  }

  /** Takes it away; the next update draws it again. */
  clear(): void {
    if (!this.#drawn) return
    this.#drawn = false
    this.#drawnAtMs = 0
    writeStderr(CLEAR_LINE)
  }
}

function bar(fraction: number): string {
  const within = Math.min(1, Math.max(0, fraction))
  const filled = Math.round(within * BAR_COLUMNS)
  const percent = String(Math.floor(within * 100)).padStart(3)
  return `[${'#'.repeat(filled)}${'-'.repeat(BAR_COLUMNS - filled)}] ${percent} %`
}

function columns(): number {
  const width = process.stderr instanceof WriteStream ? process.stderr.columns : 0
  return width > 0 ? width : 80
}
