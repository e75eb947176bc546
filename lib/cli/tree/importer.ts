import { hashKey, type Durability, type SetOptions, type Store } from '../../../index.js'
import type { Part } from '../option-values.js'
import { encodeAttributes, type Attributes, type FileNumbers } from './attributes.js'
import { eachOf } from './each-of.js'
import { readLink, SourceFile, statDirectory } from './source-file.js'
import { Skip, type Tally } from './tally.js'
import { walkTree, type TreeEntry } from './walk.js'

/** How a tree is imported. */
export interface ImportHow {
  /** Stands before each path to make the key. */
  readonly prefix: string
  /** Which files are this process's; undefined: all. */
  readonly part: Part | undefined
  readonly durability: Durability | undefined
  /** A path within the tree that is left out: the store itself. */
  readonly excluded: string | undefined
  readonly signal: AbortSignal
  /** Called after each file, link or directory. */
  onEntry(): void
}

/** Files that are read and written at the same time: enough to hide the waits of a network. */
const AT_ONCE = 16

/** Stores a directory tree. What it cannot keep is told to `tally` and left out. */
export async function importTree(
  store: Store,
  root: string,
  how: ImportHow,
  tally: Tally,
): Promise<void> {
  const importer = new Importer(store, root, how, tally)
  await eachOf(ownEntries(root, how), AT_ONCE, (entry) => importer.visit(entry))
}

/** How many entries of a tree an import will deal with. */
export async function countTree(root: string, how: ImportHow): Promise<number> {
  let count = 0
  for await (const _ of ownEntries(root, how)) count += 1
  return count
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
  readonly #store: Store
  readonly #root: string
  readonly #how: ImportHow
  readonly #tally: Tally

  constructor(store: Store, root: string, how: ImportHow, tally: Tally) {
    this.#store = store
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
    this.#how.onEntry()
  }

  #keep({ name, kind, reason }: TreeEntry): Promise<void> {
    if (kind === 'unusable') throw new Skip(reason)
    if (kind === 'file') return this.#keepFile(name)
    if (!this.#store.supports.metadata) {
      const what = kind === 'symlink' ? 'symbolic links' : 'empty directories'
      throw new Skip(`a store of format raw cannot keep ${what}`)
    }
    return kind === 'symlink' ? this.#keepLink(name) : this.#keepDirectory(name)
  }

  async #keepFile(name: string): Promise<void> {
    const file = await SourceFile.open(`${this.#root}/${name}`)
    try {
      const content = await file.content()
      const { sizeBytes } = await this.#set(name, content, 'file', file.stamp)
      this.#tally.files += 1
      this.#tally.bytes += sizeBytes
    } finally {
      await file.close()
    }
  }

  async #keepLink(name: string): Promise<void> {
    const { target, stamp } = await readLink(`${this.#root}/${name}`)
    await this.#set(name, target, 'symlink', stamp)
    this.#tally.links += 1
  }

  async #keepDirectory(name: string): Promise<void> {
    const stamp = await statDirectory(`${this.#root}/${name}`)
    await this.#set(`${name}/`, '', 'directory', stamp)
    this.#tally.directories += 1
  }

  #set(
    name: string,
    value: Parameters<Store['set']>[1],
    type: Attributes['type'],
    numbers: FileNumbers,
  ): ReturnType<Store['set']> {
    const { prefix, durability, signal } = this.#how
    const keepsMetadata = this.#store.supports.metadata
    const options: SetOptions = {
      durability,
      signal,
      ...(keepsMetadata && { metadata: encodeAttributes(type, numbers) }),
    }
    return this.#store.set(prefix + name, value, options)
  }
}
