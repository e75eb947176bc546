import type { Store } from '../../../index.js'
import { localPieces } from '../local-file.js'
import { Keeper, type Candidate, type KeepHow } from '../tree/keeper.js'
import { Skip, type Tally } from '../tree/tally.js'
import { nameOf, objectOf, type EntryObject } from './entry.js'
import { contentOf, readArchive, type Entry } from './reader.js'

/** How an archive is imported. */
export interface TarImportHow extends KeepHow {
  /** Stands before each name to make the key. */
  readonly prefix: string
  /** Called with what was read of the archive so far. */
  onProgress(bytesRead: number): void
}

/** Objects that are written at the same time: enough to hide the waits of a network. */
const AT_ONCE = 16
/** A value up to this many bytes is held in memory. */
const SMALL_BYTES = 256 * 1024

/** Stores the entries of the archive on standard input. What it cannot keep is told to `tally`. */
export async function importTar(store: Store, how: TarImportHow, tally: Tally): Promise<void> {
  const importer = new TarImporter(store, await Keeper.for(store, how), how, tally)
  try {
    for await (const entry of readArchive(importer.input(), how.signal)) {
      await importer.visit(entry)
    }
    await importer.finish()
  } catch (error) {
    await importer.settle()
    // Whoever writes into it may never end, and would be waited for.
    process.stdin.destroy()
    throw error
  }
}

class TarImporter {
  readonly #store: Store
  readonly #keeper: Keeper
  readonly #how: TarImportHow
  readonly #tally: Tally
  readonly #underWay = new Map<string, Promise<void>>()
  /** Directories of which nothing was seen that lies in them. */
  readonly #empty = new Map<string, EntryObject>()
  /** Directories in which something lies. */
  readonly #full = new Set<string>()
  #failure: { readonly error: unknown } | undefined
  #bytesRead = 0

  constructor(store: Store, keeper: Keeper, how: TarImportHow, tally: Tally) {
    this.#store = store
    this.#keeper = keeper
    this.#how = how
    this.#tally = tally
  }

  async *input(): AsyncGenerator<Uint8Array> {
    for await (const piece of localPieces('-')) {
      this.#bytesRead += piece.length
      yield piece
      this.#how.onProgress(this.#bytesRead)
    }
  }

  async visit(entry: Entry): Promise<void> {
    await this.#orSkip(nameOf(entry.header), async () => {
      const object = objectOf(entry.header, this.#how.prefix)
      this.#noteParents(object)
      if (this.#isExpired(object)) this.#tally.expired += 1
      else await this.#keep(object, entry)
    })
    if (this.#failure !== undefined) throw this.#failure.error
    // What was not read of it is passed over.
    entry.resume()
  }

  /** Keeps the directories that have proved empty, and waits for all that is under way. */
  async finish(): Promise<void> {
    for (const object of this.#empty.values()) {
      await this.#start(object, Buffer.alloc(0))
    }
    await this.settle()
    if (this.#failure !== undefined) throw this.#failure.error
  }

  /** Waits until nothing is under way any more. */
  async settle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay.values())
  }

  async #keep(object: EntryObject, entry: Entry): Promise<void> {
    this.#requireKept(object)
    if (object.kind === 'link') await this.#keepLink(object)
    else if (object.kind === 'symlink') await this.#start(object, Buffer.from(object.target))
    else if (object.kind === 'directory') await this.#keepDirectory(object)
    else if (object.sizeBytes > SMALL_BYTES) await this.#keepLarge(object, entry)
    else await this.#start(object, await gather(contentOf(entry)))
  }

  /** One more name of a file: a copy of what the first one has become. */
  async #keepLink(object: EntryObject): Promise<void> {
    await this.settle()
    const { durability, signal } = this.#how
    const { target, key } = object
    const isThere = await this.#store.copy(target, key, { durability, signal })
    if (!isThere) throw new Skip('it is a hard link to a file that was not imported')
    this.#tally.files += 1
  }

  async #keepDirectory(object: EntryObject): Promise<void> {
    if (object.isOwn) await this.#start(object, Buffer.alloc(0))
    else if (object.key !== this.#how.prefix && !this.#full.has(object.key)) {
      this.#empty.set(object.key, object)
    }
  }

  async #keepLarge(object: EntryObject, entry: Entry): Promise<void> {
    await this.#underWay.get(object.key)
    const candidate = candidateOf(object)
    // What is not known for certain is written: an archive cannot be read twice.
    if (!this.#how.checksum && (await this.#keeper.isThere(candidate))) {
      this.#tally.leave(object.sizeBytes)
      return
    }
    await this.#keeper.set(candidate, this.#counted(entry))
    this.#tally.files += 1
  }

  async *#counted(entry: Entry): AsyncGenerator<Buffer> {
    for await (const piece of contentOf(entry)) {
      yield piece
      this.#tally.addBytes(piece.length)
    }
  }

  /** Begins to keep a value, and waits while there are too many. */
  async #start(object: EntryObject, value: Buffer): Promise<void> {
    const { key } = object
    // Of two entries with one name, the later one counts.
    await this.#underWay.get(key)
    while (this.#underWay.size >= AT_ONCE) await Promise.race(this.#underWay.values())
    const keeping = this.#orSkip(key, () => this.#keepSmall(object, value))
      .catch((error: unknown) => (this.#failure ??= { error }))
      .then(() => void this.#underWay.delete(key))
    this.#underWay.set(key, keeping)
  }

  async #keepSmall(object: EntryObject, value: Buffer): Promise<void> {
    const candidate = candidateOf(object, value)
    if (await this.#keeper.isThere(candidate)) {
      this.#tally.leave(value.length)
      return
    }
    await this.#keeper.set(candidate, value)
    if (object.kind === 'symlink') this.#tally.links += 1
    else if (object.kind === 'directory') this.#tally.directories += 1
    else this.#tally.files += 1
    this.#tally.addBytes(object.kind === 'file' ? value.length : 0)
  }

  #noteParents({ key, isOwn }: EntryObject): void {
    if (isOwn) return
    for (let at = key.lastIndexOf('/', key.length - 2); at > 0; at = key.lastIndexOf('/', at - 1)) {
      const parent = key.slice(0, at + 1)
      if (this.#full.has(parent)) return
      this.#full.add(parent)
      this.#empty.delete(parent)
    }
  }

  #isExpired({ expiresAtMs }: EntryObject): boolean {
    return expiresAtMs !== undefined && expiresAtMs <= Date.now()
  }

  /** The raw format keeps values only. Modes and times may be lost there, but nothing else. */
  #requireKept({ kind, contentType, expiresAtMs, metadata }: EntryObject): void {
    if (this.#keeper.keepsMetadata) return
    if (kind === 'symlink') throw new Skip('a store of format raw cannot keep symbolic links')
    // Most of them are not empty, and nothing is lost.
    if (kind === 'directory') return
    const isMore = Object.keys(metadata).some((name) => name !== 'mode' && name !== 'mtime')
    if (contentType !== undefined || expiresAtMs !== undefined || isMore) {
      throw new Skip('a store of format raw cannot keep its metadata')
    }
  }

  async #orSkip(name: string, keep: () => Promise<void>): Promise<void> {
    try {
      await keep()
    } catch (error) {
      if (!(error instanceof Skip)) throw error
      this.#tally.skip(name, error.message)
    }
  }
}

function candidateOf(object: EntryObject, value?: Buffer): Candidate {
  const { key, sizeBytes, metadata, contentType, expiresAtMs } = object
  return { key, sizeBytes, metadata, contentType, expiresAtMs, value }
}

async function gather(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = []
  for await (const piece of pieces) all.push(piece)
  return Buffer.concat(all)
}
