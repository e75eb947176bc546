/** What tests of cells, leases and single flight share. */
import * as nodeFs from 'node:fs'
import { existsSync, readdirSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Test } from 'tap'
import { hashKey, open, type OpenOptions, type Store } from '../../index.js'
import { scratchDirectory } from './surroundings.js'

/** A directory of its own, and stores on it that are closed when the test ends. */
export interface Place {
  readonly root: string
  readonly store: Store
  /** Opens another store on it. */
  readonly another: (options?: OpenOptions) => Promise<Store>
}

/** Makes one. */
export async function place(t: Test, options: OpenOptions = {}): Promise<Place> {
  const root = `${await scratchDirectory(t)}/store`
  const another = async (others: OpenOptions = {}): Promise<Store> => {
    const store = await open(root, { durability: 'none', ...others })
    t.teardown(() => store.close())
    return store
  }
  return { root, store: await another(options), another }
}

/** Where the generations of a name lie. */
export function cellDirectory(root: string, space: string, name: string): string {
  const hash = hashKey(name)
  return join(root, space, hash.slice(0, 2), hash.slice(2, 4), hash.slice(4))
}

/** The numbers of the generations that are kept, in order. */
export function generationsOf(root: string, space: string, name: string): number[] {
  const path = cellDirectory(root, space, name)
  const names = existsSync(path) ? readdirSync(path) : []
  return names.map(Number).sort((one, other) => one - other)
}

type Callback = (error: unknown, result?: unknown) => void
type Call = (...values: unknown[]) => void

/** `node:fs` whose calls fail or do not answer, as long as it is told so. */
export class TroubledFileSystem {
  readonly fs: object
  trouble: 'EIO' | 'hangs' | undefined
  /** How long each link takes, in milliseconds. */
  linkDelayMs = 0
  readonly #hanging: (() => void)[] = []
  #alive: NodeJS.Timeout | undefined

  constructor() {
    const real = nodeFs as unknown as Record<string, Call>
    const troubled: Record<string, Call> = {}
    for (const call of ['link', 'readdir', 'open', 'rename', 'mkdir']) {
      troubled[call] = (...values) => {
        const go = (): void => real[call]!(...values)
        if (this.trouble === 'hangs') this.#hang(go)
        else if (this.trouble === 'EIO') process.nextTick(values.at(-1) as Callback, inputOutput())
        else if (call === 'link' && this.linkDelayMs > 0) void setTimeout(this.linkDelayMs).then(go)
        else go()
      }
    }
    this.fs = { ...real, ...troubled }
  }

  /** Lets what hangs go on. */
  recover(): void {
    this.trouble = undefined
    clearInterval(this.#alive)
    for (const go of this.#hanging.splice(0)) go()
  }

  /** A call that does not return keeps its process alive. */
  #hang(go: () => void): void {
    clearInterval(this.#alive)
    this.#alive = setInterval(() => undefined, 1000)
    this.#hanging.push(go)
  }
}

function inputOutput(): Error {
  const number = -constants.errno.EIO
  return Object.assign(new Error('EIO: as the test wants it'), { errno: number, code: 'EIO' })
}

/** `node:fs` on what does not look like a file system of this machine alone. */
export const REMOTE_FS: object = {
  ...nodeFs,
  statfs: (path: string, done: (error: unknown, found?: nodeFs.StatsFs) => void) =>
    nodeFs.statfs(path, (error, found) => {
      done(error, error === null ? Object.assign(found, { type: 0x6969 }) : undefined)
    }),
}

/** What happens out of nowhere in this process until the test ends; none of it should. */
export function strayErrors(t: Test): readonly unknown[] {
  const stray: unknown[] = []
  const note = (error: unknown): void => void stray.push(error)
  process.on('unhandledRejection', note)
  t.teardown(() => process.off('unhandledRejection', note))
  return stray
}

/** Waits until something is so; fails when it never is. */
export async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const limitMs = performance.now() + 30_000
  while (!(await isSo())) {
    if (performance.now() > limitMs) throw new Error(`it never came about that ${what}`)
    await setTimeout(5)
  }
}
