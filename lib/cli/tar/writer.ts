import { pack, type Pack } from 'tar-stream'
import type { ObjectInfo, Store, StoredObject } from '../../../index.js'
import { describe, hasCode } from '../failure.js'
import { writeStdout } from '../stdout.js'
import { inOrder } from '../tree/each-of.js'
import type { Tally } from '../tree/tally.js'
import { headerOf, type NewHeader } from './entry.js'

/** How an archive is written. */
export interface TarExportHow {
  /** Only keys that begin with this; it is taken off them to make the name. */
  readonly prefix: string
  readonly signal: AbortSignal
  /** Called after each object that was listed, and after each piece of a large one. */
  onProgress(): void
}

/** Objects that are read ahead. */
const AT_ONCE = 16
/** A value up to this many bytes is checked before anything of it is written. */
const SMALL_BYTES = 256 * 1024

/** An object that was listed, with its value if it is small. */
interface Listed {
  readonly info: ObjectInfo
  readonly value?: Buffer
  /** Why it cannot be had. */
  readonly problem?: string
}

/** Writes all objects to standard output, as a tar archive. */
export async function exportTar(store: Store, how: TarExportHow, tally: Tally): Promise<void> {
  const archive = pack()
  const output = new Output(archive, how.signal)
  try {
    await putAll(store, archive, how, tally)
    archive.finalize()
  } catch (error) {
    archive.destroy(null)
    await output.end()
    // What went wrong with standard output ends the archive, and so what is put into it.
    throw output.failure ?? error
  }
  await output.end()
  if (output.failure !== undefined) throw output.failure
}

/** Standard output, into which an archive flows. */
class Output {
  failure: Error | undefined
  readonly #flowing: Promise<void>

  constructor(archive: Pack, signal: AbortSignal) {
    // Why it ends early is known here, or to whoever destroys it.
    this.#flowing = this.#flow(archive, signal).catch(() => undefined)
  }

  end(): Promise<void> {
    return this.#flowing
  }

  async #flow(archive: Pack, signal: AbortSignal): Promise<void> {
    for await (const piece of archive as AsyncIterable<Buffer>) {
      try {
        await writeStdout(piece, signal)
      } catch (error) {
        this.failure = error as Error
        throw error
      }
    }
  }
}

async function putAll(store: Store, archive: Pack, how: TarExportHow, tally: Tally): Promise<void> {
  const { prefix, signal } = how
  const read = (info: ObjectInfo): Promise<Listed | undefined> =>
    info.key.startsWith(prefix) ? readSmall(store, info, signal) : Promise.resolve(undefined)
  for await (const listed of inOrder(store.list({ signal }), AT_ONCE, read)) {
    if (listed === undefined) tally.passed += 1
    if (listed?.problem !== undefined) tally.skip(listed.info.key, listed.problem)
    else if (listed !== undefined) await put(store, archive, listed, how, tally)
    how.onProgress()
  }
}

/** Undefined for what was removed since it was listed. */
async function readSmall(
  store: Store,
  info: ObjectInfo,
  signal: AbortSignal,
): Promise<Listed | undefined> {
  if (info.sizeBytes > SMALL_BYTES) return { info }
  try {
    await using object = await store.read(info.key, { signal })
    if (object === undefined) return undefined
    const isSmall = object.info.sizeBytes <= SMALL_BYTES
    return { info: object.info, ...(isSmall && { value: await object.bytes() }) }
  } catch (error) {
    if (!hasCode(error, 'CORRUPT', 'FORMAT_UNSUPPORTED')) throw error
    return { info, problem: (error as Error).message }
  }
}

async function put(
  store: Store,
  archive: Pack,
  { info, value }: Listed,
  how: TarExportHow,
  tally: Tally,
): Promise<void> {
  if (value !== undefined) {
    const header = headerOf(info, value, how.prefix)
    await addEntry(archive, header, header.type === 'file' ? [value] : [])
    if (header.type === 'symlink') tally.links += 1
    else if (header.type === 'directory') tally.directories += 1
    else tally.files += 1
    tally.addBytes(header.size ?? 0)
    return
  }
  try {
    await using object = await store.read(info.key, { signal: how.signal })
    if (object === undefined) return
    const header = headerOf(object.info, undefined, how.prefix)
    await addEntry(archive, header, counted(object, how, tally))
    tally.files += 1
  } catch (error) {
    if (!hasCode(error, 'CORRUPT', 'FORMAT_UNSUPPORTED')) throw error
    const advice = 'move it away with "linkstore verify --quarantine", and export again'
    throw new Error(`the archive is cut off: ${describe(error)}; ${advice}`, { cause: error })
  }
}

async function* counted(
  object: StoredObject,
  how: TarExportHow,
  tally: Tally,
): AsyncGenerator<Buffer> {
  for await (const piece of object.stream() as AsyncIterable<Buffer>) {
    how.signal.throwIfAborted()
    yield piece
    tally.addBytes(piece.length)
    how.onProgress()
  }
}

/** Puts one entry into the archive, no faster than that is read. */
async function addEntry(
  archive: Pack,
  header: NewHeader,
  pieces: AsyncIterable<Buffer> | Iterable<Buffer>,
): Promise<void> {
  let wake = (): void => undefined
  const added = new Promise<void>((resolve, reject) => {
    const entry = archive.entry(header, (error) => (error ? reject(error) : resolve()))
    entry.on('error', reject)
    entry.on('drain', () => wake())
    entry.on('close', () => wake())
    const fill = async (): Promise<void> => {
      for await (const piece of pieces) {
        const drained = new Promise<void>((go) => (wake = go))
        if (!entry.write(piece)) await drained
      }
      entry.end(null)
    }
    if (header.type === 'file') fill().catch(reject)
  })
  await added
}
