import { counted, sized } from '../figures.js'

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
  readonly skipped: Skipped[] = []
  readonly #onSkip: (name: string, reason: string) => void

  constructor(onSkip: (name: string, reason: string) => void) {
    this.#onSkip = onSkip
  }

  /** How many files, links and directories were dealt with. */
  get total(): number {
    return this.files + this.links + this.directories + this.skipped.length
  }

  skip(name: string, reason: string): void {
    this.skipped.push({ name, reason })
    this.#onSkip(name, reason)
  }

  /** In short, for a progress bar. */
  progress(): string {
    return `${counted(this.files, 'file')}, ${sized(this.bytes)}`
  }
}
