/**
 * What a process did, in a file that survives its SIGKILL: a line before each operation and one
 * after it, each given to the kernel before the process goes on.
 */
import { ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'

/** Keys and stamps that an operation is about. */
export interface Call {
  readonly verb: string
  readonly key: string
  /** The stamp of the value written, or the other key of a copy or rename. */
  readonly detail?: string | undefined
}

/** One operation of one process. Times are microseconds of the machine's monotonic clock. */
export interface Entry extends Call {
  readonly slot: number
  readonly index: number
  readonly beganUs: number
  /** Undefined if the process was killed meanwhile: nobody knows whether it was done. */
  endedUs: number | undefined
  /** A stamp, null for an absent key, a boolean, or the keys of a listing. */
  result?: unknown
}

type Line = ['began', number, Call, number] | ['ended', number, unknown, number]

/** Writes a journal. */
export class Journal {
  readonly #descriptor: number

  /** Goes on with a journal, without what a killed process may have left of its last line. */
  constructor(path: string) {
    this.#descriptor = openSync(path, 'a+')
    const text = readFileSync(path)
    ftruncateSync(this.#descriptor, text.lastIndexOf('\n') + 1)
  }

  began(index: number, call: Call): void {
    this.#write(['began', index, call, nowUs()])
  }

  ended(index: number, result: unknown): void {
    this.#write(['ended', index, result, nowUs()])
  }

  #write(line: Line): void {
    writeSync(this.#descriptor, `${JSON.stringify(line)}\n`)
  }
}

/** Reads a journal: the operations in the order in which they began. */
export function readJournal(path: string, slot: number): Entry[] {
  const entries: Entry[] = []
  // What follows the last end of line is a line that was not finished.
  for (const text of readFileSync(path, { encoding: 'utf8', flag: 'a+' })
    .split('\n')
    .slice(0, -1)) {
    const line = JSON.parse(text) as Line
    const [what, index] = line
    if (what === 'began') {
      entries[index] = { slot, index, ...line[2], beganUs: line[3], endedUs: undefined }
    } else {
      Object.assign(entries[index]!, { result: line[2], endedUs: line[3] })
    }
  }
  return entries
}

function nowUs(): number {
  return Number(process.hrtime.bigint() / 1000n)
}
