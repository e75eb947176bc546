import type { StoredObject } from '../../index.js'
import { writeStdout } from './stdout.js'

/** Gives out a value: to a file, or to standard output. */
export async function deliver(
  object: StoredObject,
  file: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (file === undefined) {
    for await (const piece of pieces(object, signal)) await writeStdout(piece, signal)
  } else {
    const { saveLocal } = await import('./local-file.js')
    await saveLocal(file, pieces(object, signal))
  }
}

async function* pieces(object: StoredObject, signal: AbortSignal): AsyncGenerator<Buffer> {
  for await (const piece of object.stream() as AsyncIterable<Buffer>) {
    signal.throwIfAborted()
    yield piece
  }
}
