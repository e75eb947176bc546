import * as fs from 'node:fs'
import { createHash } from 'node:crypto'

/**
 * What the Go package SOS does with the file system, call by call and with its modes and names,
 * so that tests can work beside it.
 */
export class Sos {
  readonly #root: string
  readonly #instance: string

  /** @param instance - the host and eight random hexadecimal digits */
  constructor(root: string, instance: string) {
    fs.mkdirSync(`${root}/.tmp`, { recursive: true, mode: 0o700 })
    this.#root = root
    this.#instance = instance
  }

  /** Writes a file in `.tmp`, makes the directories, and renames it into place. */
  store(key: string, value: Buffer): void {
    const [directory, file] = this.pathOf(key)
    const temporary = this.#temporaryName()
    this.begin(temporary, value)
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 })
    fs.renameSync(temporary, file)
  }

  /** The first half of a store. */
  begin(temporary: string, value: Buffer): void {
    const fd = fs.openSync(temporary, fs.constants.O_WRONLY | fs.constants.O_CREAT, 0o600)
    fs.writeSync(fd, value)
    fs.closeSync(fd)
  }

  /** Links the object into `.tmp`, and reads it there; any failure of the link is a miss. */
  get(key: string): Buffer | undefined {
    const temporary = this.#temporaryName()
    try {
      fs.linkSync(this.pathOf(key)[1], temporary)
    } catch {
      return undefined
    }
    try {
      return fs.readFileSync(temporary)
    } finally {
      fs.unlinkSync(temporary)
    }
  }

  /** Unlinks the object; that there is none is an error. */
  delete(key: string): void {
    fs.unlinkSync(this.pathOf(key)[1])
  }

  /** Where the object of a key lies: its directory and its file. */
  pathOf(key: string): [directory: string, file: string] {
    const digits = createHash('sha256').update(key).digest('hex')
    const directory = `${this.#root}/${digits.slice(0, 2)}/${digits.slice(2, 4)}`
    return [directory, `${directory}/${digits.slice(4)}`]
  }

  #temporaryName(): string {
    const nanoseconds = BigInt(Date.now()) * 1_000_000n + (process.hrtime.bigint() % 1_000_000n)
    const random = Math.floor(Math.random() * 2 ** 32)
    const suffix = random.toString(16).padStart(8, '0')
    return `${this.#root}/.tmp/${this.#instance}-${nanoseconds}-${suffix}`
  }
}
