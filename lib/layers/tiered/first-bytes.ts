import { transformedBody } from '../transformed-body.js'

/** A value in memory, or as a body because it is larger than what was asked for. */
export type SplitValue =
  | { readonly isLarge: false; readonly bytes: Buffer }
  | { readonly isLarge: true; readonly body: AsyncIterable<Uint8Array> }

/** Gathers a value as long as it has no more than so many bytes. */
export async function splitValue(
  pieces: AsyncIterableIterator<Uint8Array>,
  thresholdBytes: number,
): Promise<SplitValue> {
  const gathered: Buffer[] = []
  let sizeBytes = 0
  while (sizeBytes <= thresholdBytes) {
    const step = await pieces.next()
    if (step.done === true) return { isLarge: false, bytes: Buffer.concat(gathered, sizeBytes) }
    // A copy: the piece is its maker's when the next one is asked for.
    gathered.push(Buffer.from(step.value))
    sizeBytes += step.value.length
  }
  return { isLarge: true, body: transformedBody(pieces, chain(gathered, pieces)) }
}

async function* chain(
  first: Buffer[],
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, undefined> {
  // Let go of one by one: large values may have a large beginning.
  for (let piece = first.shift(); piece !== undefined; piece = first.shift()) yield piece
  yield* rest
}
