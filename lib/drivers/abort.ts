/** Aborts: what they end with, and who is told of them. */
import { StoreError } from '../errors.js'

/** What an aborted operation rejects with. */
export function abortError(signal: AbortSignal): StoreError {
  return new StoreError('ABORTED', 'aborted by its signal', { cause: signal.reason })
}

/** Those who wait for one signal, and the one listener that tells them. */
interface Watch {
  readonly waiting: Set<() => void>
  readonly tellAll: () => void
}

/**
 * One listener for a signal, however many wait for it: Node warns, on the terminal, of more than
 * ten, and a listing alone has more operations under way.
 */
const watches = new WeakMap<AbortSignal, Watch>()

/** Calls a function when a signal aborts, unless {@link unwatch} is called before. */
export function watch(signal: AbortSignal, onAbort: () => void): void {
  let found = watches.get(signal)
  if (found === undefined) {
    const waiting = new Set<() => void>()
    const tellAll = (): void => {
      for (const tell of [...waiting]) tell()
    }
    found = { waiting, tellAll }
    watches.set(signal, found)
    signal.addEventListener('abort', tellAll, { once: true })
  }
  found.waiting.add(onAbort)
}

/** Ends what {@link watch} began. */
export function unwatch(signal: AbortSignal, onAbort: () => void): void {
  const found = watches.get(signal)
  if (found === undefined) return
  found.waiting.delete(onAbort)
  if (found.waiting.size > 0) return
  watches.delete(signal)
  signal.removeEventListener('abort', found.tellAll)
}

/** Refuses to begin what is aborted already. */
export function requireNoAbort(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortError(signal)
}

/** What a promise gives, or `ABORTED` as soon as the signal says so: then nobody waits for it. */
export function orAbort<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(abortError(signal))
    if (signal.aborted) onAbort()
    else watch(signal, onAbort)
    void promise.then(resolve, reject).finally(() => unwatch(signal, onAbort))
  })
}
