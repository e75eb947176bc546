/**
 * The journal of a worker: what it was about to do and what was acknowledged to it. It lies
 * outside the store, and each line is with the kernel before the worker goes on, so that what a
 * killed worker was promised is known as well.
 */
import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs'

/** One line of a journal. */
export interface Entry {
  readonly verb: 'set' | 'add' | 'take'
  readonly key: string
  /** `begun`: asked for; `done`: acknowledged; `refused`: another process won. */
  readonly state: 'begun' | 'done' | 'refused'
  /** Of the value written or taken; empty where it is not known. */
  readonly sha256: string
}

/** Writes a journal. */
export class Journal {
  readonly #fd: number

  constructor(path: string) {
    this.#fd = openSync(path, 'a')
  }

  note(verb: Entry['verb'], key: string, state: Entry['state'], sha256 = ''): void {
    writeSync(this.#fd, `${JSON.stringify({ verb, key, state, sha256 } satisfies Entry)}\n`)
  }

  close(): void {
    closeSync(this.#fd)
  }
}

/** Reads a journal. What follows the last line end was being written when its writer died. */
export function readJournal(path: string): Entry[] {
  // A worker that could not even be started has none.
  if (!existsSync(path)) return []
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line) as Entry)
}
