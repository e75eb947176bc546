import { extract, type Extract } from 'tar-stream'

/** One entry of an archive, and the stream of its content. */
export type Entry = Extract extends AsyncIterable<infer E> ? E : never

const BLOCK_BYTES = 512

/** The input is no archive, or not all of one. */
export class ArchiveError extends Error {
  override readonly name = 'ArchiveError'
}

const COMPRESSED: readonly (readonly [start: string, program: string])[] = [
  ['1f8b', 'gunzip'],
  ['28b52ffd', 'unzstd'],
  ['fd377a585a00', 'unxz'],
  ['425a68', 'bunzip2'],
]

/**
 * The entries of an archive, each to be read to its end, or left with `resume`, before the next.
 *
 * @throws ArchiveError where it is damaged, or ends before its end mark
 */
export async function* readArchive(
  pieces: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Entry> {
  signal.throwIfAborted()
  // Names are decoded by whoever knows what to do with those that are not UTF-8.
  const archive = extract({ filenameEncoding: 'latin1' } as Parameters<typeof extract>[0])
  const ending = new Ending()
  const onAbort = (): void => {
    archive.destroy(signal.reason as Error)
  }
  signal.addEventListener('abort', onAbort, { once: true })
  const feeding = feed(archive, pieces, ending)
  // Where feeding fails, so does reading, with the same error.
  feeding.catch((error: unknown) => archive.destroy(error as Error))
  try {
    for await (const entry of archive) {
      ending.expectBeyond(entry)
      yield entry
    }
  } catch (error) {
    throw signal.aborted ? signal.reason : ending.explain(error)
  } finally {
    signal.removeEventListener('abort', onAbort)
    archive.destroy(null)
  }
  await feeding
  ending.require()
}

/** The content of an entry, which fails if the archive ends within. */
export async function* contentOf(entry: Entry): AsyncGenerator<Buffer> {
  try {
    yield* entry as AsyncIterable<Buffer>
  } catch (error) {
    throw error instanceof ArchiveError ? error : tooShort(error)
  }
}

async function feed(
  archive: Extract,
  pieces: AsyncIterable<Uint8Array>,
  ending: Ending,
): Promise<void> {
  let wake = (): void => undefined
  archive.on('drain', () => wake())
  archive.on('close', () => wake())
  for await (const piece of pieces) {
    ending.add(piece)
    const drained = new Promise<void>((resolve) => (wake = resolve))
    if (!archive.write(piece) && !archive.destroyed) await drained
    if (archive.destroyed) return
  }
  archive.end(null)
}

/**
 * An archive ends with blocks of zeros. The library does not ask for them, so that one that was
 * cut off between two entries would pass for whole.
 */
class Ending {
  #bytes = 0
  #expectedBytes = 0
  #zeros = 0
  #start = ''

  add(piece: Uint8Array): void {
    if (this.#bytes < 8) this.#start += Buffer.from(piece.subarray(0, 8)).toString('hex')
    this.#bytes += piece.length
    let zeros = 0
    while (zeros < piece.length && piece[piece.length - 1 - zeros] === 0) zeros += 1
    this.#zeros = zeros === piece.length ? this.#zeros + zeros : zeros
  }

  /** Behind this entry at least one block must come. */
  expectBeyond({ header }: Entry): void {
    const { size, type } = header
    const { byteOffset = 0 } = header as { byteOffset?: number }
    const blocks = type === 'directory' ? 0 : Math.ceil(size / BLOCK_BYTES)
    this.#expectedBytes = byteOffset + blocks * BLOCK_BYTES
  }

  require(): void {
    if (this.#bytes === 0) throw new ArchiveError('there is no archive on standard input')
    const isMarked = this.#zeros >= BLOCK_BYTES && this.#bytes - this.#expectedBytes >= BLOCK_BYTES
    if (!isMarked) throw tooShort()
  }

  explain(error: unknown): unknown {
    const { message } = error as Error
    const [, program] = COMPRESSED.find(([start]) => this.#start.startsWith(start)) ?? []
    if (program !== undefined) {
      return new ArchiveError(`the archive is compressed; put "${program} |" before this command`)
    }
    if (message.startsWith('Unexpected end')) return tooShort(error)
    const isForm = /^(Invalid (tar )?header|Header exceeds)/.test(message)
    const where = this.#expectedBytes === 0 ? 'this is no tar archive' : 'the archive is damaged'
    return isForm ? new ArchiveError(where, { cause: error }) : error
  }
}

function tooShort(cause?: unknown): ArchiveError {
  const advice = 'import the whole one; what is there already is left alone'
  return new ArchiveError(`the archive ends too early: ${advice}`, { cause })
}
