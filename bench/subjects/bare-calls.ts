/**
 * The system calls that linkstore makes, and nothing around them: by a C program, and by Node. Both
 * work on the files of a store, whose paths they are given.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { openSync } from '../../index.js'
import { compiled } from '../compiler.js'
import { contestant } from './contestant.js'
import type { Arena, Contestant, Operation, Subject } from './subject.js'

/** Both read at most this at once, as linkstore does. */
const READ_BYTES = 64 * 1024
export const MAX_BARE_BYTES = READ_BYTES - 1024

/**
 * @param reads - whether it links an object to read it, or opens it where it is
 */
export async function floor(
  name: string,
  { directory, tools, load, isFilled }: Arena,
  reads: 'get' | 'open',
): Promise<Contestant> {
  const program = await compiled('floor', tools)
  if (!isFilled) fill(directory, load)
  const place = privatePlace(directory)
  const list = join(place, 'paths')
  fs.writeFileSync(list, load.keys.map((key) => `${pathOf(directory, key)}\n`).join(''))
  const names = join(place, 'names')
  fs.mkdirSync(names)
  const arguments_ = [names, list, String(load.valueBytes)]
  const child = spawn(program, arguments_, { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const answers = createInterface(child.stdout)[Symbol.asyncIterator]()
  return {
    measure: async (operation, _inFlight, durationMs) => {
      const order = operation === 'get' ? reads : 'set'
      child.stdin.write(`${order} ${Math.round(durationMs * 1e6)}\n`)
      const answer = await answers.next()
      if (answer.done === true) throw new Error(`${name} has ended`)
      const [calls = NaN, nanoseconds = NaN] = answer.value.split(' ').map(Number)
      return { amount: nanoseconds / 1000, calls }
    },
    check: () => Promise.resolve(check(name, directory, load)),
    close: async () => {
      child.stdin.end()
      await ended
      fs.rmSync(place, { recursive: true })
    },
  }
}

/** The same calls of `node:fs`, synchronously. */
export async function bareCalls(
  name: string,
  arena: Arena,
  isSync: (operation: Operation) => boolean,
): Promise<Contestant> {
  const { directory, load, isFilled } = arena
  if (!isFilled) fill(directory, load)
  const paths = new Map(load.keys.map((key) => [key, pathOf(directory, key)]))
  const place = privatePlace(directory)
  const subject = new BareCalls(paths, place, load.valueBytes)
  return await contestant(name, subject, { ...arena, isFilled: true }, isSync)
}

class BareCalls implements Subject {
  readonly #paths: ReadonlyMap<string, string>
  readonly #place: string
  readonly #valueBytes: number
  readonly #bytes = Buffer.alloc(READ_BYTES)
  readonly #footer: Buffer
  #count = 0

  constructor(paths: ReadonlyMap<string, string>, place: string, valueBytes: number) {
    this.#paths = paths
    this.#place = place
    this.#valueBytes = valueBytes
    const [path = ''] = paths.values()
    this.#footer = fs.readFileSync(path).subarray(valueBytes)
  }

  get(key: string): Buffer {
    const name = this.#name()
    fs.linkSync(this.#pathOf(key), name)
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants
    const file = fs.openSync(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    const count = fs.readSync(file, this.#bytes, 0, READ_BYTES, 0)
    fs.closeSync(file)
    fs.unlinkSync(name)
    return Buffer.from(this.#bytes.subarray(0, count - this.#footer.length))
  }

  set(key: string, value: Buffer): void {
    const name = this.#name()
    const file = fs.openSync(name, 'w')
    const count = fs.writevSync(file, [value, this.#footer])
    if (count !== this.#valueBytes + this.#footer.length) throw new Error(`${name} is cut off`)
    fs.closeSync(file)
    fs.renameSync(name, this.#pathOf(key))
  }

  close(): void {
    fs.rmSync(this.#place, { recursive: true })
  }

  #name(): string {
    return `${this.#place}/${(this.#count += 1).toString(16)}`
  }

  #pathOf(key: string): string {
    const path = this.#paths.get(key)
    if (path === undefined) throw new Error(`there is no path of ${key}`)
    return path
  }
}

function fill(directory: string, load: Arena['load']): void {
  const store = openSync(directory, { durability: 'none' })
  for (const [at, key] of load.keys.entries()) store.set(key, load.value(at, 0))
  store.close()
}

/** Whatever was written over an object, it is what it held before. */
function check(name: string, directory: string, load: Arena['load']): void {
  const store = openSync(directory, { durability: 'none' })
  for (const [at, key] of load.keys.entries()) {
    if (store.get(key)?.equals(load.value(at, 0)) === true) continue
    throw new Error(`${name} has left another value than was stored under ${key}`)
  }
  store.close()
}

/** Where docs/format.md says that the object of a key is. */
function pathOf(directory: string, key: string): string {
  const hash = createHash('sha256').update(key).digest('hex')
  return join(directory, hash.slice(0, 2), hash.slice(2, 4), hash.slice(4))
}

/** Beside the store and on the same file system, of this process alone. */
function privatePlace(directory: string): string {
  return fs.mkdtempSync(`${directory}-private-`)
}
