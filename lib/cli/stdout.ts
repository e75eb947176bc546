import { write } from 'node:fs'
import { BrokenPipe, hasCode, LocalFileError } from './failure.js'

const RETRY_MS = 10
const LINES_BYTES = 16 * 1024
const LINES_MS = 100

let busy = false

/** Whether a write to standard output has not come back: its reader may have stopped reading. */
export function isStdoutBusy(): boolean {
  return busy
}

/**
 * Writes bytes to standard output, all of them. Not through `process.stdout`: for files that
 * takes no notice of short writes, so that on a full disk a value would end early unnoticed.
 */
export async function writeStdout(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
  let done = 0
  while (done < bytes.length) done += await writeSome(bytes.subarray(done), signal)
}

function writeSome(bytes: Uint8Array, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const onAbort = (): void => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    busy = true
    write(1, bytes, 0, bytes.length, null, (error, count) => {
      busy = false
      signal.removeEventListener('abort', onAbort)
      if (error === null) resolve(count)
      else if (hasCode(error, 'EAGAIN')) setTimeout(() => resolve(0), RETRY_MS)
      else if (hasCode(error, 'EPIPE')) reject(new BrokenPipe())
      else reject(new LocalFileError('write to', 'standard output', error))
    })
  })
}

/** Writes lines to standard output, many at a time, but never holds one back for long. */
export class LineWriter {
  readonly #signal: AbortSignal
  #text = ''
  #flushedAtMs = 0

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  async line(text: string): Promise<void> {
    this.#text += `${text}\n`
    const isDue = Date.now() - this.#flushedAtMs > LINES_MS
    if (isDue || this.#text.length > LINES_BYTES) await this.flush()
  }

  async flush(): Promise<void> {
    const text = this.#text
    this.#text = ''
    await writeStdout(Buffer.from(text), this.#signal)
    this.#flushedAtMs = Date.now()
  }
}
