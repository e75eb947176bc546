import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rmdir, unlink, writeFile } from 'node:fs/promises'
import { codeOf } from '../outcome.js'

const REMOVED_AT_ONCE = 8

/**
 * Two directories of the probes' own in the root, which take the parts of `.tmp` and of a shard.
 * They are named as a store names what it is about to make. So they stop nobody who opens the
 * directory meanwhile, and should this program be killed, the sweep of the store removes them.
 * For that they hold files only.
 */
export class Scratch {
  readonly names: readonly string[]
  readonly #near: string
  readonly #far: string

  constructor(readonly root: string) {
    this.names = [stagingName(), stagingName()]
    const [near, far] = this.names.map((name) => `${root}/${name}`)
    this.#near = near ?? ''
    this.#far = far ?? ''
  }

  /** Makes both directories; for this user alone. */
  async make(): Promise<string> {
    await mkdir(this.#near, { mode: 0o700 })
    await mkdir(this.#far, { mode: 0o700 })
    return this.description
  }

  /** Both, for a message. */
  get description(): string {
    return this.names.map((name) => `${this.root}/${name}`).join(' and ')
  }

  /** The directory that stands for `.tmp`. */
  get nearPath(): string {
    return this.#near
  }

  /** The directory that stands for a shard. */
  get farPath(): string {
    return this.#far
  }

  /** A path in the first directory. */
  near(name: string): string {
    return `${this.#near}/${name}`
  }

  /** A path in the second one. */
  far(name: string): string {
    return `${this.#far}/${name}`
  }

  /** Makes a file in the first directory; returns its path. */
  async file(name: string, content = name): Promise<string> {
    const path = this.near(name)
    await writeFile(path, content, { flag: 'wx' })
    return path
  }

  /** Removes both with all they hold. */
  async remove(): Promise<true> {
    await removeDirectory(this.#near)
    await removeDirectory(this.#far)
    return true
  }
}

function stagingName(): string {
  return `.tmp-${randomBytes(16).toString('hex')}`
}

async function removeDirectory(path: string): Promise<void> {
  const names = await tolerant(readdir(path))
  if (names === undefined) return
  const remover = async (): Promise<void> => {
    for (let name = names.pop(); name !== undefined; name = names.pop()) await remove(path, name)
  }
  await Promise.all(Array.from({ length: REMOVED_AT_ONCE }, remover))
  await tolerant(rmdir(path))
}

async function remove(directory: string, name: string): Promise<void> {
  try {
    await tolerant(unlink(`${directory}/${name}`))
  } catch (error) {
    if (!['EISDIR', 'EPERM'].includes(codeOf(error))) throw error
    await tolerant(rmdir(`${directory}/${name}`))
  }
}

/** What is gone already need not be removed. */
async function tolerant<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}
