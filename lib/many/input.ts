import { StoreError } from '../errors.js'

/** What keys or entries can be taken from, one after the other. */
export type Input<T> = Iterable<T> | AsyncIterable<T>

/** An input that was begun. */
export type Opened<T> =
  | { readonly isAsync: true; readonly iterator: AsyncIterator<T> }
  | { readonly isAsync: false; readonly iterator: Iterator<T> }

/**
 * Begins an input.
 *
 * @throws TypeError for what is none, and for text, whose letters are not what was meant
 */
export function openInput<T>(name: string, input: Input<T>): Opened<T> {
  const given = input as Partial<AsyncIterable<T>> | null | undefined
  if (typeof given?.[Symbol.asyncIterator] === 'function') {
    return { isAsync: true, iterator: (input as AsyncIterable<T>)[Symbol.asyncIterator]() }
  }
  const iterable: Iterable<T> = requireIterable(name, input as Iterable<T>)
  return { isAsync: false, iterator: iterable[Symbol.iterator]() }
}

/** Refuses what is not iterable, or is text. */
export function requireIterable<T>(name: string, input: Iterable<T>): Iterable<T> {
  // Callers without types pass anything.
  const given = input as Partial<Iterable<T>> | string | null | undefined
  if (typeof given === 'object' && typeof given?.[Symbol.iterator] === 'function') return input
  const what = given === null ? 'null' : typeof given
  throw new TypeError(`${name} must be an iterable, such as an array, not ${what}`)
}

/** The key and the value of an entry; TypeError for what is no pair. */
export function requireEntry<V>(entry: readonly [key: string, value: V]): [string, V] {
  const given: unknown = entry
  if (Array.isArray(given) && given.length === 2) return [entry[0], entry[1]]
  throw new TypeError('each entry must be an array of a key and a value')
}

/** The error of one call, as that of the verb that made it: it says how far that had come. */
export function stoppedBy(error: unknown, operation: string, done: number): unknown {
  if (!(error instanceof StoreError)) return error
  const { code, message, key, path, cause } = error
  const what = `${operation} stopped with ${done} done: ${message}`
  return new StoreError(code, what, { operation, key, path, cause })
}
