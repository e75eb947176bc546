type Pieces = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

/** Whether two values have the same bytes, however they are divided into pieces. */
export async function isSameBytes(one: Pieces, other: Pieces): Promise<boolean> {
  const [left, right] = [iterate(one), iterate(other)]
  try {
    let [a, b] = [await next(left), await next(right)]
    while (a !== undefined && b !== undefined) {
      const length = Math.min(a.length, b.length)
      if (Buffer.compare(a.subarray(0, length), b.subarray(0, length)) !== 0) return false
      a = a.length > length ? a.subarray(length) : await next(left)
      b = b.length > length ? b.subarray(length) : await next(right)
    }
    return a === b
  } finally {
    await left.return(undefined)
    await right.return(undefined)
  }
}

async function* iterate(pieces: Pieces): AsyncGenerator<Uint8Array> {
  yield* pieces
}

/** The next piece that is not empty. */
async function next(pieces: AsyncGenerator<Uint8Array>): Promise<Uint8Array | undefined> {
  for (;;) {
    const result = await pieces.next()
    if (result.done === true) return undefined
    if (result.value.length > 0) return result.value
  }
}
