/**
 * A body made of another one. Whoever is given it and does not want the rest stops the one it is
 * made of at once, even in the middle of a piece that never comes: a generator alone would wait.
 *
 * @param given - the body it is made of
 * @param made - its own pieces
 */
export function transformedBody(
  given: AsyncIterator<Uint8Array>,
  made: AsyncIterator<Uint8Array>,
): AsyncIterableIterator<Uint8Array> {
  return {
    next: () => made.next(),
    return() {
      void given.return?.()
      return Promise.resolve({ done: true, value: undefined })
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
