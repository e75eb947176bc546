import { sized } from '../figures.js'

/** Something of a tree that was not imported or exported, and why. */
export interface Skipped {
  /** The path within the tree, or the key. */
  readonly name: string
  readonly reason: string
}

/** Why one file or key is left out; the others go on. */
export class Skip extends Error {
  override readonly name = 'Skip'
}

/** What an import or an export has done so far. */
export class Tally {
  files = 0
  links = 0
  directories = 0
  bytes = 0
  /** What was there already and the same. */
  unchanged = 0
  /** Objects that were not asked for. */
  passed = 0
  /** Objects of an archive whose time was over. */
  expired = 0
  #seenBytes = 0
  readonly skipped: Skipped[] = []
  readonly #onSkip: (name: string, reason: string) => void

  constructor(onSkip: (name: string, reason: string) => void) {
    this.#onSkip = onSkip
  }

  /** How many files, links and directories were dealt with. */
  get total(): number {
    const { files, links, directories, unchanged, expired, skipped } = this
    return files + links + directories + unchanged + expired + skipped.length
  }

  /** How many bytes were dealt with, be it that they were left alone. */
  get seenBytes(): number {
    return this.#seenBytes
  }

  /** Bytes that were written. */
  addBytes(count: number): void {
    this.bytes += count
    this.#seenBytes += count
  }

  /** One is there already and the same. */
  leave(sizeBytes: number): void {
    this.unchanged += 1
    this.#seenBytes += sizeBytes
  }

  skip(name: string, reason: string): void {
    this.skipped.push({ name, reason })
    this.#onSkip(name, reason)
  }

  /** In short, for a progress bar. */
  progress(total?: number): string {
    const of = total === undefined ? '' : ` of ${total.toLocaleString('en')}`
    return `${this.total.toLocaleString('en')}${of}, ${sized(this.#seenBytes)}`
  }
}
