import { setTimeout as sleep } from 'node:timers/promises'
import type { ActivityObserver, Census } from '../../activity/index.js'

/** What the last whole scan has found. */
export interface Scanned extends Census {
  readonly tookMs: number
  /** Per second since the scan before; undefined where there was none. */
  readonly growth: Census | undefined
}

/** Scans a store again and again, for no more than half of the time. */
export class Scanner {
  readonly #observer: ActivityObserver
  readonly #pauseMs: number
  /** Undefined until the first one is through. */
  last: Scanned | undefined
  /** How far the one under way has come. */
  fraction = 0
  /** What ended it, if anything did. */
  problem: unknown
  #endedMs = 0

  constructor(observer: ActivityObserver, pauseMs: number) {
    this.#observer = observer
    this.#pauseMs = pauseMs
  }

  /** Scans until it is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      for (;;) {
        const { tookMs } = await this.scan(signal)
        await sleep(Math.max(this.#pauseMs, tookMs), undefined, { signal })
      }
    } catch (error) {
      this.problem = error
    }
  }

  /** Scans once. */
  async scan(
    signal: AbortSignal,
    onProgress: (fraction: number) => void = () => undefined,
  ): Promise<Scanned> {
    const beganMs = performance.now()
    const census = await this.#observer.scan({
      signal,
      onProgress: (fraction) => {
        this.fraction = fraction
        onProgress(fraction)
      },
    })
    const endedMs = performance.now()
    const growth = growthOf(this.last, census, (endedMs - this.#endedMs) / 1000)
    this.#endedMs = endedMs
    this.last = { ...census, tookMs: endedMs - beganMs, growth }
    return this.last
  }
}

function growthOf(before: Census | undefined, now: Census, seconds: number): Census | undefined {
  if (before === undefined) return undefined
  return {
    objects: (now.objects - before.objects) / seconds,
    bytes: (now.bytes - before.bytes) / seconds,
  }
}
