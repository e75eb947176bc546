import type { Command } from 'commander'
import { localPieces } from './local-file.js'
import type { Session } from './session.js'

/** The value of `set` and its like: a word of the command line, a file, or standard input. */
export function inputOf(
  command: Command,
  session: Session,
  word: string | undefined,
  file: string | undefined,
): string | AsyncIterable<Uint8Array> {
  if (word !== undefined && file !== undefined) {
    command.error('error: give the value as a word or with --file, not both')
  }
  if (word !== undefined) return word
  const path = file ?? '-'
  if (path === '-' && process.stdin.isTTY) {
    session.note('reading the value from the terminal; end it with Ctrl-D on a line of its own')
  }
  return localPieces(path)
}

/** Pieces as one; undefined when they come to more than `maxBytes`, of which no more is read. */
export async function gather(
  pieces: AsyncIterable<Uint8Array>,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  signal.throwIfAborted()
  // A terminal or a pipe may have nothing to say, ever.
  const interrupted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
  return await Promise.race([interrupted, gatherAll(pieces, maxBytes)])
}

async function gatherAll(
  pieces: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<Buffer | undefined> {
  const all: Uint8Array[] = []
  let sizeBytes = 0
  for await (const piece of pieces) {
    all.push(piece)
    sizeBytes += piece.length
    if (sizeBytes > maxBytes) return undefined
  }
  return Buffer.concat(all)
}
