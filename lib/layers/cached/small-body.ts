import { bytesInMemory, bytesOfBody } from '../../body.js'
import type { Body } from '../../object-store.js'
import { transformedBody } from '../transformed-body.js'

/** A body, of which so much was read as may be kept in memory. */
export interface SmallBody {
  /** All of it; undefined if it is larger. */
  readonly value: Buffer | undefined
  /** The same as a body that was not read. */
  readonly body: Body
  /** Stops whoever makes it, if nobody wants it. */
  readonly stop: () => void
}

/**
 * Reads a body as long as it is no larger than it may be. It is looked at at once, and read when
 * the function that comes back is called.
 *
 * @throws TypeError for what is no body
 */
export function smallBody(
  given: Body,
  maxBytes: number,
  signal: AbortSignal | undefined,
): { readonly read: () => Promise<SmallBody>; readonly stop: () => void } {
  const bytes = bytesInMemory(given)
  if (bytes !== undefined) {
    const value = bytes.length <= maxBytes ? Buffer.from(bytes) : undefined
    const stop = (): void => undefined
    return { read: () => Promise.resolve({ value, body: value ?? given, stop }), stop }
  }
  const pieces = bytesOfBody(given, signal)
  const stop = (): void => void pieces.return?.()
  return { read: () => readSmall(pieces, maxBytes, stop), stop }
}

async function readSmall(
  pieces: AsyncIterableIterator<Uint8Array>,
  maxBytes: number,
  stop: () => void,
): Promise<SmallBody> {
  const read: Buffer[] = []
  let sizeBytes = 0
  while (sizeBytes <= maxBytes) {
    const step = await pieces.next()
    if (step.done === true) {
      const value = Buffer.concat(read)
      return { value, body: value, stop }
    }
    const piece = Buffer.from(step.value)
    sizeBytes += piece.length
    read.push(piece)
  }
  return { value: undefined, body: transformedBody(pieces, resumed(read, pieces)), stop }
}

async function* resumed(
  read: Buffer[],
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  for (let piece = read.shift(); piece !== undefined; piece = read.shift()) yield piece
  yield* rest
}
