import { WriteStream } from 'node:tty'
import { lasting, sized } from './figures.js'
import { Pace, type Amounts } from './pace.js'
import { isTerminal, writeStderr } from './stderr.js'

const BAR_COLUMNS = 10
const REDRAW_MS = 100
const CLEAR_LINE = '\r\u001b[K'
/** Below this a rate is told with one decimal. */
const SMALL_RATE = 10

/**
 * One line on the terminal that says how far a long command has come, how quickly it goes on and
 * how long it will take yet. Nothing elsewhere, nor on a terminal that cannot clear a line.
 */
export class ProgressBar {
  readonly #label: string
  readonly #enabled: boolean
  readonly #pace = new Pace()
  #drawnAtMs = -Infinity
  #drawn = false

  constructor(label: string, enabled = isTerminal && process.env['TERM'] !== 'dumb') {
    this.#label = label
    this.#enabled = enabled
  }

  /** Whether anybody sees it: if not, what only it needs can be left out. */
  get enabled(): boolean {
    return this.#enabled
  }

  /**
   * Draws it again, if the last time was a while ago.
   *
   * @param fraction - from 0 to 1; undefined where nobody knows how much there is
   * @param text - how far it has come, in words
   * @param counts - what rates are told of
   */
  update(fraction: number | undefined, text: string, counts: Omit<Amounts, 'fraction'> = {}): void {
    const nowMs = performance.now()
    if (!this.#enabled || nowMs - this.#drawnAtMs < REDRAW_MS) return
    this.#pace.add(nowMs, { ...counts, fraction })
    this.#drawnAtMs = nowMs
    this.#drawn = true
    const ahead = fraction === undefined ? [] : [bar(fraction)]
    const width = columns() - 1
    let line = [this.#label, ...ahead, text].join(' ').slice(0, width)
    // Half a figure would be a wrong one.
    for (const rate of this.#rates()) {
      if (line.length + rate.length + 2 <= width) line += `, ${rate}`
    }
    writeStderr(CLEAR_LINE + line)
  }

  /** Takes it away; the next update draws it again. */
  clear(): void {
    if (!this.#drawn) return
    this.#drawn = false
    this.#drawnAtMs = -Infinity
    writeStderr(CLEAR_LINE)
  }

  #rates(): string[] {
    const { objectsPerSecond, bytesPerSecond, leftMs } = this.#pace.rates()
    return [
      ...(leftMs === undefined ? [] : [`${lasting(leftMs)} left`]),
      ...(objectsPerSecond === undefined ? [] : [`${rate(objectsPerSecond)}/s`]),
      ...(bytesPerSecond === undefined ? [] : [`${sized(Math.round(bytesPerSecond))}/s`]),
    ]
  }
}

function rate(perSecond: number): string {
  if (perSecond < SMALL_RATE) return perSecond.toFixed(1)
  return Math.round(perSecond).toLocaleString('en')
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
