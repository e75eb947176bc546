/** What one kind of call came to. */
export interface Figures {
  readonly perSecond: number
  /** How long one call took, at most, for half of them. */
  readonly p50Ms: number
  /** The same for 99 of 100. Of fewer than 100 calls it is the slowest. */
  readonly p99Ms: number
  readonly calls: number
}

/** How a round goes. */
export interface RoundHow {
  readonly durationMs: number
  /** Calls that are under way at the same time. */
  readonly inFlight: number
  readonly signal: AbortSignal
}

/** Makes a call again and again for some time; at least once. */
export async function timeRound(
  call: (index: number) => Promise<unknown>,
  { durationMs, inFlight, signal }: RoundHow,
): Promise<Figures> {
  const tookMs: number[] = []
  const startedAtMs = performance.now()
  let next = 0
  const work = async (): Promise<void> => {
    do {
      signal.throwIfAborted()
      const atMs = performance.now()
      await call(next++)
      tookMs.push(performance.now() - atMs)
    } while (performance.now() - startedAtMs < durationMs)
  }
  const outcomes = await Promise.allSettled(Array.from({ length: inFlight }, work))
  const failed = outcomes.find(({ status }) => status === 'rejected')
  if (failed?.status === 'rejected') throw failed.reason
  return figuresOf(tookMs, performance.now() - startedAtMs)
}

function figuresOf(tookMs: number[], elapsedMs: number): Figures {
  tookMs.sort((one, other) => one - other)
  const at = (share: number): number =>
    tookMs[Math.min(tookMs.length - 1, Math.floor(tookMs.length * share))] ?? Number.NaN
  const perSecond = tookMs.length / (elapsedMs / 1000)
  return { perSecond, p50Ms: at(0.5), p99Ms: at(0.99), calls: tookMs.length }
}
