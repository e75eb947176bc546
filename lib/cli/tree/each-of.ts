/**
 * Visits items, several at a time. The first failure stops it; it is thrown when no visit runs
 * any more.
 */
export async function eachOf<T>(
  items: AsyncIterable<T>,
  atOnce: number,
  visit: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.asyncIterator]()
  let failed = false
  const work = async (): Promise<void> => {
    while (!failed) {
      const next = await iterator.next()
      if (next.done === true) return
      await visit(next.value)
    }
  }
  const workers = Array.from({ length: atOnce }, async () => {
    try {
      await work()
    } catch (error) {
      failed = true
      throw error
    }
  })
  const results = await Promise.allSettled(workers)
  await iterator.return?.()
  const rejected = results.find((result) => result.status === 'rejected')
  if (rejected !== undefined) throw rejected.reason
}

/** What becomes of items, several of them at a time, in their order. */
export async function* inOrder<T, R>(
  items: AsyncIterable<T>,
  atOnce: number,
  visit: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const ahead: Promise<R>[] = []
  for await (const item of items) {
    const visited = visit(item)
    // Its error is thrown when its turn comes; until then it must not count as unhandled.
    visited.catch(() => undefined)
    ahead.push(visited)
    if (ahead.length >= atOnce) yield ahead.shift() as Promise<R>
  }
  yield* ahead
}
