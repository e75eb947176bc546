import { failure, type Outcome } from './outcome.js'

/** So many calls that hang hold as many threads; more would stop this program as well. */
const MAX_SILENT = 2

/** How probes are run. */
export interface ProbeOptions {
  /** How long each probe may take. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  /** Told before each probe what it is about. */
  readonly onProbe?: ((label: string) => void) | undefined
}

/** Runs probes one by one: none takes longer than it may, and none stops the others. */
export class Prober {
  readonly timeoutMs: number
  readonly #signal: AbortSignal
  readonly #onProbe: (label: string) => void
  #silent = 0

  constructor({ timeoutMs, signal, onProbe }: ProbeOptions) {
    this.timeoutMs = timeoutMs
    this.#signal = signal ?? new AbortController().signal
    this.#onProbe = onProbe ?? (() => undefined)
  }

  /** Throws when the caller asked for an abort. */
  throwIfAborted(): void {
    this.#signal.throwIfAborted()
  }

  /** Runs a probe. What goes on after an abort or its time ends at its next look at `signal`. */
  async ask<T>(
    label: string,
    probe: (signal: AbortSignal) => Promise<T>,
    needs?: Outcome<unknown>,
  ): Promise<Outcome<T>> {
    this.throwIfAborted()
    if (needs !== undefined && needs.kind !== 'found') return skipped(reasonOf(needs))
    if (this.#silent >= MAX_SILENT) return skipped('other calls are still without an answer')
    this.#onProbe(label)
    const outcome = await this.#bounded(probe, this.#signal)
    this.throwIfAborted()
    return outcome
  }

  /** Runs what must be done even after an abort. */
  async cleanUp(work: () => Promise<true>): Promise<Outcome<true>> {
    return await this.#bounded(work, new AbortController().signal)
  }

  async #bounded<T>(
    probe: (signal: AbortSignal) => Promise<T>,
    outer: AbortSignal,
  ): Promise<Outcome<T>> {
    const late = new AbortController()
    let timer: NodeJS.Timeout | undefined
    const silence = new Promise<Outcome<T>>((resolve) => {
      timer = setTimeout(() => {
        this.#silent += 1
        late.abort(new Error('the probe took too long'))
        resolve({ kind: 'silent', afterMs: this.timeoutMs })
      }, this.timeoutMs)
    })
    const signal = AbortSignal.any([outer, late.signal])
    const attempt = probe(signal).then(
      (value): Outcome<T> => ({ kind: 'found', value }),
      (error: unknown) => failure(error),
    )
    try {
      return await Promise.race([attempt, silence])
    } finally {
      clearTimeout(timer)
    }
  }
}

function reasonOf(needed: Outcome<unknown>): string {
  if (needed.kind === 'skipped') return needed.reason
  return needed.kind === 'silent' ? 'no answer before' : 'what it needs has failed'
}

function skipped(reason: string): Outcome<never> {
  return { kind: 'skipped', reason }
}
