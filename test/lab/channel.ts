/**
 * How a worker in a guest tells the test what it found: as lines of JSON in a file of the machine.
 * A line is there as soon as `report` has returned, also when the guest is killed at that moment.
 */
import { appendFileSync, closeSync, fstatSync, openSync, readSync } from 'node:fs'

/** Called in a guest: hands a result to the test. */
export function report(result: unknown): void {
  const path = process.env['LAB_RESULTS']
  if (path === undefined) throw new Error('this runs in a guest of the lab only')
  appendFileSync(path, `${JSON.stringify(result)}\n`)
}

/** The test's end: what was reported since it was last asked. */
export class ResultReader {
  readonly #path: string
  #position = 0
  #rest: Buffer = Buffer.alloc(0)

  constructor(path: string) {
    this.#path = path
  }

  /** All new results; what is not a whole line yet is kept for the next time. */
  read(): unknown[] {
    const descriptor = openSync(this.#path, 'r')
    try {
      const added = Buffer.alloc(fstatSync(descriptor).size - this.#position)
      const bytesRead = readSync(descriptor, added, 0, added.length, this.#position)
      this.#position += bytesRead
      this.#rest = Buffer.concat([this.#rest, added.subarray(0, bytesRead)])
    } finally {
      closeSync(descriptor)
    }
    const end = this.#rest.lastIndexOf('\n') + 1
    const text = this.#rest.toString('utf8', 0, end)
    this.#rest = this.#rest.subarray(end)
    return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as unknown]))
  }
}
