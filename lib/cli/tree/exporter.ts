import type { ObjectInfo, Store, StoredObject } from '../../../index.js'
import { hasCode } from '../failure.js'
import { decodeAttributes, type Attributes } from './attributes.js'
import { eachOf } from './each-of.js'
import { isSameBytes } from './same-bytes.js'
import { isSameFile } from './sameness.js'
import { piecesOf } from './source-file.js'
import { Skip, type Tally } from './tally.js'
import type { TargetDirectory } from './target-directory.js'
import { pathOfKey } from './tree-path.js'

/** How a store is exported. */
export interface ExportHow {
  /** Only keys that begin with this; it is taken off them to make the path. */
  readonly prefix: string
  /** A path within the directory where nothing is written: the store itself. */
  readonly excluded: string | undefined
  /** Compare bytes, whatever size and time say. */
  readonly checksum: boolean
  readonly signal: AbortSignal
  /** Called after each object that was listed, and after each piece of a large one. */
  onProgress(): void
}

/** Objects that are read and written at the same time. */
const AT_ONCE = 16
/** A value up to this many bytes is read in one. */
const SMALL_BYTES = 256 * 1024
/** No symbolic link can be longer. */
const MAX_TARGET_BYTES = 4096

/** Writes keys back as a directory tree. What cannot be a path is told to `tally` and left out. */
export async function exportTree(
  store: Store,
  target: TargetDirectory,
  how: ExportHow,
  tally: Tally,
): Promise<void> {
  const exporter = new Exporter(store, target, how, tally)
  await eachOf(store.list({ signal: how.signal }), AT_ONCE, (info) => exporter.visit(info))
  await exporter.finish()
}

class Exporter {
  readonly #store: Store
  readonly #target: TargetDirectory
  readonly #how: ExportHow
  readonly #tally: Tally
  /** Symbolic links come last, so that no file can be meant to go through one. */
  readonly #links: ObjectInfo[] = []
  readonly #directories: [path: string, key: string, attributes: Attributes][] = []

  constructor(store: Store, target: TargetDirectory, how: ExportHow, tally: Tally) {
    this.#store = store
    this.#target = target
    this.#how = how
    this.#tally = tally
  }

  async visit(info: ObjectInfo): Promise<void> {
    if (info.key.startsWith(this.#how.prefix)) {
      const isLink = decodeAttributes(info.metadata).type === 'symlink'
      if (isLink) this.#links.push(info)
      else await this.#orSkip(info.key, () => this.#keep(info))
    } else this.#tally.passed += 1
    this.#how.onProgress()
  }

  /** Makes the links, then gives the directories, innermost first, their modes and times. */
  async finish(): Promise<void> {
    for (const info of this.#links) {
      await this.#orSkip(info.key, () => this.#keep(info, true))
      this.#how.onProgress()
    }
    this.#directories.sort(([one], [other]) => other.length - one.length)
    for (const [path, key, attributes] of this.#directories) {
      await this.#orSkip(key, () => this.#target.finishDirectory(path, attributes))
    }
  }

  async #keep(info: ObjectInfo, isLast = false): Promise<void> {
    if (!(await this.#isThere(info))) await this.#write(info.key, isLast)
  }

  /** Whether an earlier run has written this object as it is. */
  async #isThere(info: ObjectInfo): Promise<boolean> {
    if (info.key.endsWith('/')) return false
    const attributes = attributesOf(info)
    const path = this.#pathOf(info.key, attributes)
    const found = await this.#target.find(path)
    if (found === undefined || !isSameFile(found, info, attributes)) return false
    const isTrusted = !this.#how.checksum || attributes.type === 'symlink'
    if (!isTrusted && !(await this.#hasBytes(info.key, path))) return false
    this.#tally.leave(info.sizeBytes)
    return true
  }

  async #hasBytes(key: string, path: string): Promise<boolean> {
    await using object = await this.#store.read(key, { signal: this.#how.signal })
    if (object === undefined) return false
    return await isSameBytes(await piecesOf(this.#target.placeOf(path)), this.#pieces(object))
  }

  async #write(key: string, isLast: boolean): Promise<void> {
    const { signal } = this.#how
    await using object = await this.#store.read(key, { signal })
    // Somebody has removed it since it was listed.
    if (object === undefined) return
    const attributes = attributesOf(object.info)
    const path = this.#pathOf(key, attributes)
    // It was a file when it was listed.
    if (attributes.type === 'symlink' && !isLast) this.#links.push(object.info)
    else if (attributes.type === 'symlink') await this.#writeLink(path, object, attributes)
    else if (key.endsWith('/')) await this.#writeDirectory(path, object, attributes)
    else await this.#writeFile(path, object, attributes)
  }

  #pathOf(key: string, { type }: Attributes): string {
    const { prefix, excluded } = this.#how
    const path = pathOfKey(key.slice(prefix.length), type === 'directory')
    const isStore = excluded !== undefined && `${path}/`.startsWith(`${excluded}/`)
    if (isStore) throw new Skip('the store itself lies there')
    return path
  }

  async #writeFile(path: string, object: StoredObject, attributes: Attributes): Promise<void> {
    const { sizeBytes } = object.info
    const isSmall = sizeBytes <= SMALL_BYTES
    const pieces = isSmall ? [await object.bytes()] : this.#counted(object)
    await this.#target.writeFile(path, pieces, attributes)
    this.#tally.files += 1
    if (isSmall) this.#tally.addBytes(sizeBytes)
  }

  async #writeLink(path: string, object: StoredObject, attributes: Attributes): Promise<void> {
    if (object.info.sizeBytes > MAX_TARGET_BYTES) throw new Skip('its target is too long')
    await this.#target.makeLink(path, await object.bytes(), attributes)
    this.#tally.links += 1
  }

  async #writeDirectory(path: string, object: StoredObject, attributes: Attributes): Promise<void> {
    if (object.info.sizeBytes > 0) throw new Skip('a directory cannot have a value')
    await this.#target.makeDirectory(path)
    this.#directories.push([path, object.info.key, attributes])
    this.#tally.directories += 1
  }

  async *#counted(object: StoredObject): AsyncGenerator<Buffer> {
    for await (const piece of this.#pieces(object)) {
      yield piece
      this.#tally.addBytes(piece.length)
      this.#how.onProgress()
    }
  }

  async *#pieces(object: StoredObject): AsyncGenerator<Buffer> {
    for await (const piece of object.stream() as AsyncIterable<Buffer>) {
      this.#how.signal.throwIfAborted()
      yield piece
    }
  }

  async #orSkip(key: string, write: () => Promise<void>): Promise<void> {
    try {
      await write()
    } catch (error) {
      if (error instanceof Skip) this.#tally.skip(key, error.message)
      else if (hasCode(error, 'CORRUPT', 'FORMAT_UNSUPPORTED')) {
        this.#tally.skip(key, (error as Error).message)
      } else throw error
    }
  }
}

/** What a file is to have: where no import has said when it was changed, when it was stored. */
function attributesOf({ metadata, writtenAtMs }: ObjectInfo): Attributes {
  const attributes = decodeAttributes(metadata)
  const { mtimeSeconds = writtenAtMs / 1000 } = attributes
  return { ...attributes, mtimeSeconds }
}
