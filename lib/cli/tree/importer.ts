import { hashKey, type Store } from '../../../index.js'
import type { Part } from '../option-values.js'
import { encodeAttributes, type Attributes, type FileNumbers } from './attributes.js'
import { eachOf } from './each-of.js'
import { Keeper, type Candidate, type KeepHow } from './keeper.js'
import { piecesOf, readLink, SourceFile, statDirectory, statFile } from './source-file.js'
import { Skip, type Tally } from './tally.js'
import { walkTree, type TreeEntry } from './walk.js'

/** How a tree is imported. */
export interface ImportHow extends KeepHow {
  /** Stands before each path to make the key. */
  readonly prefix: string
  /** Which files are this process's; undefined: all. */
  readonly part: Part | undefined
  /** A path within the tree that is left out: the store itself. */
  readonly excluded: string | undefined
  /** Called after each file, link or directory, and after each piece of a large file. */
  onProgress(): void
}

/** Files that are read and written at the same time: enough to hide the waits of a network. */
const AT_ONCE = 16

/** What there is to do. */
export interface TreeSize {
  readonly entries: number
  readonly bytes: number
}

/** Stores a directory tree. What it cannot keep is told to `tally` and left out. */
export async function importTree(
  store: Store,
  root: string,
  how: ImportHow,
  tally: Tally,
): Promise<void> {
  const importer = new Importer(await Keeper.for(store, how), root, how, tally)
  await eachOf(ownEntries(root, how), AT_ONCE, (entry) => importer.visit(entry))
}

/** How much an import will deal with. */
export async function measureTree(root: string, how: ImportHow): Promise<TreeSize> {
  let entries = 0
  let bytes = 0
  const measure = async ({ name, kind }: TreeEntry): Promise<void> => {
    entries += 1
    if (kind !== 'file') return
    // What goes wrong with a file is told when its turn comes.
    const stamp = await statFile(`${root}/${name}`).catch(() => undefined)
    bytes += Number(stamp?.size ?? 0)
  }
  await eachOf(ownEntries(root, how), AT_ONCE, measure)
  return { entries, bytes }
}

async function* ownEntries(root: string, how: ImportHow): AsyncGenerator<TreeEntry> {
  for await (const entry of walkTree(root, how.excluded)) {
    how.signal.throwIfAborted()
    if (isOwn(entry.name, how.part)) yield entry
  }
}

/** Processes that import one tree need not talk to each other: a name alone tells whose it is. */
function isOwn(name: string, part: Part | undefined): boolean {
  if (part === undefined) return true
  return Number.parseInt(hashKey(name).slice(0, 12), 16) % part.of === part.index - 1
}

class Importer {
  readonly #keeper: Keeper
  readonly #root: string
  readonly #how: ImportHow
  readonly #tally: Tally

  constructor(keeper: Keeper, root: string, how: ImportHow, tally: Tally) {
    this.#keeper = keeper
    this.#root = root
    this.#how = how
    this.#tally = tally
  }

  async visit(entry: TreeEntry): Promise<void> {
    try {
      await this.#keep(entry)
    } catch (error) {
      if (!(error instanceof Skip)) throw error
      this.#tally.skip(entry.name, error.message)
    }
    this.#how.onProgress()
  }

  #keep({ name, kind, reason }: TreeEntry): Promise<void> {
    if (kind === 'unusable') throw new Skip(reason)
    if (kind === 'file') return this.#keepFile(name)
    if (!this.#keeper.keepsMetadata) {
      const what = kind === 'symlink' ? 'symbolic links' : 'empty directories'
      throw new Skip(`a store of format raw cannot keep ${what}`)
    }
    return kind === 'symlink' ? this.#keepLink(name) : this.#keepDirectory(name)
  }

  async #keepFile(name: string): Promise<void> {
    const path = `${this.#root}/${name}`
    if (this.#keeper.compares) {
      const seen = this.#candidate(name, 'file', await statFile(path))
      if (await this.#isThere({ ...seen, again: () => piecesOf(path) })) return
    }
    const file = await SourceFile.open(path)
    try {
      const content = await file.content()
      const candidate = this.#candidate(name, 'file', file.stamp)
      const value = Buffer.isBuffer(content) ? content : this.#counted(content)
      await this.#keeper.set(candidate, value)
      this.#tally.files += 1
      if (Buffer.isBuffer(content)) this.#tally.addBytes(content.length)
    } finally {
      await file.close()
    }
  }

  async #keepLink(name: string): Promise<void> {
    const { target, stamp } = await readLink(`${this.#root}/${name}`)
    const candidate = { ...this.#candidate(name, 'symlink', stamp), value: target }
    if (await this.#isThere(candidate)) return
    await this.#keeper.set(candidate, target)
    this.#tally.links += 1
  }

  async #keepDirectory(name: string): Promise<void> {
    const { mode, mtimeNs } = await statDirectory(`${this.#root}/${name}`)
    const stamp = { mode, mtimeNs, size: 0n }
    const value = Buffer.alloc(0)
    const candidate = { ...this.#candidate(`${name}/`, 'directory', stamp), value }
    if (await this.#isThere(candidate)) return
    await this.#keeper.set(candidate, value)
    this.#tally.directories += 1
  }

  async #isThere(candidate: Candidate): Promise<boolean> {
    if (!(await this.#keeper.isThere(candidate))) return false
    this.#tally.leave(candidate.sizeBytes)
    return true
  }

  #candidate(
    name: string,
    type: Attributes['type'],
    stamp: FileNumbers & { readonly size: bigint },
  ): Candidate {
    const metadata = this.#keeper.keepsMetadata ? encodeAttributes(type, stamp) : {}
    return { key: this.#how.prefix + name, sizeBytes: Number(stamp.size), metadata }
  }

  async *#counted(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const piece of pieces) {
      yield piece
      this.#tally.addBytes(piece.length)
      this.#how.onProgress()
    }
  }
}
